"""Sessions and queues that are in databases: opened, resumed, sent."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.entry import Kind as SessionKind
from gatewaydoctor.model.outcome.forecast import Certainty, Cost, Event, Kind
from gatewaydoctor.model.words import duration, plural, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.checks.start.state import StartState

_LEFT_OUT = frozenset({SessionKind.SUBAGENT, SessionKind.ACP, SessionKind.CRON_BASE, SessionKind.CRON_RUN})
CHECK_BYTES_PER_MS = 200_000
RECOVERY_MS = 5_000


def opened(state: StartState) -> Iterator[Event]:
    """Each agent's database: what is in it, and that it is checked, which takes its time."""
    for database in state.databases:
        agent = database.agent_id
        if database.entries is None:
            what = f"opens the database of {agent}, whose sessions could not be read"
            yield Event(Kind.UNKNOWN, 0, what, (str(database.path),), 0, certainty=Certainty.MAY)
            continue
        what = f"opens the database of {agent}: {size(database.bytes)}, {plural(database.entries, 'session')}"
        yield Event(Kind.LOADS, 0, what, (str(database.path),), database.entries, Cost(bytes=database.bytes))


def resumed(state: StartState) -> Iterator[Event]:
    """2026.9.6 resumes every conversation marked running, one at a time, up to three tries."""
    keys = []
    left = 0
    for entry in chain.from_iterable(database.running() for database in state.databases):
        if entry.kind in _LEFT_OUT or entry.spawned:
            left += 1
        else:
            keys.append(entry.key)
    if keys:
        what = f"resumes {plural(len(keys), 'conversation')} with a model turn, one at a time, up to three tries each"
        yield Event(Kind.RESUMES, RECOVERY_MS, what, tuple(keys), len(keys), Cost(turns=len(keys)))
    if left:
        what = f"leaves {plural(left, 'row')} of cron runs and subagents marked running"
        yield Event(Kind.SETTLES, None, what, (), left, certainty=Certainty.MAY)


def queued(state: StartState) -> Iterator[Event]:
    """Messages that wait in the state database."""
    rows = state.x.state_rows
    for queue in rows.queues if rows else ():
        if queue.status == "pending" and queue.count:
            age = f", the oldest {duration(state.x.now - queue.oldest)} old" if queue.oldest else ""
            what = f"sends {plural(queue.count, 'message')} of the state database{age}"
            yield Event(Kind.SENDS, 3_000, what, (), queue.count, Cost(messages=queue.count), Certainty.MAY)
