"""salvage: a store the gateway would read as empty is rebuilt from every whole entry of the damaged file and of the
copies next to it, the newest version of each. The damaged file stays in the vault. To a sound store it adds, where it
was named, the conversations that only a temp file or a rotated backup next to it has: a gateway that once read the
store as empty went on with an empty one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.examine.sessions.copies import is_copy, is_store_copy, may_be_entry
from gatewaydoctor.model.gateway.entry import DISPOSABLE, MACHINE_KINDS, Kind
from gatewaydoctor.model.gateway.files import TEMPS
from gatewaydoctor.model.gateway.soundness import Damaged
from gatewaydoctor.model.gateway.store import Layout
from gatewaydoctor.model.repair.plan import RECOVER, TO_VAULT
from gatewaydoctor.model.words import plural, size
from gatewaydoctor.repair.drafting.draft import SAMPLE, of_people
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.drafting.rows import Source
from gatewaydoctor.repair.writing.errors import OutOfReach
from gatewaydoctor.state.history.names import classify
from gatewaydoctor.storage.files.evidence import Look, look
from gatewaydoctor.storage.files.salvage import salvage
from gatewaydoctor.storage.files.sessions import read_sessions_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.repair.drafting.rows import StoreDraft
    from gatewaydoctor.storage.files.salvage import Salvage
    from gatewaydoctor.storage.files.sessions import FileSessions
    from gatewaydoctor.system.fs import FileStat


def candidates(draft: Draft, store: StoreDraft) -> Iterator[Path]:
    """Temp files of the store, rotated backups, and, where the agent has no database, what an import set aside."""
    for record in sorted(store.facts.listing.files, key=lambda each: each.name):
        if is_store_copy(record):
            yield store.path.parent / record.name
    for agent in draft.x.eras.agents:
        if agent.agent_id in store.facts.read.ref.agent_ids and not agent.era.sessions_in_database:
            yield from (
                each.path
                for each in agent.leftovers
                if each.kind == "import-archive" and ".jsonl." not in each.path.name
            )


class Found(Struct, frozen=True):
    """The rows of one file. `sound`: it reads whole. `primary`: it is the store itself."""

    path: Path
    source: Source
    sound: bool
    primary: bool
    newest: int
    rescue: Salvage | None = None

    @property
    def rows(self) -> int:
        return len(self.source.table) if self.primary else sum(map(may_be_entry, self.source.table))


def plan(draft: Draft, *, named: bool) -> None:
    beside = {leftover.path for leftover in draft.x.health.leftovers if leftover.compared}
    for store in draft.stores:
        if store.path in beside:
            # A start would replace rows of the database by those of a whole file: leftover keeps what is wanted.
            if named and _is_lost(draft, store):
                hint = "Run `gatewaydoctor repair leftover`."
                draft.refuse(Repair.SALVAGE, store.path, OutOfReach("It lies next to the agent's database.", hint))
            continue
        if _is_lost(draft, store):
            _rebuild(draft, store)
        elif draft.found("store-too-large-for-gateway", store=store.facts):
            draft.caution("A store is not damaged, only too large for the gateway: trim makes it smaller.")
        if named and not store.rebuilt:
            _bring_back(draft, store)
    if draft.x.health.databases or draft.x.health.missing:
        from gatewaydoctor.repair.repairs.stores.salvage_databases import plan_databases  # brings in apsw

        plan_databases(draft, named=named)


def _is_lost(draft: Draft, store: StoreDraft) -> bool:
    """Whether the gateway reads the store as empty though it need not be. One that is only too large is sound."""
    if isinstance(store.facts.soundness, Damaged):
        return True
    return bool(draft.found("store-empty-beside-transcripts", store=store.facts))


def _rebuild(draft: Draft, store: StoreDraft) -> None:
    try:
        files = list(_files(draft, store))
    except (OutOfReach, OSError) as error:
        draft.refuse(Repair.SALVAGE, store.path, error)
        return
    base = max(
        files, key=lambda each: (each.primary and each.rows > 0, each.sound, each.rows, each.newest), default=None
    )
    if base is None or not base.rows:
        _nothing(draft, store)
        return
    files.sort(key=lambda each: each is not base)
    order = _merged(files)
    store.rebuild([each.source for each in files], order)
    _say(draft, store, files)


def _files(draft: Draft, store: StoreDraft) -> Iterator[Found]:
    primary, strange = None, []
    if store.facts.sessions is not None and store.facts.read.stat is not None:
        found = _found(draft, store.path, store.facts.sessions, store.facts.read.stat, primary=True)
        primary = found.source.table
        yield found
    for path in candidates(draft, store):
        try:
            found = read_copy(draft, path)
        except FileNotFoundError:
            continue
        except (OutOfReach, OSError) as error:
            draft.refuse(Repair.SALVAGE, path, error)
            continue
        if is_copy(store.facts.read.ref, path, found.source.table, primary, alone=_alone(draft, store)):
            yield found
        elif len(found.source.table):
            strange.append(path.name)
    if strange:
        draft.caution(
            f"{plural(len(strange), 'file')} next to the store not used as copies: most of their "
            "content is not session rows, or may not belong to this store's agents.",
            strange,
        )


def read_copy(draft: Draft, path: Path) -> Found:
    """The rows of a file next to a store. Raises OutOfReach and OSError."""
    _, seen = draft.reach(path)
    with draft.fs.open(path) as stream:
        sessions = read_sessions_file(stream, seen.size, draft.x.config.main_key.value)
    return _found(draft, path, sessions, seen, primary=False)


def read_store(draft: Draft, path: Path, sessions: FileSessions, seen: FileStat) -> Found:
    """The whole entries of a store that was examined. Raises OutOfReach and OSError."""
    return _found(draft, path, sessions, seen, primary=True)


def lost_people(draft: Draft, copy: Found) -> Iterator[tuple[int, Entry]]:
    """Conversations of a copy that no store has, with their rows."""
    table = copy.source.table
    for row in range(len(table)):
        if table.kind(row) in MACHINE_KINDS or hash(table.key(row).lower()) in draft.held:
            continue
        entry = table[row]
        # What is in a file of another kind is none.
        if look(entry) is Look.SURE:
            yield row, entry


def _bring_back(draft: Draft, store: StoreDraft) -> None:
    sessions, stat = store.facts.sessions, store.facts.read.stat
    if sessions is None or stat is None or not store.facts.read.whole or store.facts.era.sessions_in_database:
        return
    # Rows of a backup may have been removed on purpose since: of those only what the scan found to be lost.
    lost = {copy.path: frozenset(copy.keys) for copy in store.facts.copies}
    ref, alone = store.facts.read.ref, _alone(draft, store)
    best: dict[str, tuple[int, int, int]] = {}
    files: list[Found] = []
    for path in candidates(draft, store):
        is_temp = _kind(store, path) == "temp file"
        if not is_temp and path not in lost:
            continue
        try:
            found = read_copy(draft, path)
        except (OutOfReach, OSError) as error:
            draft.refuse(Repair.SALVAGE, path, error)
            continue
        if not is_copy(ref, path, found.source.table, sessions.table, alone=alone):
            continue
        files.append(found)
        for row, entry in lost_people(draft, found):
            if not alone and entry.agent_id not in ref.agent_ids:
                continue
            if not is_temp and entry.key not in lost[path]:
                continue
            newest = (entry.updated_at or 0, len(files), row)
            best[entry.key.lower()] = max(newest, best.get(entry.key.lower(), newest))
    if not best:
        return
    own = _found(draft, store.path, sessions, stat, primary=True)
    added = sorted((number, row) for _, number, row in best.values())
    store.rebuild([each.source for each in (own, *files)], [*((0, row) for row in range(own.rows)), *added])
    for number, each in enumerate(files, start=1):
        rows = [each.source.table[row] for source, row in added if source == number]
        if rows:
            draft.step(
                Repair.SALVAGE,
                "restore",
                each.path,
                f"conversations from a {_kind(store, each.path)} that are in no store",
                [entry.key for entry in rows],
                sum(entry.bytes for entry in rows),
                agent_id=store.facts.agent_id,
                **of_people(rows),
            )


def _kind(store: StoreDraft, path: Path) -> str:
    return "temp file" if classify(path.name, store.path.name) in TEMPS else "backup"


def _alone(draft: Draft, store: StoreDraft) -> bool:
    return all(each is store or each.path.parent != store.path.parent for each in draft.stores)


def _found(draft: Draft, path: Path, sessions: FileSessions, seen: FileStat, *, primary: bool) -> Found:
    number = draft.fingerprint(path, sessions.reading.sha256, seen)
    table, rescue = sessions.table, None
    if sessions.reading.fault is not None:
        with draft.fs.open(path) as stream:
            rescue = salvage(stream, sessions, draft.x.config.main_key.value)
        table = rescue.table
    canonical = sessions.reading.fault is None and sessions.reading.layout is Layout.CANONICAL
    _, newest = table.updated_span()
    source = Source(number, table, canonical=canonical)
    return Found(path, source, rescue is None, primary, newest or 0, rescue)


def _merged(files: list[Found]) -> list[tuple[int, int]]:
    """(file, row) of the newest version of each key, in the order of the first file, then what others add. An object
    counts as newer than a value that is none. Disposable rows are taken from the first file alone: older copies would
    restore what was reaped since."""
    best: dict[str, tuple[tuple[bool, int], int, int]] = {}
    for number, each in enumerate(files):
        for row, entry in enumerate(each.source.table):
            if not each.primary and not may_be_entry(entry):
                continue
            if number and entry.kind in DISPOSABLE and entry.key not in best:
                continue
            version = entry.valid, -1 if entry.updated_at is None else entry.updated_at
            known = best.get(entry.key)
            # Of two versions in one file the later one counts, as the gateway reads them.
            if known is None or version > known[0] or (version == known[0] and known[1] == number):
                best[entry.key] = (version, number, row)
    return [(number, row) for _, number, row in best.values()]


def _nothing(draft: Draft, store: StoreDraft) -> None:
    """No whole entry anywhere. 2026.9.6 does not start with such a file, so it goes; every other release takes it for
    empty anyway."""
    if store.facts.sessions is not None and draft.x.eras.sqlite_release:
        moved = draft.move(store.path)
        if moved is not None:
            draft.step(
                Repair.SALVAGE,
                TO_VAULT,
                store.path,
                "a store without a complete session, over which 2026.9.6 refuses to start",
                [store.path.name],
                moved,
                agent_id=store.facts.agent_id,
            )
        return
    draft.caution(
        "Neither a store nor its copies hold a complete session; the store stays unchanged. Its "
        "transcripts are not touched.",
        [store.path.name],
    )


def _say(draft: Draft, store: StoreDraft, files: list[Found]) -> None:
    taken: list[list[Entry]] = [[] for _ in files]
    for position, entry in store.entries():
        taken[store.source_of(position)].append(entry)
    for each, rows in zip(files, taken, strict=True):
        if not rows and not each.primary:
            continue
        people = [entry.key for entry in rows if entry.kind not in MACHINE_KINDS]
        copy = f"sessions of a {'sound' if each.sound else 'damaged'} copy, newer or only there"
        draft.step(
            Repair.SALVAGE,
            RECOVER,
            each.path,
            "complete sessions of the damaged store" if each.primary else copy,
            [entry.key for entry in rows],
            sum(entry.bytes for entry in rows),
            agent_id=store.facts.agent_id,
            conversations=len(people),
            touched=tuple(people[:SAMPLE]),
        )
        if each.primary and each.rescue is not None:
            _warn(draft, each.rescue)
            if odd := [entry.key for entry in rows if entry.kind is Kind.OTHER]:
                have = "recovered session has a key" if len(odd) == 1 else "recovered sessions have keys"
                draft.caution(
                    f"{len(odd):,} {have} of no form that a gateway writes, as damage leaves that joins two keys. "
                    "Check whose conversations they are before a start.",
                    odd,
                )


def _warn(draft: Draft, rescue: Salvage) -> None:
    draft.torn += rescue.torn + rescue.doubtful
    if rescue.torn:
        draft.caution(
            f"At least {plural(rescue.torn, 'session was', 'sessions were')} cut ({size(rescue.lost)}): lost unless "
            f"a backup has {'it' if rescue.torn == 1 else 'them'}."
        )
    if rescue.doubtful:
        draft.caution(
            f"Next to the damage, {plural(rescue.doubtful, 'object')} may be complete or partial "
            "sessions. gatewaydoctor cannot tell, so they are not recovered and stay only in the "
            "vault."
        )
    if rescue.given_up is not None:
        draft.caution(
            f"Nothing was recovered after byte {rescue.given_up:,} of the damaged file: it has too many breaks."
        )
