"""What a start finds: the directory as it is, or as a plan will leave it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from gatewaydoctor.examine.sessions.resumption import Resumption
from gatewaydoctor.model.gateway.entry import Status
from gatewaydoctor.model.gateway.soundness import readable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from gatewaydoctor.examine.databases.databases import DatabaseFacts
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.model.gateway.cron import CronJob, Fate
    from gatewaydoctor.model.gateway.entry import Entry, Glance, Kind
    from gatewaydoctor.model.gateway.era import Era
    from gatewaydoctor.model.gateway.store import Readable
    from gatewaydoctor.model.outcome.verdict import StartVerdict
    from gatewaydoctor.storage.entries.sessionset import SessionSet


class RowsAtStart(Struct, frozen=True):
    """The rows of a store that the gateway will see, afresh each time: `every` one, those `marked` running or
    aborted, and, for which no entry has to be made, all at a glance and updatedAt (epoch ms) of those of a kind."""

    every: Callable[[], Iterator[Entry]]
    glances: Callable[[], Iterator[Glance]]
    marked: Callable[[], Iterator[Entry]]
    updated: Callable[[Kind], Iterator[int | None]]


def rows_of(every: Callable[[], Iterable[Entry]]) -> RowsAtStart:
    """Rows that are kept as entries."""
    return RowsAtStart(
        lambda: iter(every()),
        lambda: (entry.glance for entry in every()),
        lambda: (entry for entry in every() if entry.status is Status.RUNNING or entry.aborted_last_run),
        lambda kind: (entry.updated_at for entry in every() if entry.kind is kind),
    )


def _rows_read(sessions: SessionSet) -> RowsAtStart:
    table, hidden = sessions.table, frozenset(sessions.hidden)
    return RowsAtStart(
        lambda: (entry for _, entry in sessions.rows()),
        lambda: (each for row, each in table.glances() if row not in hidden),
        lambda: (table[row] for row in table.marked() if row not in hidden),
        lambda kind: (at for row, at in table.updated(kind) if row not in hidden),
    )


class StoreAtStart(Struct, frozen=True):
    """One store as a start finds it. `known` is False where not all its rows could be read."""

    agent_ids: tuple[str, ...]
    path: Path
    bytes: int
    entries: int
    readable: Readable
    rows: RowsAtStart
    known: bool
    era: Era

    @property
    def agent_id(self) -> str:
        return self.agent_ids[0] if self.agent_ids else "main"

    @property
    def sessions_dir(self) -> Path:
        return self.path.parent


class DatabaseAtStart(Struct, frozen=True):
    """One agent's database as a start finds it. `entries` is None where its sessions could not be read; `running`
    gives the rows marked running. `bytes` are those of its file, at most,
    `row_bytes` those of its session rows. `fresh`: a plan makes it a new file, with an inode that the gateway has not
    checked yet."""

    agent_id: str
    path: Path
    bytes: int
    entries: int | None
    running: Callable[[], Iterator[Entry]]
    rows: RowsAtStart
    row_bytes: int
    fresh: bool = False


class StartState(Struct, frozen=True):
    """`x` is what was examined, for everything no plan changes. `gone_children` are keys (lower case) of subagents
    whose runs or rows will be gone; `verdict` is that of the directory, None where a plan changes what decided."""

    x: Examination
    stores: tuple[StoreAtStart, ...]
    databases: tuple[DatabaseAtStart, ...]
    jobs: tuple[CronJob, ...]
    resumption: Resumption
    verdict: StartVerdict | None = None
    gone_children: frozenset[str] = field(default_factory=frozenset)

    def fated(self, fate: Fate) -> set[int]:
        """The places in jobs.json of what the release in use makes this of."""
        return {each.index for each in self.x.cron.problems if each.fate is fate and self.jobs}


def as_it_is(x: Examination, verdict: StartVerdict) -> StartState:
    """The directory as it was examined."""
    databases = tuple(map(database_found, x.databases))
    return StartState(x, tuple(map(_found, x.stores)), databases, x.jobs.jobs, Resumption(x), verdict)


def database_found(facts: DatabaseFacts) -> DatabaseAtStart:
    """A database as it was examined."""
    rows = facts.facts
    return DatabaseAtStart(
        facts.agent_id,
        facts.path,
        facts.database.size,
        None if facts.sessions is None else facts.sessions.entries,
        rows.running.entries if rows else lambda: iter(()),
        rows_of(tuple) if facts.sessions is None else _rows_read(facts.sessions),
        0 if facts.sessions is None else sum(facts.sessions.weights.values()),
    )


def _found(store: StoreFacts) -> StoreAtStart:
    sessions = store.sessions
    reading = store.reading
    return StoreAtStart(
        store.read.ref.agent_ids,
        store.read.ref.path,
        reading.bytes if reading else 0,
        reading.entries if reading else 0,
        readable(store.soundness),
        _rows_read(sessions) if sessions else rows_of(tuple),
        store.read.whole,
        store.era,
    )
