"""temps: temp files that a killed writer left go to the vault, but never while the file they belong to is damaged:
one of them may be its only copy (docs/gateway.md, failure 1). Nor does one that holds a conversation no store has:
a gateway
that once read its store as empty has replaced it by a sound one without those."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.command import typed
from gatewaydoctor.model.gateway.cron import CronFile, CronRead
from gatewaydoctor.model.gateway.files import TEMPS, FileClass, FileRecord, NodeKind, TempFamily
from gatewaydoctor.model.repair.plan import TO_VAULT
from gatewaydoctor.model.units import HOUR_MS
from gatewaydoctor.model.words import duration, plural
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.repairs.stores.salvage import lost_people, read_copy
from gatewaydoctor.repair.writing.errors import OutOfReach
from gatewaydoctor.state.history.names import parse_name

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gatewaydoctor.repair.drafting.draft import Draft

_OF_STORES = frozenset({FileClass.STORE_TEMP, FileClass.OTHER_TEMP})
"""Where several stores share a directory, one's temp files are the other's `other`."""


def plan(draft: Draft, *, named: bool) -> None:
    """Those older than an hour, or than was said, whose name is one that some release gives its temp files."""
    del named
    done = set()
    for store in draft.stores:
        directory = store.path.parent
        shared = [each for each in draft.stores if each.path.parent == directory]
        if directory in done:
            continue
        done.add(directory)
        files = [record for record in store.facts.listing.files if record.cls in TEMPS]
        # What this plan repairs counts as damaged still: only a repaired store that was read again is sound.
        sound = all(not each.rebuilt and each.facts.read.whole and each.facts.sessions is not None for each in shared)
        mended = any(each.rebuilt for each in shared)
        _temps(draft, directory, files, sound=sound, mended=mended, agent_id=store.facts.agent_id)
    cron = draft.x.cron
    _temps(draft, cron.store.path.parent, cron.temps, sound=cron.store.read is CronRead.OK and _is_sound(cron.state))


def _is_sound(state: CronFile) -> bool:
    """Releases before 2026.4.20 have no jobs-state.json."""
    return state.read in (CronRead.OK, CronRead.MISSING)


def _temps(
    draft: Draft,
    directory: Path,
    files: Iterable[FileRecord],
    *,
    sound: bool,
    mended: bool = False,
    agent_id: str | None = None,
) -> None:
    least = HOUR_MS if draft.options.older_than is None else draft.options.older_than
    old = [record for record in files if draft.x.now - record.mtime >= least and _is_known(record)]
    if old and not sound:
        draft.caution(
            f"Not moved: {plural(len(old), 'temp file')}. The file they belong to is missing or "
            "damaged, and one of them may be its only copy. Repair that file, then run this "
            "again.",
            [record.name for record in old],
            todo=typed("repair", "temps") if mended else None,
        )
        return
    old = _without_people(draft, directory, old)
    moved = [(record.name, size) for record in old if (size := draft.move(directory / record.name)) is not None]
    if moved:
        draft.step(
            Repair.TEMPS,
            TO_VAULT,
            directory,
            f"temp files older than {duration(least)}",
            [name for name, _ in moved],
            sum(size for _, size in moved),
            agent_id=agent_id,
        )


def _without_people(draft: Draft, directory: Path, old: list[FileRecord]) -> list[FileRecord]:
    """Those that may go: not a copy of a store with conversations that no store has, unless it was named."""
    asked = [each for each in old if each.cls in _OF_STORES and each.size and each.name not in draft.options.names]
    if not asked:
        return old
    draft.progress.phase("reading temp files", sum(each.size for each in asked))
    kept: list[str] = []
    unread: list[str] = []
    people: set[str] = set()
    for record in asked:
        try:
            found = {entry.key.lower() for _, entry in lost_people(draft, read_copy(draft, directory / record.name))}
        except FileNotFoundError:
            continue
        except (OutOfReach, OSError) as error:
            draft.refuse(Repair.TEMPS, directory / record.name, error)
            unread.append(record.name)
            continue
        if found:
            kept.append(record.name)
            people |= found
        draft.progress.advance(record.size)
    if people:
        draft.caution(
            f"Not moved: {plural(len(kept), 'temp file')} with "
            f"{plural(len(people), 'conversation')} that are in no store. `repair salvage` adds "
            "them to the store; temps --name FILE moves a file anyway.",
            kept,
            todo=typed("repair", "salvage"),
        )
    return [record for record in old if record.name not in {*kept, *unread}]


def _is_known(record: FileRecord) -> bool:
    return record.node is NodeKind.FILE and parse_name(record.name).family not in (None, TempFamily.UNKNOWN)
