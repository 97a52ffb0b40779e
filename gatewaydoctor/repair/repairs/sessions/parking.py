"""park: one session, or all that an agent has, out of the next start's sight until it is put back. What is parked
waits next to its store, under names that no release reads, and does not depend on the vault."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gatewaydoctor.model.database.reading import DatabaseFault
from gatewaydoctor.model.gateway.files import ARCHIVES, FileClass, NodeKind
from gatewaydoctor.model.gateway.parked import (
    LONGEST_NAME,
    ROWS_IN_DATABASE,
    ROWS_IN_FILE,
    parked_file,
    parked_name,
    parked_rows,
)
from gatewaydoctor.model.repair.edits import KeepSessions
from gatewaydoctor.model.repair.plan import Move, Transact
from gatewaydoctor.repair.drafting.databases import beside_of
from gatewaydoctor.repair.drafting.draft import of_people
from gatewaydoctor.repair.drafting.named import named_agent
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.drafting.rows import DatabaseDraft, StoreDraft
from gatewaydoctor.repair.repairs.sessions.transcript_moves import transcripts_left, transcripts_named
from gatewaydoctor.repair.vault.layout import spell
from gatewaydoctor.repair.writing.errors import OutOfReach
from gatewaydoctor.state.place.agents import AGENT_DATABASE
from gatewaydoctor.storage.files.splice import Row, splice
from gatewaydoctor.storage.sqlite.opened import Opened, read_database_once

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from gatewaydoctor.repair.drafting.draft import Draft

_STAY = frozenset({FileClass.LOCK, FileClass.RETIRED, *ARCHIVES})
"""Files of a whole agent that no start takes for sessions."""
_SCHEMA_BYTES = 2 << 20
"""What a database of the gateway has without any session, at most."""


def plan(draft: Draft, *, named: bool) -> None:
    """Those that were named: session keys, else agents."""
    if not named:
        return
    for name in sorted(draft.options.names):
        try:
            _park(draft, name)
        except (OutOfReach, OSError) as error:
            draft.refuse(Repair.PARK, draft.state_dir, error)


def _park(draft: Draft, name: str) -> None:
    leftovers = {each.path for each in draft.x.health.leftovers}
    if _park_sessions(draft, name, leftovers):
        return
    draft.answered.add(name)
    agent_id, homes = named_agent(draft.fs, draft.x, name)
    if agent_id is None:
        _refuse_unseen(draft, name)
        return
    _park_agent(draft, agent_id, homes)


def _park_sessions(draft: Draft, name: str, leftovers: Iterable[Path]) -> bool:
    found = False
    for store in draft.opened:
        places = [place for place, entry in store.entries() if entry.key == name]
        if not places:
            continue
        found = True
        draft.answered.add(name)
        if store.path in leftovers:
            hint = "Run `gatewaydoctor repair leftover`."
            draft.refuse(Repair.PARK, store.path, OutOfReach("This file is an import source.", hint))
        elif isinstance(store, DatabaseDraft):
            _park_in_database(draft, store, places[0])
        elif isinstance(store, StoreDraft):
            _park_in_file(draft, store, places[0])
    return found


def _refuse_unseen(draft: Draft, key: str) -> None:
    """A session that is in nothing that could be read may be in what could not."""
    unread = [each.path for each in draft.x.databases if not each.whole]
    unread += [each.read.ref.path for each in draft.x.stores if not each.read.whole]
    why = f"Not all of its sessions could be read, and {key} is not among those that were."
    for path in unread[:1]:
        draft.refuse(Repair.PARK, path, OutOfReach(why, "Run `gatewaydoctor repair salvage`."))


def _free_stamp(draft: Draft, directory: Path) -> int:
    """A number that no parked file has, of this plan or of another."""
    at = draft.x.now
    taken = {each.at for each in draft.x.parked}
    targets = (act.target for act in draft.acts if not isinstance(act, Move))
    taken |= {found[0] for each in targets if (found := parked_name(each.rpartition("/")[2]))}
    while at in taken or any(
        draft.taken(directory / parked_rows(at, kind)) for kind in (ROWS_IN_FILE, ROWS_IN_DATABASE)
    ):
        at += 1
    return at


def _park_in_file(draft: Draft, store: StoreDraft, place: int) -> None:
    at, entry = _free_stamp(draft, store.path.parent), store.entry(place)
    for record in transcripts_named(store, [entry]):
        _require_short(at, record.name)
    number = store.span_of(place)[0]
    segments, size = splice((Row(number, entry.start, entry.value_start, entry.end),), ())
    draft.create(store.path.with_name(parked_rows(at, ROWS_IN_FILE)), segments, size, like=number)
    store.drop(place)
    _say(
        draft,
        store.path,
        "a session until it is put back",
        [entry.key],
        size,
        store.agent_id,
        **of_people([entry]),
    )
    files = [store.path.parent / record.name for record in transcripts_left(draft, store, [entry])]
    _keep_all(draft, files, at, store.agent_id, "transcripts of that session")
    _say_way_back(draft, entry.key)


def _park_in_database(draft: Draft, database: DatabaseDraft, place: int) -> None:
    at, entry = _free_stamp(draft, database.path.parent), database.entry(place)
    target = spell(draft.real(database.path.with_name(parked_rows(at, ROWS_IN_DATABASE))), draft.state_dir)
    logs = (path for path in beside_of(draft, database.path) if not path.name.endswith("-shm"))
    sources = (database.number, *map(draft.fingerprint, logs))
    size = _size_of_session(draft, database, entry.key)
    edits = (KeepSessions(keys=(entry.key,)),)
    draft.act(target, Transact(target=target, replaces=None, sources=sources, edits=edits, size=size, sessions=1))
    database.drop(place)
    reason = "a session with its transcripts until it is put back"
    _say(draft, database.path, reason, [entry.key], size - _SCHEMA_BYTES, database.agent_id, **of_people([entry]))
    _say_way_back(draft, entry.key)


def _size_of_session(draft: Draft, database: DatabaseDraft, key: str) -> int:
    """About the bytes that a database with this session alone takes."""
    total = 0
    for table in ("transcript_events", "trajectory_runtime_events"):
        statement = (
            f"SELECT total(length(event_json)) FROM {table} WHERE session_id IN "
            "(SELECT session_id FROM session_windows WHERE session_key = ?)"
        )
        found = read_database_once(draft.fs, database.path, partial(Opened.all, statement=statement, values=(key,)))
        if not isinstance(found, DatabaseFault) and found and isinstance(found[0][0], float):
            total += int(found[0][0])
    return 2 * total + _SCHEMA_BYTES


def _park_agent(draft: Draft, agent_id: str, homes: tuple[Path, ...]) -> None:
    agents = draft.x.place.state_dir / "agents"
    at = _free_stamp(draft, agents / agent_id / "agent")
    stores = [
        each
        for each in draft.stores
        if agent_id in each.facts.read.ref.agent_ids
        and (agents not in each.path.parents or any(home in each.path.parents for home in homes))
    ]
    shared = next((each for each in stores if len(each.facts.read.ref.agent_ids) > 1), None)
    if shared is not None:
        hint = "Park single sessions: `gatewaydoctor park KEY`."
        raise OutOfReach(f"Several agents share {shared.path}.", hint)
    in_database = draft.x.eras.of(agent_id).sessions_in_database
    files = [path for store in stores for path in _of_store(store, in_database=in_database)]
    databases = [home / "agent" / AGENT_DATABASE for home in homes]
    files += [path for each in databases for path in (each, *beside_of(draft, each)) if _is_file(draft, path)]
    draft.let_go(*files)
    reason = f"all that the agent {agent_id} has, until it is put back"
    people = _people(draft, {each.path for each in stores} | set(databases))
    if not _keep_all(draft, files, at, agent_id, reason, people=people):
        raise OutOfReach(f"The agent {agent_id} has no sessions.", "`gatewaydoctor sessions` lists sessions.")
    draft.caution("A start that needs this agent begins with an empty history for it:", [agent_id])
    _say_way_back(draft, agent_id)


def _of_store(store: StoreDraft, *, in_database: bool) -> Iterator[Path]:
    """Files of a sessions directory that make sessions. Next to a database, archives of an import stay too."""
    stay = _STAY | {FileClass.FOREIGN} if in_database else _STAY
    for record in store.facts.listing.files:
        if record.node is NodeKind.FILE and record.cls not in stay and parked_name(record.name) is None:
            yield store.path.parent / record.name


def _people(draft: Draft, stores: set[Path]) -> dict[str, object]:
    rows = [entry for store in draft.opened if store.path in stores for _, entry in store.entries()]
    return of_people(rows)


def _is_file(draft: Draft, path: Path) -> bool:
    try:
        return draft.fs.lstat(draft.real(path)).is_file
    except OSError:
        return False


def _keep_all(
    draft: Draft, paths: Iterable[Path], at: int, agent_id: str, reason: str, people: dict[str, object] | None = None
) -> bool:
    """Each file waits next to its place under its parked name. The shared memory of a database only goes: whoever
    opens it makes a new one."""
    sizes: dict[str, int] = {}
    directory = None
    for path in paths:
        number = draft.fingerprint(path)
        seen = draft.fingerprints[number]
        kept = path.with_name(_require_short(at, path.name))
        if draft.taken(path):
            continue
        if not path.name.endswith("-shm"):
            draft.copy(number, kept)
        draft.move(path)
        sizes[path.name] = seen.size
        directory = directory or path.parent
    if directory is not None:
        _say(draft, directory, reason, list(sizes), sum(sizes.values()), agent_id, **(people or {}))
    return directory is not None


def _require_short(at: int, name: str) -> str:
    """The name under which the file waits. Raises OutOfReach where file systems do not take it."""
    kept = parked_file(at, name)
    if len(kept.encode(errors="surrogateescape")) > LONGEST_NAME:
        raise OutOfReach(f"The name of {name} is too long.", "Move that file away by hand, then try again.")
    return kept


def _say_way_back(draft: Draft, name: str) -> None:
    draft.caution("To put it back, also after the gateway has run: `gatewaydoctor unpark` and this name:", [name])


def _say(draft: Draft, target: Path, reason: str, names: list[str], size: int, agent_id: str, **more: object) -> None:
    draft.step(Repair.PARK, "set aside", target, reason, names, size, agent_id=agent_id, **more)
