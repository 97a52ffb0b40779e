"""What the next start does before and after a plan, by the same forecast as the verb of that name."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gatewaydoctor.checks.start.forecast import forecast
from gatewaydoctor.checks.start.state import (
    DatabaseAtStart,
    StartState,
    StoreAtStart,
    as_it_is,
    database_found,
    rows_of,
)
from gatewaydoctor.checks.stores.databases import LEGACY, refuses_leftovers
from gatewaydoctor.checks.verdict import start_verdict
from gatewaydoctor.examine.sessions.resumption import Resumption
from gatewaydoctor.model.gateway.entry import Status
from gatewaydoctor.model.gateway.soundness import readable
from gatewaydoctor.model.gateway.store import Readable
from gatewaydoctor.model.outcome.forecast import Certainty
from gatewaydoctor.model.outcome.verdict import Effect
from gatewaydoctor.model.repair.plan import Rewrite, StartEvent
from gatewaydoctor.repair.planner.resumed import as_planned, gone_locks
from gatewaydoctor.repair.repairs.cron.cron import planned_jobs
from gatewaydoctor.repair.repairs.sessions.childkeys import dropped_children
from gatewaydoctor.repair.vault.layout import spell

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.gateway.cron import CronJob
    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.model.outcome.forecast import Forecast
    from gatewaydoctor.model.outcome.verdict import StartVerdict
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.repair.drafting.rows import DatabaseDraft, StoreDraft


def starts(draft: Draft) -> tuple[tuple[StartEvent, ...], tuple[StartEvent, ...]]:
    """The events of a start now, and of one after the plan."""
    verdict = start_verdict(draft.x, draft.all_findings)
    return told(forecast(as_it_is(draft.x, verdict))), told(forecast(_after(draft)))


def told(found: Forecast) -> tuple[StartEvent, ...]:
    return tuple(
        StartEvent(
            kind=event.kind.value,
            at_ms=event.at,
            what=event.what,
            who=event.who[:SHOWN],
            how_many=event.how_many,
            turns=event.cost.turns,
            certain=event.certainty is Certainty.WILL,
        )
        for event in found.events
    )


SHOWN = 20
"""Names that a plan keeps for each event; it counts all."""


def merged(
    x: Examination, added: Mapping[Path, Sequence[Entry]], jobs: tuple[CronJob, ...] | None
) -> tuple[StartEvent, ...]:
    """The events of a start once these rows are back in the stores of `x`, by path, and `jobs` where they are, None
    where jobs.json stays as it is."""

    def with_rows(store: StoreAtStart) -> StoreAtStart:
        more = added.get(store.path, ())
        rows = rows_of(lambda: chain(store.rows.every(), more))
        size = store.bytes + sum(entry.bytes for entry in more)
        return replace(store, rows=rows, entries=store.entries + len(more), bytes=size)

    state = as_it_is(x, start_verdict(x, ()))
    stores = tuple(map(with_rows, state.stores))
    return told(forecast(replace(state, stores=stores, jobs=state.jobs if jobs is None else jobs)))


def _after(draft: Draft) -> StartState:
    stores = tuple(_store(draft, store) for store in draft.stores if not draft.leaves(store.path))
    planned = {database.path: _database(draft, database) for database in draft.databases if database.opened}
    databases = tuple(
        planned.get(facts.path) or database_found(facts)
        for facts in draft.x.databases
        if not draft.leaves(facts.path)
    )
    jobs = draft.cron_jobs if draft.x.state is None else planned_jobs(draft)
    gone = dropped_children(draft) & _children(draft)
    resumption = Resumption(draft.x, gone_locks(draft))
    problems = tuple(each for each in draft.x.cron.problems if each.index not in draft.unlisted)
    x = replace(draft.x, cron=replace(draft.x.cron, problems=problems), queues=draft.queues, state=draft.state)
    return StartState(x, stores, databases, jobs, resumption, _still_ahead(draft), gone)


def _still_ahead(draft: Draft) -> StartVerdict | None:
    """The verdict over what makes a start fail or lose and no repair fixes: findings of files the plan leaves alone,
    an import whose receipt a source contradicts, whatever is done to that file, and a leftover store that the plan
    shortens where any is refused. None where nothing of that is left."""
    refused = [each.path for each in draft.x.health.leftovers if refuses_leftovers(draft.x.config.release)]
    staying = {str(path) for path in refused if not draft.leaves(path)}
    rewritten = {str(each.path) for each in draft.x.migration.retained if each.contradicted}
    left = [
        each
        for each in draft.all_findings
        if (each.rule == LEGACY.id and each.path in staying)
        or (each.fix is None and each.path and (each.path in rewritten or not draft.taken(Path(each.path))))
    ]
    verdict = start_verdict(draft.x, left)
    return verdict if verdict.effect in (Effect.FAILS, Effect.LOSES) else None


def _database(draft: Draft, database: DatabaseDraft) -> DatabaseAtStart:
    """The database as the plan leaves it."""

    def running() -> Iterator[Entry]:
        for position, entry in database.entries():
            if entry.status is Status.RUNNING and "status" not in database.edits_of(position):
                yield entry

    facts = database.facts
    size = database.at_most or facts.database.size

    rows = rows_of(lambda: (entry for _, entry in database.entries()))
    kept, taken = database.size() - database.saved, draft.taken(facts.path)
    return DatabaseAtStart(facts.agent_id, facts.path, size, len(database), running, rows, kept, taken)


def _children(draft: Draft) -> frozenset[str]:
    registry = draft.x.subagents
    return frozenset(run.child_key.lower() for run in registry.rows if run.child_key)


def _store(draft: Draft, store: StoreDraft) -> StoreAtStart:
    """The store as the plan leaves it; one it does not touch stays what it is."""
    read, sessions = store.facts.read, store.facts.sessions
    text = spell(draft.real(store.path), draft.state_dir)
    written = next((act for act in draft.acts if isinstance(act, Rewrite) and act.target == text), None)
    size = written.size if written else sessions.reading.bytes if sessions else 0
    return StoreAtStart(
        read.ref.agent_ids,
        store.path,
        size,
        len(store) if store.opened else sessions.reading.entries if sessions else 0,
        Readable.YES if written else readable(read.soundness),
        rows_of(lambda: as_planned(draft, store)),
        store.whole,
        store.facts.era,
    )
