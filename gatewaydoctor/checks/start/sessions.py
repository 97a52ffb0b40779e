"""Stores and their rows: loaded, emptied, cut to the cap, reaped, resumed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.stores.cap import high_water
from gatewaydoctor.checks.stores.databases import waiting_source
from gatewaydoctor.checks.stores.rows import merged_at_start
from gatewaydoctor.checks.stores.size import heap_needed
from gatewaydoctor.examine.sessions.eviction import EvictionCollector
from gatewaydoctor.model.gateway.cron import Fate
from gatewaydoctor.model.gateway.entry import MACHINE_KINDS, Kind, Status
from gatewaydoctor.model.gateway.release import Cut
from gatewaydoctor.model.gateway.store import Readable
from gatewaydoctor.model.outcome import forecast
from gatewaydoctor.model.outcome.forecast import Certainty, Cost, Event
from gatewaydoctor.model.words import duration, plural, rounded_size, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatewaydoctor.checks.start.state import StartState, StoreAtStart
    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.model.gateway.release import Release

LOAD_BYTES_PER_MS = 20_000
"""185 MB took a 2026.3.28 gateway about 9 s longer to come up than none."""
FIRST_SAVE_MS = 15_000
"""A damaged store next to a job that was due was overwritten within 15 s of the start (2026.3.28)."""
REAPED_MS = 90_000
"""After a tick of cron, up to 60 s after its catch-up: rows went 40 s after one start, not 57 s after another."""
RECOVERY_MS = 5_000
CAP_MS = 9_000
"""2026.5.22 cut to the cap 0.7 s after everything was up, which took it up to 8 s."""


def loads(state: StartState) -> Iterator[Event]:
    release = state.x.config.release
    for store in state.stores:
        if not store.bytes and store.readable is Readable.YES:
            continue
        if release.behaviour.sessions_in_database:
            if waiting_source(state.x, store.path) is None:
                yield from _imports(store)
            continue
        match store.readable:
            case Readable.GATEWAY_EMPTY:
                yield from _emptied(state, store)
            case Readable.NO:
                what = f"loads {store.agent_id}: it could not be read, so what follows is not known"
                yield Event(forecast.EventKind.UNKNOWN, 0, what, (str(store.path),), certainty=Certainty.MAY)
            case Readable.YES:
                ms = store.bytes // LOAD_BYTES_PER_MS
                took = f", about {duration(ms)}" if ms >= 100 else ""
                heap = heap_needed(release, store.bytes)[0]
                needs = f" and {rounded_size(heap)} of heap" if heap > 200_000_000 else ""
                what = f"loads {store.agent_id}: {size(store.bytes)}, {plural(store.entries, 'session')}{took}{needs}"
                cost = Cost(bytes=store.bytes, heap=heap, ms=ms)
                yield Event(forecast.EventKind.LOADS, 0, what, how_many=store.entries, cost=cost)
    for agent_id, groups in merged_at_start(state.x):
        gone = sum(len(keys) - 1 for keys in groups)
        what = (
            f"keeps the newest of {plural(len(groups), 'group')} of keys of {agent_id} that become one, and deletes "
            f"{plural(gone, 'session')}; transcripts stay"
        )
        yield Event(forecast.EventKind.EVICTS, 0, what, tuple(keys[0] for keys in groups), gone)


def _imports(store: StoreAtStart) -> Iterator[Event]:
    if store.readable is Readable.YES and store.entries:
        what = (
            f"imports {store.agent_id}: {plural(store.entries, 'session')} of sessions.json, each replacing the row "
            "of the database with the same key; the file is set aside"
        )
        yield Event(
            forecast.EventKind.IMPORTS, 0, what, (str(store.path),), store.entries, Cost(bytes=store.bytes),
            source="seen with 2026.9.6",
        )  # fmt: skip


def _emptied(state: StartState, store: StoreAtStart) -> Iterator[Event]:
    yield Event(
        forecast.EventKind.EMPTIES, 0, f"loads {store.agent_id} as EMPTY, silently and without a copy",
        (str(store.path),), store.entries, source="seen with 2026.3.28",
    )  # fmt: skip
    due = any(job.enabled and (job.state.next_run_at or state.x.now + 1) <= state.x.now for job in state.jobs)
    when = "within 15 s, because a job is due" if due else "at the first message or run"
    what = f"overwrites sessions.json of {store.agent_id} {when}: what was in it is gone"
    yield Event(
        forecast.EventKind.EMPTIES, FIRST_SAVE_MS if due else None, what, (str(store.path),), store.entries,
        certainty=Certainty.WILL if due else Certainty.MAY, source="seen with 2026.3.28",
    )  # fmt: skip


def evictions(state: StartState) -> Iterator[Event]:
    """Rows that the cap and the age limit drop, whatever they are."""
    x = state.x
    maintenance, behaviour = x.config.maintenance, x.config.release.behaviour
    if maintenance.mode.value != "enforce" or behaviour.cut is Cut.NEVER:
        return
    limit = maintenance.max_entries.value
    for store in _sound(state):
        over = store.entries >= high_water(limit) if behaviour.cut is Cut.ABOVE_HIGH_WATER else store.entries > limit
        if not over:
            continue
        collector = EvictionCollector(maintenance, behaviour, x.now)
        for row, entry in enumerate(store.rows.every()):
            collector.take(row, entry)
        gone = collector.result()
        if not gone.rows:
            continue
        rest = gone.rows - gone.conversations
        parts = [plural(gone.conversations, "conversation")] if gone.conversations else []
        parts += [plural(rest, "other session" if parts else "session")] if rest else []
        at, where = _CUTS[behaviour.cut]
        yield Event(
            forecast.EventKind.EVICTS, at, f"drops {' and '.join(parts)} of {store.agent_id} {where}", (), gone.rows,
            source=f"{store.entries:,} sessions, cap {limit:,}",
            certainty=Certainty.MAY if at is None else Certainty.WILL,
        )  # fmt: skip


_CUTS: Mapping[Cut, tuple[int | None, str]] = {
    # 2026.3.28 in mode enforce: 12 of 14 conversations were gone 45 s after the start.
    Cut.AT_A_SAVE: (None, "at its first save, by age and cap"),
    Cut.AT_LOAD: (0, "as it loads them, and leaves their transcripts unindexed"),
    Cut.ABOVE_HIGH_WATER: (CAP_MS, "by age and cap, and archives their transcripts as .deleted"),
}
"""When a store is cut to its cap, in ms after the start, and how."""


def reaped(state: StartState) -> Iterator[Event]:
    """Run rows older than the retention, which the reaper takes after cron's first tick, whatever their status."""
    for store in _sound(state):
        before = _reaped_before(state, store)
        count = sum((at or 0) < before for at in store.rows.updated(Kind.CRON_RUN)) if before is not None else 0
        if count:
            age = duration(state.x.config.cron.session_retention.value or 0)
            yield Event(
                forecast.EventKind.REAPS,
                REAPED_MS,
                f"removes {plural(count, 'run row')} of {store.agent_id} older than {age}",
                how_many=count,
                certainty=Certainty.WILL if state.x.config.release.behaviour.reaps_soon else Certainty.MAY,
                source="seen with 2026.3.28: 320 rows within 40 s, 2 rows not within 57 s",
            )


