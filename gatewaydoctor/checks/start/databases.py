"""Sessions and queues that are in databases: opened, resumed, sent."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from gatewaydoctor.model.gateway.entry import MACHINE_KINDS, Status
from gatewaydoctor.model.gateway.entry import Kind as SessionKind
from gatewaydoctor.model.gateway.store import Readable
from gatewaydoctor.model.outcome.forecast import Certainty, Cost, Event, EventKind
from gatewaydoctor.model.words import duration, plural, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.checks.start.state import StartState
    from gatewaydoctor.model.gateway.entry import Entry, Glance

_LEFT_OUT = frozenset({SessionKind.SUBAGENT, SessionKind.ACP, SessionKind.CRON_BASE, SessionKind.CRON_RUN})
RECOVERY_MS = 5_000
REAPED_MS = 300_000


def opened(state: StartState) -> Iterator[Event]:
    """Each agent's database: what is in it, and that it is checked, which takes its time."""
    for database in state.databases:
        agent = database.agent_id
        if database.entries is None:
            what = f"opens the database of {agent}, whose sessions could not be read"
            yield Event(EventKind.UNKNOWN, 0, what, (str(database.path),), 0, certainty=Certainty.MAY)
            continue
        what = f"opens the database of {agent}: {size(database.bytes)}, {plural(database.entries, 'session')}"
        yield Event(EventKind.LOADS, 0, what, (str(database.path),), database.entries, Cost(bytes=database.bytes))
        if database.fresh:
            sessions = plural(database.entries, "session")
            what = f"checks the new database of {agent} once in full and validates {sessions}"
            yield Event(EventKind.VALIDATES, 0, what, (str(database.path),), database.entries, source=_INODE)


_INODE = "2026.9.6 trusts a database it has checked by its inode"


def lost(state: StartState) -> Iterator[Event]:
    """What a start silently loses of databases."""
    for finding, effect in state.verdict.losses if state.verdict else ():
        if not finding.rule.startswith("database-"):
            continue  # stores that load as empty are told with their rows
        _, _, what = effect.reason.removesuffix(".").partition("gateway ")
        what = what.replace("this agent", f"agent {finding.agent_id}")
        yield Event(EventKind.EMPTIES, 0, what, (), 1, source=effect.cause)


def settled(state: StartState) -> Iterator[Event]:
    """Receipts of cron runs whose gateway has ended."""
    rows = state.x.state_rows
    if rows and rows.running:
        jobs = tuple(dict.fromkeys(receipt.job_id for receipt in rows.running))
        what = f"settles {plural(len(rows.running), 'receipt')} of broken-off cron runs as interrupted"
        yield Event(EventKind.SETTLES, 0, what, jobs, len(rows.running), source="seen with 2026.9.6")


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
        yield Event(EventKind.RESUMES, RECOVERY_MS, what, tuple(keys), len(keys), Cost(turns=len(keys)))
    if left:
        what = f"leaves {plural(left, 'row')} of cron runs and subagents marked running"
        yield Event(EventKind.SETTLES, None, what, (), left, certainty=Certainty.MAY)


def kept(state: StartState) -> Iterator[Event]:
    """What 2026.9.6 removes from a database, imported a moment before or not: run rows older than the retention once
    cron has run, and at a save what is beyond the cap, conversations and rows marked running aside."""
    if not state.x.config.release.behaviour.sessions_in_database:
        return
    imports = {store.agent_id: store for store in state.stores if store.entries and store.readable is Readable.YES}
    databases = {database.agent_id: database for database in state.databases}
    for agent in dict.fromkeys((*imports, *databases)):
        rows = [source[agent].rows for source in (imports, databases) if agent in source]
        after = (
            (entry.glance for entry in _replaced(*(each.every() for each in rows))) if rows[1:] else rows[0].glances()
        )
        counted = _counted(state, after)
        yield from _reaped(state, agent, counted)
        yield from _capped(state, agent, counted)


def _replaced(imported: Iterator[Entry], there: Iterator[Entry]) -> Iterator[Entry]:
    """Rows once a store is imported: each of its entries replaces the row with its key."""
    keys = set()
    for entry in imported:
        keys.add(entry.key)
        yield entry
    yield from (entry for entry in there if entry.key not in keys)


class _Counted(NamedTuple):
    """Rows of an agent: all, run rows older than the retention and those of them marked running, and rows of machines
    that the cap may take, with those of them older than pruneAfter."""

    rows: int
    expired: int
    expired_running: int
    machine: int
    aged: int


def _counted(state: StartState, rows: Iterator[Glance]) -> _Counted:
    x = state.x
    expires = x.now - (x.config.cron.session_retention.value or x.now)
    prunes = x.now - x.config.maintenance.prune_after.value
    total = expired = running = machine = aged = 0
    for entry in rows:
        total += 1
        if entry.kind not in MACHINE_KINDS:
            continue
        at, is_running = entry.updated_at, entry.status is Status.RUNNING
        if entry.kind is SessionKind.CRON_RUN and (at or 0) < expires:
            expired += 1
            running += is_running
        if not is_running and not entry.pinned:
            machine += 1
            aged += at is not None and at < prunes
    return _Counted(total, expired, running, machine, aged)


def _reaped(state: StartState, agent: str, counted: _Counted) -> Iterator[Event]:
    cron = state.x.config.cron
    retention = cron.session_retention.value
    armed = cron.enabled.value and any(job.enabled for job in state.jobs)
    if not retention or not armed or not counted.expired:
        return
    also = f", {counted.expired_running:,} of them marked running" if counted.expired_running else ""
    what = f"removes {plural(counted.expired, 'run row')} of {agent} older than {duration(retention)}{also}"
    yield Event(
        EventKind.REAPS, REAPED_MS, f"{what}, once a cron job has run", (), counted.expired, certainty=Certainty.MAY,
        source="seen with 2026.9.6: 15 rows of 15, within 4 min",
    )  # fmt: skip


def _capped(state: StartState, agent: str, counted: _Counted) -> Iterator[Event]:
    maintenance = state.x.config.maintenance
    cap = maintenance.max_entries.value
    gone = max(counted.aged, min(counted.machine, counted.rows - cap))
    if gone > 0 and maintenance.mode.value == "enforce":
        rows = f"{plural(gone, 'session')} of cron runs and subagents of {agent}"
        what = f"drops {rows} by age and cap at its first save, and one more for each new one; conversations stay"
        yield Event(
            EventKind.EVICTS, None, what, (), gone,
            certainty=Certainty.MAY, source=f"{counted.rows:,} sessions, cap {cap:,}; seen with 2026.9.6",
        )  # fmt: skip


def queued(state: StartState) -> Iterator[Event]:
    """Messages that wait in the state database."""
    rows = state.x.state_rows
    for queue in rows.queues if rows else ():
        if queue.status == "pending" and queue.count:
            age = f", the oldest {duration(state.x.now - queue.oldest)} old" if queue.oldest else ""
            what = f"sends {plural(queue.count, 'message')} of the state database{age}"
            yield Event(EventKind.SENDS, 3_000, what, (), queue.count, Cost(messages=queue.count), Certainty.MAY)
