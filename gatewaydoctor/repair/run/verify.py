"""The verification: only what reads back from the disk as planned counts as repaired."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.repair.plan import Move, Transact
from gatewaydoctor.model.repair.receipt import Verified
from gatewaydoctor.model.words import plural
from gatewaydoctor.repair.drafting.summary import summarise
from gatewaydoctor.repair.writing.errors import NotAsPlanned
from gatewaydoctor.repair.writing.guard import lstat_or_none, target_of
from gatewaydoctor.repair.writing.stream import content_of
from gatewaydoctor.storage.files.sessions import read_sessions_file

if TYPE_CHECKING:
    from gatewaydoctor.model.repair.plan import StoreSummary
    from gatewaydoctor.repair.run.context import RunContext
    from gatewaydoctor.repair.vault.layout import RunPlace
    from gatewaydoctor.repair.writing.tools import Tools


Sentence = tuple[str, Verified]
"""For the receipt, and of what it tells."""


def second_look(context: RunContext) -> tuple[Sentence, ...]:
    """Read everything the run wrote and compare it with the plan. Raises NotAsPlanned and OSError."""
    # A database that is written byte by byte is put back as it was: its content tells.
    stores = {store.path: store for store in context.plan.after.stores if not store.path.endswith(".sqlite")}
    context.tools.progress.phase("verifying", sum(staged.size for staged in context.staged.values()))
    said = [_rewritten(context, number, stores.get(_target(context, number))) for number in context.staged]
    return (*said, *((each, Verified.OTHER) for each in (*_vaulted(context), *_attributes(context))))


def _target(context: RunContext, number: int) -> str:
    return target_of(context.plan.acts[number], context.plan)


def _rewritten(context: RunContext, number: int, planned: StoreSummary | None) -> Sentence:
    staged, target, act = context.staged[number], _target(context, number), context.plan.acts[number]
    if isinstance(act, Transact):
        return _database(context, number, act)
    if planned is None:
        content = content_of(context.tools.fs, context.target(number), context.tools.progress.advance)
        _same(target, (content.sha256, content.size), (staged.sha256, staged.size))
        return f"{target} holds the {content.size:,} bytes that were written.", Verified.WRITTEN
    sha256, found = _read_store(context.tools, context.place, context.plan.main_key, planned)
    _same(target, sha256, staged.sha256)
    _same(target, found, planned)
    holds = f"{plural(found.entries, 'session')}, {plural(found.bytes, 'byte')}"
    if found.readable != "yes":
        return f"{target} holds {holds}, as planned: too large for a gateway.", Verified.STORE
    return f"{target} loads by the gateway's rules: {holds}, as planned.", Verified.STORE


def _database(context: RunContext, number: int, act: Transact) -> Sentence:
    """The file is the one that passed its checks; its rows are counted once more, by the reader that plans go by."""
    from gatewaydoctor.model.database.reading import DatabaseFault
    from gatewaydoctor.storage.sqlite.opened import read_database_once

    staged, path = context.staged[number], context.target(number)
    content = content_of(context.tools.fs, path, context.tools.progress.advance)
    _same(act.target, (content.sha256, content.size), (staged.sha256, staged.size))
    if act.sessions is None:
        return f"{act.target} passes SQLite's checks: {plural(content.size, 'byte')}.", Verified.OTHER
    found = read_database_once(
        context.tools.fs, path, lambda opened: opened.all("SELECT count(*) FROM session_nodes")
    )
    _same(act.target, found if not isinstance(found, DatabaseFault) else found.reason, ((act.sessions,),))
    holds = f"{plural(act.sessions, 'session row')}, {plural(content.size, 'byte')}"
    return f"{act.target} passes SQLite's checks and holds {holds}, as planned.", Verified.STORE


def _read_store(
    tools: Tools, place: RunPlace, main_key: str, planned: StoreSummary
) -> tuple[str | None, StoreSummary]:
    path = place.at(planned.path)
    with tools.fs.open(path) as stream:
        sessions = read_sessions_file(stream, tools.fs.stat(path).size, main_key, None, tools.progress.advance)
    return sessions.reading.sha256, summarise(sessions, planned.path, planned.agent_id)


def _same(target: str, found: object, planned: object) -> None:
    if found != planned:
        raise NotAsPlanned(f"{target} does not load as planned.", "Please report this.")


def _attributes(context: RunContext) -> list[str]:
    """What a new file lacks of the attributes of the one it replaces."""
    said = []
    for number in context.staged:
        kept = context.manifest.items[number]
        if kept is not None and kept.attributes:
            now = context.tools.fs.attributes(context.target(number))
            lost = sorted(name for name, value in kept.attributes.items() if now.get(name) != value)
            if lost:
                said.append(f"These attributes of {kept.path} could not be kept: {', '.join(lost)}.")
    return said


def _vaulted(context: RunContext) -> list[str]:
    moves = [number for number, act in enumerate(context.plan.acts) if isinstance(act, Move)]
    for number in moves:
        kept = context.manifest.items[number]
        assert kept is not None
        stored = lstat_or_none(context.tools.fs, context.place.directory / kept.stored)
        if stored is None or stored.size != kept.size or lstat_or_none(context.tools.fs, context.target(number)):
            raise NotAsPlanned(f"{kept.path} is not where the plan moves it.", "Please report this.")
    if not moves:
        return []
    files = plural(
        len(moves),
        "file is in the vault and no longer in its place",
        "files were moved to the vault",
    )
    return [f"{files}."]