def _reaped_before(state: StartState, store: StoreAtStart) -> int | None:
    """Run rows of this store last updated before this (epoch ms) are the reaper's; None where it takes none. It works
    on stores of agents that own a job, and of the default one."""
    x = state.x
    retention = x.config.cron.session_retention.value
    armed = (
        x.config.cron.enabled.value and any(job.enabled for job in state.jobs) and not state.fated(Fate.STOPS_CRON)
    )
    owners = {job.agent_id or x.config.default_agent for job in state.jobs} | {x.config.default_agent}
    if retention is None or not armed or x.config.release.behaviour.sessions_in_database:
        return None
    return x.now - retention if owners & set(store.agent_ids) else None


def resumed(state: StartState) -> Iterator[Event]:
    """Sessions that a start resumes, and what stays marked running."""
    release = state.x.config.release
    gives_up_children = release.behaviour.sessions_in_database
    taken: list[Entry] = []
    children: list[Entry] = []
    given_up: list[Entry] = []
    left = 0
    foreign: list[str] = []
    for store in _sound(state):
        before = _reaped_before(state, store)
        for entry in store.rows.marked():
            if before is not None and entry.kind is Kind.CRON_RUN and (entry.updated_at or 0) < before:
                continue
            if state.resumption.takes_up_child(entry) and entry.key.lower() not in state.gone_children:
                children.append(entry)
            elif state.resumption.takes_up(entry, store.sessions_dir):
                taken.append(entry)
                if _leads_out(entry, store):
                    foreign.append(entry.key)
            elif entry.status is Status.RUNNING and entry.kind is Kind.SUBAGENT and gives_up_children:
                given_up.append(entry)
            elif entry.status is Status.RUNNING:
                left += 1
    yield from _taken_up(release, taken)
    if children:
        what = f"sends {plural(len(children), 'subagent')} a message to go on, with one model turn each or more"
        yield Event(
            forecast.EventKind.RESUMES, RECOVERY_MS, what, _keys(children), len(children), Cost(turns=len(children)),
            Certainty.MAY, "4 turns for one subagent were seen, where the gateway's loop was blocked",
        )  # fmt: skip
    if foreign:
        what = f"begins {plural(len(foreign), 'of them', 'of them')} with an empty history, at a path of another host"
        yield Event(
            forecast.EventKind.RESUMES, RECOVERY_MS, what, tuple(foreign), len(foreign), certainty=Certainty.MAY
        )
    in_databases = any(True for database in state.databases for _ in database.running())
    if not taken and not children and not in_databases:
        yield Event(forecast.EventKind.RESUMES, RECOVERY_MS, "resumes nothing", how_many=0)
    if given_up:
        what = f"marks {plural(len(given_up), 'subagent session')} failed, because it takes over no subagent run"
        yield Event(
            forecast.EventKind.SETTLES, RECOVERY_MS, what, _keys(given_up), len(given_up), certainty=Certainty.MAY,
            source="seen with 2026.9.6",
        )  # fmt: skip
    if left:
        what = f"leaves {plural(left, 'session')} marked running"
        settles = release.behaviour.settles_open_runs
        removes = release.behaviour.sessions_in_database and any(job.enabled for job in state.jobs)
        yield Event(
            forecast.EventKind.SETTLES, None, what + (", apart from subagents, which it settles" if settles else ""),
            how_many=left, certainty=Certainty.MAY if settles or removes else Certainty.WILL,
        )  # fmt: skip


