"""salvage of databases: a new file with every row that can be read of a damaged one, and with the sessions that
only a set-aside copy still has. To a sound agent database it adds, where it was named, the conversations of a
database that the recovery of the gateway renamed."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import chain
from typing import TYPE_CHECKING

from gatewaydoctor.checks.stores.schemas import has_tables_elsewhere
from gatewaydoctor.examine.databases.inventory import NODES, Inventory, take_inventory
from gatewaydoctor.examine.databases.setaside import copies_of, is_people, open_source, owner_of
from gatewaydoctor.model.database.health import BrokenPages, ForeignLog, SchemaDrift, Unopened
from gatewaydoctor.model.database.reading import UNOPENABLE, DatabaseFault, DatabaseFaultKind
from gatewaydoctor.model.gateway.era import KNOWN_SCHEMA, DatabaseRole
from gatewaydoctor.model.repair.edits import Brought, Rebuild
from gatewaydoctor.repair.databases.rebuild import counted
from gatewaydoctor.repair.databases.tables import can_be_made, is_described
from gatewaydoctor.repair.drafting.databases import beside_of, transact
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.repairs.stores.salvage_told import SetAside, Target, recovered, summarise, tell
from gatewaydoctor.repair.writing.errors import OutOfReach
from gatewaydoctor.repair.writing.guard import lstat_or_none
from gatewaydoctor.storage.database.schema import drift, is_known
from gatewaydoctor.storage.sqlite.opened import read_database_once

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gatewaydoctor.model.database.health import Problem
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.storage.database.rescue import Rescue
    from gatewaydoctor.storage.sqlite.opened import Opened, SchemaItem

_BY_PAGES = UNOPENABLE | {DatabaseFaultKind.LOG}
_EMPTY = frozenset({DatabaseFaultKind.EMPTY, DatabaseFaultKind.MISSING})


def plan_databases(draft: Draft, *, named: bool) -> None:
    done = set()
    for target in (*_damaged(draft, named=named), *(_incomplete(draft) if named else ())):
        done.add(target.path)
        _careful(draft, target, named=named)
    for health in draft.x.health.databases if named else ():
        if health.path not in done and health.role is DatabaseRole.AGENT and not health.problems:
            _bring_back(draft, Target(health.role, health.path, health.agent_id))


def _damaged(draft: Draft, *, named: bool) -> Iterator[Target]:
    for health in draft.x.health.databases:
        foreign = any(isinstance(each, ForeignLog) for each in health.problems)
        if health.role is DatabaseRole.QUARANTINE or health.of_another or foreign:
            continue
        kinds = {each.fault.kind for each in health.problems if isinstance(each, Unopened)}
        if kinds & (_BY_PAGES | _EMPTY) or any(_is_torn(each, named=named) for each in health.problems):
            yield Target(health.role, health.path, health.agent_id)
    for missing in draft.x.health.missing:
        yield Target(missing.role, missing.path, missing.agent_id)


def _incomplete(draft: Draft) -> Iterator[Target]:
    """Databases whose tables are not those of their release: rows that are left fit those of another database."""
    for health in draft.x.health.databases:
        drifts = [each for each in health.problems if isinstance(each, SchemaDrift)]
        if any(each.remade for each in drifts) and not health.of_another and has_tables_elsewhere(draft.x, health):
            yield Target(health.role, health.path, health.agent_id)


def _is_torn(problem: Problem, *, named: bool) -> bool:
    """A start refuses a damaged index as it does a damaged table. Rows that break a constraint of their table would
    stay behind: only where that is asked for."""
    return isinstance(problem, BrokenPages) and (named or not problem.constraints)


def _careful(draft: Draft, target: Target, *, named: bool) -> None:
    with ExitStack() as stack:
        try:
            own = open_source(draft.fs, draft.real(target.path))
            if own is not None:
                stack.enter_context(own)
            copies = list(_copies(draft, target, stack))
            if own is not None and not _is_told(target, own) and not _lend(draft, target, own, copies):
                own = None
            _salvage(draft, target, own, copies, named=named)
        except (OutOfReach, OSError) as error:
            draft.refuse(Repair.SALVAGE, target.path, error)


def _is_told(target: Target, own: Rescue) -> bool:
    """Whether its schema is left: as far as its pages tell, or as its version has it."""
    version = _version(own)
    return is_described(own) or (version is not None and _is_whole(target, own, version))


def _lend(draft: Draft, target: Target, own: Rescue, copies: Sequence[SetAside]) -> bool:
    """Where rows of its schema are lost or damaged: that of another database of its version. Whether any table is
    known."""
    seen = [(copy.rescue, _version(copy.rescue)) for copy in copies]
    of_version = [(rescue, version) for rescue, version in seen if version and own.version in (None, version)]
    whole = [rescue.schema for rescue, version in of_version if _is_whole(target, rescue, version)]
    described = [rescue.schema for rescue, _ in of_version if rescue.schema_whole]
    others = (read_database_once(draft.fs, path, _schema) for path in _lenders(draft, target, own.version))
    sound = (found for found in others if not isinstance(found, DatabaseFault))
    schema = next(chain(whole, sound, described), None)
    if schema is not None:
        own.lend(schema)
    return bool(own.schema)


def _schema(opened: Opened) -> tuple[SchemaItem, ...]:
    return opened.schema


def _lenders(draft: Draft, target: Target, version: int | None) -> Iterator[Path]:
    """Sound databases of this version: of a sister, then what lies next to it for this."""
    databases = draft.x.health.databases
    yield from (each.path for each in databases if each.lends(target.role, target.path, version))
    yield from (each.lender for each in databases if each.path == target.path and each.lender is not None)


def _copies(draft: Draft, target: Target, stack: ExitStack) -> Iterator[SetAside]:
    """Databases of this agent that were set aside, the newest first."""
    agents = (each for each in draft.x.eras.agents if each.agent_id == target.agent_id)
    leftovers = [each for agent in agents for each in agent.leftovers]
    if target.role is DatabaseRole.STATE:
        leftovers = list(draft.x.eras.leftovers)
    for each in copies_of(target.path, leftovers):
        source = open_source(draft.fs, draft.real(each.path))
        if source is not None:
            stack.enter_context(source)
            if owner_of(source) in (None, target.agent_id):
                yield SetAside(each.path, source, take_inventory(source))


def _salvage(draft: Draft, target: Target, own: Rescue | None, copies: list[SetAside], *, named: bool) -> None:
    if own is None:
        _from_copies(draft, target, copies, named=named)
        return
    version = _version(own)
    inventory = take_inventory(own)
    wanted = set(inventory.remade) | set(inventory.lost or ())
    if inventory.damaged and inventory.lost is None:
        wanted |= {key for copy in copies for key in copy.inventory.rows if is_people(key)}
    for copy in copies:
        _take(copy, wanted - set(inventory.rows), inventory)
    _make(draft, target, own, inventory, version, [copy for copy in copies if copy.keys])


def _take(copy: SetAside, wanted: set[str], inventory: Inventory) -> None:
    """Keys that this copy gives and no earlier one did. A session whose window is left is taken from a copy only
    where that has the same session."""
    remade = inventory.remade
    for key in sorted(wanted & set(copy.inventory.rows)):
        if key not in remade or copy.inventory.rows[key].session_id == remade[key]:
            copy.keys.append(key)
            wanted.discard(key)


def _from_copies(draft: Draft, target: Target, copies: list[SetAside], *, named: bool) -> None:
    """The database itself holds nothing: the copy with most sessions, and what the others add."""
    copies = [copy for copy in copies if copy.inventory.rows]
    if target.role is DatabaseRole.STATE or not copies:
        if named or target.role is DatabaseRole.AGENT:
            _nothing(draft, target)
        return
    wanted = {key for copy in copies for key in copy.inventory.rows if is_people(key) or copy is copies[0]}
    for copy in copies:
        _take(copy, wanted, Inventory())
    versions = [number for copy in copies if (number := _version(copy.rescue))]
    _make(draft, target, None, Inventory(), max(versions, default=None), [copy for copy in copies if copy.keys])


def _bring_back(draft: Draft, target: Target) -> None:
    """Conversations that the database lacks and a database that a recovery renamed has."""
    with ExitStack() as stack:
        try:
            own = open_source(draft.fs, draft.real(target.path))
            if own is None:
                return
            stack.enter_context(own)
            copies = [copy for copy in _copies(draft, target, stack) if ".corrupt-" in copy.path.name]
            if not copies:
                return
            inventory = take_inventory(own)
            wanted = {key for copy in copies for key in copy.inventory.rows if is_people(key)} - set(inventory.rows)
            for copy in copies:
                _take(copy, wanted, inventory)
            giving = [copy for copy in copies if copy.keys]
            if giving:
                _make(draft, target, own, inventory, own.version, giving)
        except (OutOfReach, OSError) as error:
            draft.refuse(Repair.SALVAGE, target.path, error)


def _version(rescue: Rescue) -> int | None:
    """The schema version in its header, else in its records."""
    return rescue.version or _recorded(rescue)


def _recorded(rescue: Rescue) -> int | None:
    rows = rescue.rows("schema_meta", ("schema_version",))
    return next((value for (value,) in rows if isinstance(value, int)), None)


def _make(
    draft: Draft,
    target: Target,
    own: Rescue | None,
    inventory: Inventory,
    version: int | None,
    copies: Sequence[SetAside],
) -> None:
    sources = [copy.path for copy in copies]
    place: int | None = None
    if own is None or version is None or own.is_lent or not _is_whole(target, own, version):
        place, known = _schema_place(draft, target, version, copies, sources)
        # Where no other database of its version is here, its own schema serves if no page of it is lost.
        version = known or (version if own is not None and own.schema_whole else None)
    if version is None or version > KNOWN_SCHEMA[target.role]:
        _no_schema(draft, target)
        return
    rows = counted(own) if own is not None else {}
    sessions = _sessions(target, inventory, copies) if target.role is DatabaseRole.AGENT else None
    if not (sessions or rows.get("cron_jobs") or (target.role is DatabaseRole.STATE and rows)):
        _nothing(draft, target)
        return
    edit = Rebuild(
        version=version,
        agent_id=target.agent_id if target.role is DatabaseRole.AGENT else None,
        main_key=draft.x.config.main_key.value,
        schema=place,
        brought=tuple(Brought(number, tuple(copy.keys)) for number, copy in enumerate(copies)),
        rows=rows,
    )
    size = _act(draft, target, sources, edit, sessions, own)
    if size is None:
        return
    chosen = _lent(draft, sources[place], copies) if place is not None else own.schema if own is not None else ()
    tell(draft, target, own, inventory, copies, edit, chosen)
    if target.agent_id is not None and sessions is not None:
        summarise(draft, target, inventory, copies, size)


def _act(
    draft: Draft,
    target: Target,
    sources: Sequence[Path],
    edit: Rebuild,
    sessions: int | None,
    own: Rescue | None,
) -> int | None:
    """Add the act; the most bytes that come of it, None where the plan does something to the file already."""
    numbers = tuple(draft.fingerprint(path) for path in sources)
    there = lstat_or_none(draft.fs, draft.real(target.path)) is not None
    set_of = [path for path in beside_of(draft, target.path) if not path.name.endswith("-shm")]
    read = [*numbers, *(draft.fingerprint(path) for path in ((target.path, *set_of) if there else set_of))]
    size = sum(draft.fingerprints[number].size for number in read)
    # Tables and indexes whose roots were cut off take a page each, even empty ones.
    if own is not None:
        size += own.page_size * sum(item.root * own.page_size > size for item in own.schema)
        # Sessions that are made again are in no page, and no longer than one.
        size += own.page_size * max((sessions or 0) - edit.rows.get(NODES, 0), 0)
    done = transact(draft, target.path, (edit,), size, sessions, sources=numbers, there=there)
    return size if done else None


def _is_whole(target: Target, rescue: Rescue, version: int) -> bool:
    """Whether the schema that is left is the one its version has."""
    return (
        is_known(target.role, version)
        and drift(target.role, version, rescue.schema) is None
        and can_be_made(rescue.schema)
    )


def _schema_place(
    draft: Draft, target: Target, version: int | None, copies: Sequence[SetAside], sources: list[Path]
) -> tuple[int | None, int | None]:
    """Which source has the schema of this version, or of any where that is lost: (its place, the version). A sister
    is added to the sources."""
    seen = [
        (number, copy.rescue, copy.rescue.version or _recorded(copy.rescue)) for number, copy in enumerate(copies)
    ]
    of_version = [(number, rescue, own) for number, rescue, own in seen if own and version in (None, own)]
    for number, rescue, own in of_version:
        if _is_whole(target, rescue, own):
            return number, own
    for health in draft.x.health.databases:
        if health.lends(target.role, target.path, version):
            sources.append(health.path)
            return len(sources) - 1, health.user_version
    for health in draft.x.health.databases:
        if health.path == target.path and health.lender is not None:
            sources.append(health.lender)
            return len(sources) - 1, health.user_version
    return next(((number, own) for number, rescue, own in of_version if rescue.schema_whole), (None, None))


def _lent(draft: Draft, path: Path, copies: Sequence[SetAside]) -> Sequence[SchemaItem]:
    """The schema of a source."""
    for copy in copies:
        if copy.path == path:
            return copy.rescue.schema
    found = read_database_once(draft.fs, path, _schema)
    return () if isinstance(found, DatabaseFault) else found


def _sessions(target: Target, inventory: Inventory, copies: Sequence[SetAside]) -> int:
    """How many session rows there will be."""
    brought = {key for copy in copies for key in copy.keys}
    keys = set(inventory.rows) | set(inventory.remade) | brought
    return len(keys | recovered(target, inventory, copies))


def _nothing(draft: Draft, target: Target) -> None:
    hint = "Restore the database and its -wal from a backup, as one set."
    draft.refuse(
        Repair.SALVAGE, target.path, OutOfReach("Nothing can be read of it, nor of a copy next to it.", hint)
    )


def _no_schema(draft: Draft, target: Target) -> None:
    why = (
        "Its tables are not described completely, and no sound database of the same release is here "
        "to take them from."
    )
    hint = "Restore the database and its -wal from a backup, as one set."
    draft.refuse(Repair.SALVAGE, target.path, OutOfReach(why, hint))
