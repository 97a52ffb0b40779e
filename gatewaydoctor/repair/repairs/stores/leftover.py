"""leftover: of a sessions.json next to a database only what that lacks stays, or the file goes to the vault. So do
other files of earlier releases that a start cannot take over."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gatewaydoctor.checks.stores.databases import ends_refusal, imports_leftovers, waiting_source
from gatewaydoctor.model.database.legacy import LegacyFault, LegacyForm
from gatewaydoctor.model.gateway.soundness import Damaged, Sound
from gatewaydoctor.model.repair.edits import DropMigrations
from gatewaydoctor.model.repair.plan import RECOVER, REMOVE, TO_VAULT, Copy, Transact
from gatewaydoctor.model.words import plural
from gatewaydoctor.repair.drafting.draft import of_people
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.repairs.stores.imports import records_of
from gatewaydoctor.repair.repairs.stores.salvage import read_store
from gatewaydoctor.repair.writing.errors import OutOfReach

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.model.database.health import ComparedLeftover
    from gatewaydoctor.model.database.legacy import FoundLegacyFile
    from gatewaydoctor.model.database.migration import RetainedSource
    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.repair.drafting.rows import StoreDraft


def plan(draft: Draft, *, named: bool) -> None:
    """An import replaces the database's row by the file's, however old that is: no such key may stay in the file."""
    rewritten = {each.path for each in draft.x.migration.retained if each.contradicted}
    stays = _waits_alone(draft)
    for leftover in draft.x.health.leftovers:
        store = next((each for each in draft.stores if each.path == leftover.path), None)
        if store is None:
            continue
        if leftover.path in rewritten:
            why = "The receipt of its import names other bytes, and no change of this file ends the refusal to start."
            hint = "Copy the directory (`gatewaydoctor snapshot`), keep this file, and see `gatewaydoctor migration`."
            draft.refuse(Repair.LEFTOVER, store.path, OutOfReach(why, hint))
            continue
        if (source := waiting_source(draft.x, store.path)) is not None:
            _let_go(draft, store, source, named=named)
            continue
        if draft.fs.lstat(draft.real(store.path)).is_symlink:
            draft.refuse(Repair.LEFTOVER, store.path, _is_link(draft, store.path))
            continue
        if leftover.compared and _is_damaged(store):
            stays |= _rescue(draft, store, leftover)
            continue
        if not (leftover.compared and store.opened):
            if named:
                why = "Its rows, or those of the database, were not read completely."
                draft.refuse(Repair.LEFTOVER, store.path, OutOfReach(why, "Run `gatewaydoctor scan`."))
            continue
        stays |= _lighten(draft, store, leftover)
    if stays:
        _have_imported(draft)
    _move_damaged(draft)


def follow(draft: Draft) -> None:
    """A database that is made again is another file than the receipt of an import names: where a start is refused
    then, the source that was kept for a plugin goes with it."""
    made = {draft.state_dir / act.target for act in draft.acts if isinstance(act, Transact)}
    for leftover in draft.x.health.leftovers:
        source = waiting_source(draft.x, leftover.path)
        database = next(each.database for each in draft.x.eras.agents if each.agent_id == leftover.agent_id)
        store = next((each for each in draft.stores if each.path == leftover.path), None)
        if source is None or database is None or store is None or draft.real(database.path) not in made:
            continue
        if not draft.taken(leftover.path):
            _let_go(draft, store, replace(source, moved=True), named=False)


def _waits_alone(draft: Draft) -> bool:
    """Whether the store of an agent that has no database yet is fit for its import."""
    waiting = {each.legacy_store.path for each in draft.x.eras.agents if each.legacy_store and not each.database}
    fit = (each for each in draft.stores if each.path in waiting and isinstance(each.facts.soundness, Sound))
    return any(len(store) and store.facts.read.stat and store.facts.read.stat.nlink < 2 for store in fit)


def _have_imported(draft: Draft) -> None:
    """A release that has recorded its startup migrations as done refuses any such file, and imports none."""
    state = draft.x.eras.state
    if state is None or draft.x.state_rows is None:
        return
    if not draft.x.startup_migrated or not imports_leftovers(draft.x.config.release):
        return
    draft.edits.setdefault(state.path, []).append(DropMigrations())
    draft.state = replace(draft.x.state_rows, started=None)
    reason = "records that the startup migrations are done: the next start runs them again, and imports the file"
    draft.step(Repair.LEFTOVER, REMOVE, state.path, reason, ["startup-migrations", "state-migrations"], 0)


def _let_go(draft: Draft, store: StoreDraft, source: RetainedSource, *, named: bool) -> None:
    """What an import keeps for a plugin goes whole, where a start refuses it, or stays as it is: with one
    byte changed its receipt is contradicted, and the start is refused."""
    if not ends_refusal(draft.x, source):
        if named:
            why = "Its import keeps it for a plugin, and a start passes over it."
            draft.refuse(Repair.LEFTOVER, store.path, OutOfReach(why, "Nothing has to be done with it."))
        return
    draft.let_go(store.path)
    size = draft.move(store.path)
    if size is not None:
        reason = "an import source for a plugin, whose receipt names another file"
        names = [entry.key for _, entry in store.entries()] or [store.path.name]
        draft.step(Repair.LEFTOVER, TO_VAULT, store.path, reason, names, size, agent_id=store.agent_id)


def _is_link(draft: Draft, path: Path) -> OutOfReach:
    """A link is not followed for writing, and a start refuses it. A file of its own is imported."""
    target = quote(str(draft.fs.realpath(draft.real(path))))
    hint = f"Put a copy of the file in its place, then try again: cp --remove-destination {target} {quote(str(path))}"
    return OutOfReach("It is a symbolic link.", hint)


def _is_damaged(store: StoreDraft) -> bool:
    return isinstance(store.facts.soundness, Damaged)


def _rescue(draft: Draft, store: StoreDraft, leftover: ComparedLeftover) -> bool:
    """A damaged file goes. Whole entries that the database lacks, or has older, stay in a new one. Whether there is
    any."""
    assert store.facts.sessions is not None
    if store.facts.read.stat is None:
        return False
    try:
        found = read_store(draft, store.path, store.facts.sessions, store.facts.read.stat)
    except (OutOfReach, OSError) as error:
        draft.refuse(Repair.LEFTOVER, store.path, error)
        return False
    wanted = _wanted(leftover)
    order = {entry.key: (0, row) for row, entry in enumerate(found.source.table) if entry.key in wanted}
    if order:
        store.rebuild([found.source], list(order.values()))
        reason = (
            "complete sessions of the damaged file that the database lacks or has in an older version; the rest "
            "goes to the vault"
        )
        _say(draft, store, RECOVER, reason, [entry for _, entry in store.entries()])
        return True
    size = draft.move(store.path)
    if size is not None:
        reason = "a damaged import source whose every complete session the database has"
        draft.step(Repair.LEFTOVER, TO_VAULT, store.path, reason, [store.path.name], size, agent_id=store.agent_id)
    return False


def _wanted(leftover: ComparedLeftover) -> set[str]:
    """Keys that are in the file alone, or newer there, and that a start does not refuse."""
    refused = {*leftover.null_entries, *leftover.unsafe_ids}
    return {*leftover.missing, *(each.key for each in leftover.replaced if not each.older)} - refused


def _move_damaged(draft: Draft) -> None:
    """Small files of earlier releases. The complete lines of a log stay; no other file is rewritten: what is left of
    one is no list that a start may go by."""
    for each in draft.x.legacy:
        if each.fault is LegacyFault.LEFT or (each.known.form is LegacyForm.LINES and _keep_lines(draft, each)):
            continue
        if (size := draft.move(each.path)) is not None:
            reason = f"{each.known.pattern} of an earlier release, which {each.fault.text}"
            draft.step(Repair.LEFTOVER, TO_VAULT, each.path, reason, [each.path.name], size)


def _keep_lines(draft: Draft, each: FoundLegacyFile) -> bool:
    """False where no line is a record."""
    try:
        number = draft.fingerprint(each.path)
        segments, lines, left_out = records_of(draft, each.path, number)
        if not lines:
            return False
        size = sum(part.end - part.start if isinstance(part, Copy) else len(part.data) for part in segments)
        if draft.rewrite(number, tuple(segments), size, keep_mtime=True):
            reason = (
                f"{plural(lines, 'complete line')} of {each.known.pattern}, without {left_out:,} that cannot be read"
            )
            draft.step(Repair.LEFTOVER, "keep", each.path, reason, [each.path.name], size)
    except (OutOfReach, OSError) as error:
        draft.refuse(Repair.LEFTOVER, each.path, error)
    return True


def _unlink_other_name(draft: Draft, store: StoreDraft) -> None:
    """A start refuses a file with two names. The same rows in a file of its own are imported."""
    seen = store.facts.read.stat
    if seen is None or seen.nlink < 2:
        return
    rows = list(store.entries())
    store.rebuild(store.sources, [(0, place) for place, _ in rows])
    reason = "the file has another name (hard link), which a start refuses; every row stays"
    _say(draft, store, "copy", reason, [entry for _, entry in rows])


def _say(draft: Draft, store: StoreDraft, action: str, reason: str, entries: list[Entry]) -> None:
    draft.step(
        Repair.LEFTOVER,
        action,
        store.path,
        reason,
        [entry.key for entry in entries],
        sum(entry.bytes for entry in entries),
        agent_id=store.agent_id,
        **of_people(entries),
    )


def _move_empty(draft: Draft, store: StoreDraft) -> None:
    size = draft.move(store.path)
    if size is not None:
        names = [store.path.name]
        reason = "an import source without an entry"
        draft.step(Repair.LEFTOVER, TO_VAULT, store.path, reason, names, size, agent_id=store.agent_id)


def _lighten(draft: Draft, store: StoreDraft, leftover: ComparedLeftover) -> bool:
    """Whether the file stays, with what the database lacks or has older."""
    wanted = _wanted(leftover)
    refused = set(leftover.null_entries) | set(leftover.unsafe_ids)
    leaving = [(place, entry) for place, entry in store.entries() if entry.key not in wanted]
    if not len(store):
        _move_empty(draft, store)
        return False
    if not leaving:
        _unlink_other_name(draft, store)
        return bool(len(store))
    entries = [entry for _, entry in leaving]
    about = of_people(entry for entry in entries if entry.key in refused) | {"agent_id": store.agent_id}
    names = [entry.key for entry in entries]
    if len(leaving) == len(store):
        size = draft.move(store.path)
        if size is not None:
            reason = "an import source without a row that the database lacks and a start takes"
            draft.step(Repair.LEFTOVER, TO_VAULT, store.path, reason, names, size, **about)
        return False
    for place, _ in leaving:
        store.drop(place)
    reason = "rows that a start refuses, or that the database has in the same or a newer version"
    size = sum(entry.bytes for entry in entries)
    draft.step(Repair.LEFTOVER, REMOVE, store.path, reason, names, size, **about)
    return True
