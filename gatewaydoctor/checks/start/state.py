"""What a start finds: the directory as it is, or as a plan will leave it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from gatewaydoctor.examine.sessions.resumption import Resumption
from gatewaydoctor.model.gateway.soundness import readable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gatewaydoctor.examine.databases.databases import DatabaseFacts
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.model.gateway.cron import CronJob
    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.model.gateway.era import Era
    from gatewaydoctor.model.gateway.store import Readable
    from gatewaydoctor.model.outcome.verdict import StartVerdict


class StoreAtStart(Struct, frozen=True):
    """One store as a start finds it. `rows` are those the gateway will see; `known` is False where not all could be
    read."""

    agent_ids: tuple[str, ...]
    path: Path
    bytes: int
    entries: int
    readable: Readable
    rows: Callable[[], Iterator[Entry]]
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
    gives the rows marked running and `rows` all of them, afresh each time. `bytes` are those of its file, at most,
    `row_bytes` those of its session rows. `fresh`: a plan makes it a new file, with an inode that the gateway has not
    checked yet."""

    agent_id: str
    path: Path
    bytes: int
    entries: int | None
    running: Callable[[], Iterator[Entry]]
    rows: Callable[[], Iterator[Entry]]
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


def as_it_is(x: Examination, verdict: StartVerdict) -> StartState:
    """The directory as it was examined."""
    jobs = x.jobs or x.cron
    databases = tuple(map(database_found, x.databases))
    return StartState(x, tuple(map(_found, x.stores)), databases, jobs.jobs, Resumption(x), verdict)


def database_found(facts: DatabaseFacts) -> DatabaseAtStart:
    """A database as it was examined."""

    def rows() -> Iterator[Entry]:
        return iter(()) if facts.sessions is None else (entry for _, entry in facts.sessions.rows())

    return DatabaseAtStart(
        facts.agent_id,
        facts.path,
        facts.database.size,
        None if facts.sessions is None else facts.sessions.entries,
        lambda: (each.entry for each in facts.running),
        rows,
        0 if facts.sessions is None else sum(facts.sessions.weights.values()),
    )


def _found(store: StoreFacts) -> StoreAtStart:
    survey = store.survey
    verdict = survey.verdict if survey else None

    def rows() -> Iterator[Entry]:
        return (entry for _, entry in survey.rows()) if survey else iter(())

    return StoreAtStart(
        store.read.ref.agent_ids,
        store.read.ref.path,
        verdict.bytes if verdict else 0,
        verdict.entries if verdict else 0,
        readable(store.soundness),
        rows,
        store.read.whole,
        store.era,
    )
