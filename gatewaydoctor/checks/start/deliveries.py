"""Messages that wait to be sent, and the note that a restart left for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.outcome.forecast import Certainty, Cost, Event, EventKind
from gatewaydoctor.model.words import duration, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.checks.start.state import StartState
    from gatewaydoctor.model.gateway.queues import DeliveryQueue

MOST_RETRIES = 5
OUTBOUND = "delivery-queue"
EXPIRED_MS = 72 * 3_600_000
"""2026.9.6 does not send messages of files that were queued so long ago; it says so in its log."""


def sent(state: StartState) -> Iterator[Event]:
    release = state.x.config.release
    for queue in state.x.queues:
        yield from _moved(state, queue) if release.behaviour.sessions_in_database else _queue(state, queue)
    if state.x.sentinel is not None:
        age = f" ({duration(state.x.now - state.x.sentinel)} old)" if state.x.sentinel else ""
        answers = release.behaviour.answers_sentinel
        ends, rest = ("puts the text of", " into main, with a model turn") if answers else ("consumes", "")
        what = f"{ends} restart-sentinel.json{age}{rest}"
        seen = f"seen with {release.policy or 'others'}"
        yield Event(EventKind.NOTICE, 3_000, what, cost=Cost(turns=int(answers)), source=seen)


def _moved(state: StartState, queue: DeliveryQueue) -> Iterator[Event]:
    """2026.9.6 takes waiting messages into the state database, whatever their tries, and renames every file of the
    queue: also markers, what was given up, and messages that are too old, which it does not take."""
    expired = _expired(state, queue)
    waiting = queue.pending.files - expired
    files = queue.pending.files + queue.delivered + queue.failed.files
    if files:
        what = f"renames {plural(files, 'file')} of {queue.path.name} to *.migrated"
        into = f", after taking {plural(waiting, 'waiting message')} into the state database" if waiting else ""
        left = f"; {plural(queue.failed.files, 'message')} of failed/ stay behind" if queue.failed.files else ""
        yield Event(
            EventKind.IMPORTS, 0, f"{what}{into}{left}", (str(queue.path),), files, source="seen with 2026.9.6"
        )
    if expired:
        what = f"does not send {plural(expired, 'message')} queued 72 h ago or earlier: kept in *.migrated alone"
        yield Event(EventKind.GIVES_UP, 0, what, (str(queue.path),), expired, source="seen with 2026.9.6")
    if waiting:
        age = "" if expired else _age(state, queue)
        what = f"sends {plural(waiting, 'message')}{_to(queue)}{age}, also those with 5 tries"
        without = "; those without a working channel stay pending in the state database"
        yield Event(EventKind.SENDS, 3_000, what + without, (), waiting, Cost(messages=waiting), Certainty.MAY)


def _expired(state: StartState, queue: DeliveryQueue) -> int:
    """Messages of people that 2026.9.6 finds too old to send, as far as the oldest were read."""
    if queue.path.name != OUTBOUND:
        return 0
    ages = [state.x.now - each.enqueued_at for each in queue.sample if each.enqueued_at is not None]
    return sum(age >= EXPIRED_MS for age in ages)


def _to(queue: DeliveryQueue) -> str:
    channels = sorted({each.channel for each in queue.sample if each.channel})
    return f" to {', '.join(channels)}" if channels else ""


def _age(state: StartState, queue: DeliveryQueue) -> str:
    old = queue.pending.oldest
    return f", the oldest {duration(state.x.now - old)} old" if old is not None and old <= state.x.now else ""


def _queue(state: StartState, queue: DeliveryQueue) -> Iterator[Event]:
    pending = queue.pending.files
    given_up = sum(each.retries >= MOST_RETRIES for each in queue.sample)
    if given_up:
        what = f"gives up {plural(given_up, 'message')} after 5 tries, unsent: they go to failed/"
        yield Event(EventKind.GIVES_UP, 3_000, what, (str(queue.path),), given_up)
    waiting = pending - given_up
    if waiting > 0:
        kept = state.x.config.release.behaviour.keeps_unsent
        without = "counted as failed once more" if kept else "moved to failed/"
        sends = f"sends {plural(waiting, 'message')}{_to(queue)}{_age(state, queue)}"
        what = f"{sends}; those without a working channel are {without}"
        yield Event(EventKind.SENDS, 3_000, what, (str(queue.path),), waiting, Cost(messages=waiting), Certainty.MAY)
    if queue.delivered:
        what = f"removes {plural(queue.delivered, 'marker')} of delivered messages"
        yield Event(EventKind.WRITES, 0, what, (str(queue.path),), queue.delivered)