def _taken_up(release: Release, taken: list[Entry]) -> Iterator[Event]:
    if not taken:
        return
    people = sum(entry.kind not in MACHINE_KINDS for entry in taken)
    what = plural(people, "conversation") if people == len(taken) else plural(len(taken), "session")
    if release.behaviour.sessions_in_database:
        sentence = f"resumes {what} with a model turn, one at a time, up to three tries each"
    else:
        sentence = f"resumes {what} with a model turn; those whose last message was answered are marked failed"
    yield Event(
        forecast.EventKind.RESUMES, RECOVERY_MS, sentence, _keys(taken), len(taken), Cost(turns=len(taken)),
        Certainty.WILL if release.known else Certainty.MAY, "5 resumed and 3 failed of 8 with 2026.5.22",
    )  # fmt: skip


def _leads_out(entry: Entry, store: StoreAtStart) -> bool:
    path = entry.session_file or ""
    return path.startswith("/") and not path.startswith(f"{store.sessions_dir}/") and "/sessions/" in path


def _keys(entries: list[Entry]) -> tuple[str, ...]:
    return tuple(entry.key for entry in entries)


def _sound(state: StartState) -> Iterator[StoreAtStart]:
    """Stores whose rows the gateway works on in files."""
    for store in state.stores:
        if store.readable is Readable.YES and not store.era.sessions_in_database:
            yield store
