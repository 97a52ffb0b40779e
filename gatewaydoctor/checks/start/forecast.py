"""forecast(): the events of a start, in order. Pure: it follows from what was examined and from what the release does
(docs/gateway.md). A line that was seen to come true says will, any other says may."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gatewaydoctor.checks.boot import release_name
from gatewaydoctor.checks.start import cron, databases, deliveries, sessions, subagents
from gatewaydoctor.checks.stores.size import heap_allowed, heap_needed
from gatewaydoctor.checks.thresholds import DEFAULTS
from gatewaydoctor.model.gateway.release import Policy
from gatewaydoctor.model.gateway.store import Readable
from gatewaydoctor.model.outcome.forecast import Certainty, Event, EventKind, Forecast
from gatewaydoctor.model.outcome.verdict import Effect
from gatewaydoctor.model.words import plural, rounded_size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.checks.start.state import StartState

_SOURCES = (
    databases.lost,
    sessions.loads,
    sessions.evictions,
    sessions.reaped,
    sessions.resumed,
    subagents.registry,
    cron.fired,
    deliveries.sent,
    databases.opened,
    databases.settled,
    databases.resumed,
    databases.kept,
    databases.queued,
)
"""Each gives the events of its matter."""


def forecast(state: StartState) -> Forecast:
    """What a start of the release in use does with the directory. A release that nothing tells gives events that any
    release has, and says so."""
    release, verdict = state.x.config.release, state.verdict
    name = release_name(release)
    if verdict is not None and verdict.effect is Effect.FAILS:
        return Forecast(name, state.x.now, tuple(_refusal(state)), starts=False)
    events = chain(
        _unknown_release(state),
        _out_of_memory(state),
        chain.from_iterable(source(state) for source in _SOURCES),
        _start_up(state),
    )
    ordered = sorted(events, key=lambda event: (event.at is None, event.at or 0))
    told = (event if release.known else replace(event, certainty=Certainty.MAY) for event in ordered)
    return Forecast(name, state.x.now, tuple(told))


def _refusal(state: StartState) -> Iterator[Event]:
    assert state.verdict is not None
    what = state.verdict.reason.removesuffix(".")
    what = f"a{what[1:]}" if what.startswith("A ") else what
    yield Event(EventKind.REFUSES, 0, f"does not come up: {what}", source=state.verdict.cause)


def _unknown_release(state: StartState) -> Iterator[Event]:
    if not state.x.config.release.known:
        what = "is of an unknown release: what it does differs by release, so every line is only possible"
        yield Event(EventKind.UNKNOWN, 0, what, source=state.x.config.release.evidence)


def _out_of_memory(state: StartState) -> Iterator[Event]:
    limit, source = heap_allowed(state.x, DEFAULTS)
    loaded = [store.bytes for store in state.stores if store.readable is Readable.YES]
    loaded += [database.row_bytes for database in state.databases]
    needed = heap_needed(state.x.config.release, max(loaded, default=0))[0]
    if 2 * needed >= limit:
        what = "runs out of memory while it loads a store, and is started again by whatever restarts it"
        why = f"a copy of the largest takes an estimated {rounded_size(needed)}; the limit is {rounded_size(limit)}"
        certainty = Certainty.WILL if needed >= limit else Certainty.MAY
        yield Event(EventKind.REFUSES, 0, what, certainty=certainty, source=f"{why} ({source})")


def _start_up(state: StartState) -> Iterator[Event]:
    """What every start of a release writes, and how long it may not answer."""
    policy = state.x.config.release.policy
    in_files = state.x.eras.state is None  # from 2026.6.1 on the jobs are in the state database
    moves = state.x.config.release.behaviour.moves_job_state and in_files
    if moves and state.jobs and not state.x.cron.state.bytes:
        yield Event(EventKind.WRITES, 0, "moves the run state of the jobs from jobs.json to jobs-state.json")
    match policy:
        case Policy.V2026_4_25:
            what = (
                "installs what its bundled plugins need with npm, even with plugins off; does not answer until "
                "that is done, minutes the first time (over 15 if npm cannot reach its registry)"
            )
            yield Event(
                EventKind.BLOCKS, 0, what, certainty=Certainty.MAY, source="seen with 2026.4.25: 100 s and more"
            )
        case Policy.V2026_9_6:
            yield from _upgrades(state)
        case Policy.V2026_5_22:
            what = "answers after 5-8 s, then may not answer for 24 to 95 s; what is due at once waits for that"
            yield Event(EventKind.BLOCKS, 8_000, what, certainty=Certainty.MAY, source="seen with 2026.5.22")
        case _:
            pass


def _upgrades(state: StartState) -> Iterator[Event]:
    """What 2026.9.6 takes of an earlier release's directory, and the jobs it adds to every one."""
    x = state.x
    if x.cron.jobs:
        jobs = plural(len(x.cron.jobs), "job")
        what = f"takes {jobs} of jobs.json into the state database, and renames the file to *.migrated"
        yield Event(EventKind.IMPORTS, 0, what, (), len(x.cron.jobs), source="seen with 2026.9.6")
    reviews = [f"skill-collection-review-{agent.agent_id}" for agent in x.config.agents]
    there = {job.name for job in state.jobs}
    own = [name for name in (f"heartbeat-{x.config.default_agent}", *reviews) if name not in there]
    if own and x.config.cron.enabled.value:
        what = f"adds {plural(len(own), 'job')} of its own: a heartbeat every 30 min, a skill review every 7 d"
        yield Event(
            EventKind.WRITES, 0, what, tuple(own), len(own), certainty=Certainty.MAY, source="seen with 2026.9.6"
        )
