"""unpark: what was parked goes back, also after a gateway has run in between. Where the session or the file is there
again, nothing is done: which of two histories counts is not for a program to say. What is not wanted any more goes to
the vault."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from gatewaydoctor.checks.stores.databases import imports_leftovers
from gatewaydoctor.model.database.reading import DatabaseFault
from gatewaydoctor.model.gateway.files import PRIMARY
from gatewaydoctor.model.repair.plan import TO_VAULT
from gatewaydoctor.repair.drafting.draft import of_people
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.drafting.rows import Source
from gatewaydoctor.repair.drafting.summary import store_summary, summarise
from gatewaydoctor.repair.vault.layout import spell
from gatewaydoctor.repair.writing.errors import OutOfReach
from gatewaydoctor.state.history.names import classify
from gatewaydoctor.state.place.agents import AGENT_DATABASE
from gatewaydoctor.storage.database.sessions import read_sessions
from gatewaydoctor.storage.files.sessions import read_sessions_file
from gatewaydoctor.storage.sqlite.opened import read_database_once

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gatewaydoctor.examine.databases.databases import DatabaseFacts
    from gatewaydoctor.examine.sessions.parked import KeptFile, Parked
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.repair.drafting.rows import DatabaseDraft, RowsDraft, StoreDraft
    from gatewaydoctor.storage.entries.sessionset import SessionSet


def plan(draft: Draft, *, named: bool) -> None:
    """What was named, each with everything that was parked with it, or not at all."""
    if not named:
        return
    for name in sorted(draft.options.names):
        for parked in draft.x.parked:
            if not parked.answers_to(name):
                continue
            draft.answered.add(name)
            try:
                _drop(draft, parked) if draft.options.drop_parked else _put_back(draft, parked)
            except (OutOfReach, OSError) as error:
                draft.refuse(Repair.UNPARK, parked.rows or parked.files[0].kept, error)


def _say_without_transcript(draft: Draft, parked: Parked, store: StoreDraft) -> None:
    names = [kept.path.name for kept in parked.files] + [record.name for record in store.facts.listing.files]
    rows = [entry for _, entry in parked.sessions.rows()] if parked.sessions else []
    keys = [each.key for each in rows if each.session_id and not any(each.session_id in name for name in names)]
    if keys:
        draft.caution(
            "No transcript of it is parked or in the sessions directory: it comes back without history:", keys
        )


def _drop(draft: Draft, parked: Parked) -> None:
    sizes = {path.name: size for path in parked.paths if (size := draft.move(path)) is not None}
    what = "everything parked of this agent" if parked.whole else "a parked session"
    entries = [entry for _, entry in parked.sessions.rows()] if parked.sessions else []
    draft.step(
        Repair.UNPARK,
        TO_VAULT,
        parked.paths[0].parent,
        f"{what}, not wanted any more",
        list(sizes),
        sum(sizes.values()),
        agent_id=parked.agent_id,
        **of_people(entries),
    )


def _put_back(draft: Draft, parked: Parked) -> None:
    if parked.whole:
        _agent(draft, parked)
        return
    if parked.rows is None or parked.sessions is None or len(parked.sessions.table) != 1:
        hint = "Undo the run that parked it: `gatewaydoctor runs list`."
        raise OutOfReach("What was parked cannot be read as one session.", hint)
    key = parked.sessions.table.key(0)
    # A leftover sessions.json beside a database may have it, too, as it did when the session was parked.
    _require_free(draft.x.databases if parked.in_database else draft.x.session_stores, parked.agent_id, [key])
    for kept in parked.files:
        _require_gone(draft, kept)
    source = Source(draft.fingerprint(parked.rows), parked.sessions.table, canonical=False)
    if parked.in_database:
        _database_of(draft, parked).bring(source)
    else:
        store = _store_for(draft, parked)
        store.add(source, [0])
        _say_without_transcript(draft, parked, store)
    _files(draft, parked.files)
    size = draft.move(parked.rows) or 0
    entries = [entry for _, entry in parked.sessions.rows()]
    _say(draft, parked, "a parked session", [key], size, **of_people(entries))


def _require_free(stores: Iterable[StoreFacts | DatabaseFacts], agent_id: str, keys: Iterable[str]) -> None:
    """Raises OutOfReach where the agent has one of the keys in these stores, as the gateway looks keys up."""
    wanted = {key.lower() for key in keys}
    for store in stores:
        sessions = store.sessions
        if store.agent_id != agent_id or sessions is None:
            continue
        for key in sessions.table.all_keys():
            if key.lower() in wanted:
                word = quote(key)
                hint = (
                    f"To get the parked one back, park the present one first: `gatewaydoctor park {word}`. "
                    f"To keep the present one alone: `gatewaydoctor unpark {word} --to-vault`."
                )
                raise OutOfReach(f"The session {key} is there again.", hint)


def _require_gone(draft: Draft, kept: KeptFile) -> None:
    if _is_there(draft, kept.path) or draft.taken(kept.path):
        hint = "Move that file away by hand if the parked one is wanted."
        raise OutOfReach(f"A file {kept.path.name} is there again.", hint)


def _is_there(draft: Draft, path: Path) -> bool:
    try:
        draft.fs.lstat(draft.real(path))
    except FileNotFoundError:
        return False
    return True


def _database_of(draft: Draft, parked: Parked) -> DatabaseDraft:
    database = next((each for each in draft.databases if each.agent_id == parked.agent_id), None)
    if database is None or not database.opened:
        why = "has no database" if database is None else "has a database that was not read completely"
        raise OutOfReach(f"The agent {parked.agent_id} {why}.", "Run `gatewaydoctor scan`.")
    return database


def _store_for(draft: Draft, parked: Parked) -> StoreDraft:
    assert parked.rows is not None
    store = next((each for each in draft.stores if each.path.parent == parked.rows.parent), None)
    if store is None or (store.facts.read.ref.exists and not store.opened):
        raise OutOfReach("The store it belongs to is damaged or not known.", "Run `gatewaydoctor scan`.")
    if draft.x.eras.of(parked.agent_id).sessions_in_database:
        if not imports_leftovers(draft.x.config.release):
            why = "The agent keeps its sessions in a database now, and this release imports no sessions.json."
            raise OutOfReach(why, "Put it back before the update, or use 2026.9.6.")
        draft.caution("The agent keeps its sessions in a database now; 2026.9.6 imports this session at its start.")
    return store


def _agent(draft: Draft, parked: Parked) -> None:
    """Everything the agent had. A store that holds no session by now makes room for it; so does a database."""
    stores = {each.path: each for each in draft.stores}
    replaced: list[KeptFile] = []
    for kept in parked.files:
        store: RowsDraft | None = stores.get(kept.path)
        if kept.path.name == AGENT_DATABASE:
            store = next((each for each in draft.databases if each.path == kept.path), None)
        if not _is_there(draft, kept.path):
            continue
        if store is not None:
            _require_empty(draft, store, parked.agent_id)
        elif classify(kept.path.name) in PRIMARY:
            _require_gone(draft, kept)
        replaced.append(kept)
    _files(draft, parked.files, replaced)
    kept_names = {kept.path for kept in parked.files}
    for path in sorted(kept_names):
        if path.name == AGENT_DATABASE:
            _drop_beside(draft, path, kept_names)
    for kept in parked.files:
        if kept.path in stores or kept.path.name == AGENT_DATABASE:
            _tell(draft, kept, parked)
    names = [kept.path.name for kept in parked.files]
    _say(draft, parked, "all that the agent had", names, sum(kept.size for kept in parked.files))


def _tell(draft: Draft, kept: KeptFile, parked: Parked) -> None:
    """How the store will be. Rows that only the log of a database has are not counted."""
    text, main_key = spell(draft.real(kept.path), draft.state_dir), draft.x.config.main_key.value
    found: SessionSet | DatabaseFault | None
    if kept.path.name == AGENT_DATABASE:
        found = read_database_once(draft.fs, kept.kept, lambda opened: read_sessions(opened, main_key))
        if found is not None and not isinstance(found, DatabaseFault):
            summary = store_summary(text, parked.agent_id, found.counts, kept.size, database=True)
            draft.rebuilt[kept.path] = summary
        return
    with draft.fs.open(kept.kept) as stream:
        read = read_sessions_file(stream, kept.size, main_key)
    draft.rebuilt[kept.path] = summarise(read, text, parked.agent_id)


def _require_empty(draft: Draft, store: RowsDraft, agent_id: str) -> None:
    keys = [entry.key for _, entry in store.entries()] if store.opened else []
    if not store.opened or keys:
        what = f"has {len(keys):,} sessions since, {keys[0]} among them" if keys else "cannot be read"
        hint = f"Park these one by one, and put them back after the agent: `gatewaydoctor park {quote(keys[0])}`."
        raise OutOfReach(
            f"{store.path.name} of the agent {agent_id} {what}.", hint if keys else "Run `gatewaydoctor scan`."
        )


def _drop_beside(draft: Draft, database: Path, kept: set[Path]) -> None:
    """The log of a database that makes room goes with it."""
    for suffix in ("-wal", "-journal", "-shm"):
        path = database.with_name(database.name + suffix)
        if path not in kept and _is_there(draft, path):
            draft.move(path)


def _files(draft: Draft, files: Iterable[KeptFile], replaced: Iterable[KeptFile] = ()) -> None:
    """Each under its own name again, with its times; logs before the database they belong to."""
    instead = {kept.path for kept in replaced}
    for kept in sorted(files, key=lambda each: (each.path.name == AGENT_DATABASE, each.path)):
        number = draft.fingerprint(kept.kept)
        draft.copy(number, kept.path, replaces=draft.fingerprint(kept.path) if kept.path in instead else None)
        draft.move(kept.kept)


def _say(draft: Draft, parked: Parked, reason: str, names: list[str], size: int, **more: object) -> None:
    target = parked.rows or parked.files[0].kept
    draft.step(Repair.UNPARK, "put back", target.parent, reason, names, size, agent_id=parked.agent_id, **more)
