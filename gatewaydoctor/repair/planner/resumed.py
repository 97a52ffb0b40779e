"""The part of the forecast about sessions: what is marked running, what is resumed, and what was not examined
(gateway.md sections 3 and 8)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gatewaydoctor.examine.sessions.resumption import Resumption
from gatewaydoctor.model.gateway.entry import Kind, Status
from gatewaydoctor.model.gateway.soundness import Damaged, TooLarge
from gatewaydoctor.model.gateway.subagents import RegistryRead
from gatewaydoctor.model.repair.plan import Note
from gatewaydoctor.model.words import plural
from gatewaydoctor.repair.planner.notes import note
from gatewaydoctor.repair.vault.layout import spell

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.repair.drafting.rows import StoreDraft


def running_notes(draft: Draft) -> Iterator[Note]:
    """Rows that are marked running when the plan is done, those that are resumed, and those not examined."""
    resumption = Resumption(draft.x, gone_locks(draft))
    running: list[str] = []
    bases: list[str] = []
    resumed: list[str] = []
    aborted = False
    for store in draft.stores:
        for entry in _marked_rows(draft, store):
            aborted |= entry.aborted_last_run
            if resumption.takes_up(entry, store.facts.read.ref.sessions_dir):
                resumed.append(entry.key)
            elif entry.status is Status.RUNNING:
                (bases if entry.kind is Kind.CRON_BASE else running).append(entry.key)
    release = draft.x.config.release
    if release.known and not release.behaviour.copies_status:
        running, bases = [*running, *bases], []
    unknown = tuple(_unknown(draft, aborted=aborted))
    if bases:
        yield note(
            f"{plural(len(bases), 'job row')} still marked running: releases up to 2026.3.28 save "
            "every further run of these jobs as running.",
            bases,
        )
    if resumed:
        sessions = plural(len(resumed), "session")
        text = f"{sessions} may still be resumed with a model turn after this plan."
        yield Note(text=text, names=tuple(resumed))
    if running:
        stay = plural(len(running), "row stays", "rows stay")
        yield note(f"{stay} marked running; a start does not change that.", running)
    in_databases = tuple(_running_in_databases(draft))
    yield from in_databases
    if not (running or bases or resumed or in_databases):
        yield note(_NOT_ALL_READ if unknown else _NONE_RUNNING, ())
    yield from unknown


_NONE_RUNNING = "No row is marked running: nothing is resumed, and no cron run copies the status."
_NOT_ALL_READ = "No row that could be read is marked running, but this is incomplete:"


def _unknown(draft: Draft, *, aborted: bool) -> Iterator[Note]:
    """What may be resumed and was not read. `aborted`: some row would be, if a run of the registry asked for it."""
    x = draft.x
    unread = [store.facts.agent_id for store in draft.stores if _rows(store) is None]
    if unread:
        stores = plural(len(unread), "store")
        yield note(
            f"Not every row of {stores} could be read: gatewaydoctor cannot tell which of them resume.", unread
        )
    if x.left_out:
        stores = plural(x.left_out, "store of another agent was", "stores of other agents were")
        yield note(f"{stores} not examined: rows marked running there may be resumed.", ())
    known = {str(store.path) for store in draft.stores}
    if elsewhere := [path for path, _ in x.skipped if path not in known]:
        paths = plural(len(elsewhere), "path")
        yield note(f"{paths} could not be read: rows marked running there are not known.", elsewhere)
    yield from _databases(draft)
    if (
        aborted
        and x.subagents.read is RegistryRead.UNREADABLE
        and not draft.x.config.release.behaviour.sessions_in_database
    ):
        yield note(
            "The subagent registry could not be read: gatewaydoctor cannot tell which aborted sessions resume.", ()
        )


def _databases(draft: Draft) -> Iterator[Note]:
    """Session rows of databases that are not known."""
    unread = [each.agent_id for each in draft.x.databases if not each.whole]
    if unread:
        databases = plural(len(unread), "database")
        yield note(
            f"Not every row of {databases} could be read: gatewaydoctor cannot tell which of them resume.", unread
        )


def _running_in_databases(draft: Draft) -> Iterator[Note]:
    """Session rows of databases that are marked running when the plan is done."""
    running: Counter[str] = Counter()
    for database in draft.databases:
        counts = database.counts(draft.options.end_as) if database.opened else database.sessions.counts
        running[database.agent_id] += sum(count for (_, status), count in counts.items() if status is Status.RUNNING)
    if total := running.total():
        yield note(
            f"{plural(total, 'row')} in databases still marked running: "
            "the start resumes the conversations among them with model turns.",
            (agent_id for agent_id, count in running.items() if count),
        )


def validated(draft: Draft) -> Iterator[Note]:
    """What the start does because a database is a new file: it trusts one that it has checked by its inode."""
    changed = [each for each in draft.databases if each.opened and each.changed]
    if changed:
        files, rows = (
            plural(len(changed), "new database file"),
            plural(sum(len(each) for each in changed), "session row"),
        )
        yield note(
            f"The start checks {files} once in full and validates {rows}.", (each.agent_id for each in changed)
        )


def _rows(store: StoreDraft) -> Iterable[tuple[int, Entry]] | None:
    """Rows as they will be, without their edits; None where not all are known. A file that reads as empty resumes
    nothing."""
    if store.opened:
        return store.entries()
    read = store.facts.read
    if isinstance(read.soundness, Damaged | TooLarge):
        return ()
    if not read.whole:
        return None
    return read.sessions.rows() if read.sessions is not None else ()


def gone_locks(draft: Draft) -> set[Path]:
    moved = {draft.fingerprints[act.source].path for act in draft.moves}
    return {lock.path for lock in draft.x.locks if spell(draft.real(lock.path), draft.state_dir) in moved}


def _marked_rows(draft: Draft, store: StoreDraft) -> Iterator[Entry]:
    """Rows that are marked running or were aborted, as they will be."""
    return (entry for entry in as_planned(draft, store) if entry.status is Status.RUNNING or entry.aborted_last_run)


def as_planned(draft: Draft, store: StoreDraft) -> Iterator[Entry]:
    """Every row as it will be."""
    for position, entry in _rows(store) or ():
        if not store.opened or not store.edits_of(position):
            yield entry
            continue
        edits = store.edits_of(position)
        status = draft.options.end_as if "status" in edits else entry.status
        yield replace(entry, status=status, aborted_last_run=entry.aborted_last_run and "abortedLastRun" not in edits)
