"""space: what a full disk can do without goes to a vault on another disk, first what can be made again.

In this order: shared-memory files, which SQLite makes from the log; set-aside copies that another file here has byte
for byte; temp files, by the rules of temps. What else would give room is said with its numbers. Nothing is deleted.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from gatewaydoctor.model.command import typed
from gatewaydoctor.model.database.reading import DatabaseFault
from gatewaydoctor.model.gateway.files import FileClass
from gatewaydoctor.model.repair.plan import TO_VAULT
from gatewaydoctor.model.words import plural, size
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.repairs.files import temps
from gatewaydoctor.repair.writing.errors import OutOfReach
from gatewaydoctor.repair.writing.stream import content_of
from gatewaydoctor.storage.sqlite.opened import read_database_once

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatewaydoctor.repair.drafting.draft import Draft

_SET_ASIDE = frozenset({FileClass.STORE_BACKUP, FileClass.REPAIR_BACKUP, FileClass.ARCHIVE_BAK})


def plan(draft: Draft, *, named: bool) -> None:
    if not named:
        return
    _shared_memory(draft)
    _copies(draft)
    temps.plan(draft, named=True)
    _say_more(draft)


def _shared_memory(draft: Draft) -> None:
    for health in draft.x.health.databases:
        path = health.path.with_name(f"{health.path.name}-shm")
        if (moved := draft.move(path)) is not None:
            reason = "made again from the log when the database is opened"
            draft.step(Repair.SPACE, TO_VAULT, path.parent, reason, [path.name], moved)


def _copies(draft: Draft) -> None:
    """Set-aside files that another file has byte for byte, which stays."""
    alike: defaultdict[int, list[Path]] = defaultdict(list)
    own = set(_set_aside(draft))
    for path in (*_in_use(draft), *sorted(own)):
        try:
            _, stat = draft.reach(path)
        except (OutOfReach, OSError):
            continue
        alike[stat.size].append(path)
    for length, paths in alike.items():
        if length and len(paths) > 1:
            _twins(draft, [path for path in paths if path not in own], [path for path in paths if path in own])


def _twins(draft: Draft, kept: list[Path], aside: list[Path]) -> None:
    there: dict[str, Path] = {}
    for path in kept if aside else ():
        there.setdefault(content_of(draft.fs, draft.real(path)).sha256, path)
    for path in aside:
        twin = there.setdefault(content_of(draft.fs, draft.real(path)).sha256, path)
        if twin == path or (moved := draft.move(path)) is None:
            continue
        draft.depends_on(twin)
        reason = f"the same bytes as {twin.name}, which stays"
        draft.step(Repair.SPACE, TO_VAULT, path.parent, reason, [path.name], moved)


def _set_aside(draft: Draft) -> Iterator[Path]:
    x = draft.x
    for leftover in (*x.eras.leftovers, *(each for agent in x.eras.agents for each in agent.leftovers)):
        yield leftover.path
    for store in draft.stores:
        for record in store.facts.listing.files:
            if record.cls in _SET_ASIDE:
                yield store.path.parent / record.name


def _in_use(draft: Draft) -> Iterator[Path]:
    yield from (health.path for health in draft.x.health.databases)
    yield from (store.path for store in draft.stores)


def _say_more(draft: Draft) -> None:
    """Room that other commands give."""
    free: dict[str, int] = {}
    for health in draft.x.health.databases:
        if not health.problems:
            found = read_database_once(draft.fs, health.path, lambda opened: opened.bytes_free)
            if not isinstance(found, DatabaseFault) and found:
                free[health.path.name] = free.get(health.path.name, 0) + found
    if total := sum(free.values()):
        draft.caution(
            f"Free pages of databases hold {size(total)} more: compact gives them back, with --vault and --work-dir "
            "on another disk.",
            free,
            todo=typed("repair", "compact"),
        )
    if draft.moves:
        count = plural(len(draft.moves), "file")
        draft.caution(
            f"Moving {count} to a vault on the same disk frees nothing: name one on another with --vault DIR."
        )
