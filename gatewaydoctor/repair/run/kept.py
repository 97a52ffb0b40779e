"""The sessions that a run left in each store it wrote, by key and with the length of each conversation's transcript.
They are listed in the vault, so that what is there later can be compared with them."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec import Struct, convert
from msgspec.structs import astuple

from gatewaydoctor.model.database.reading import DatabaseFault
from gatewaydoctor.model.gateway.entry import MACHINE_KINDS, Kind
from gatewaydoctor.model.gateway.era import Era
from gatewaydoctor.model.repair.plan import Move
from gatewaydoctor.repair.vault.directory import attributes_of, owner_for
from gatewaydoctor.repair.writing.errors import VaultDamaged
from gatewaydoctor.repair.writing.stream import write_pieces
from gatewaydoctor.storage.open import open_sessions
from gatewaydoctor.storage.sqlite.opened import read_database_once

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.repair.run.context import RunContext
    from gatewaydoctor.repair.vault.layout import RunPlace
    from gatewaydoctor.storage.sqlite.opened import Opened
    from gatewaydoctor.system.fs import ReadFs

_DATABASE = ".sqlite"
_EVENTS = "transcript_events"
_PUT_AWAY = "session_transcript_cold_archives"
"""Sessions in it have their events in a file, or in another table."""


class KeptSession(Struct, frozen=True, array_like=True):
    """A session of the store at the path `store`, spelled as plans spell it. `updated_at` is in epoch ms; `length` of
    its transcript counts events in a database, else bytes, and is None of what is no conversation or has none."""

    store: str
    key: str
    kind: Kind
    session_id: str | None
    updated_at: int | None
    length: int | None

    @property
    def of_people(self) -> bool:
        return self.kind not in MACHINE_KINDS


def keep_list(context: RunContext) -> None:
    """List what the stores that the run wrote hold now. Can be repeated. Raises OSError."""
    written = {act.target for act in context.plan.acts if not isinstance(act, Move)}
    stores = [store.path for store in context.plan.after.stores if store.path in written]
    if not stores:
        return
    fs, place = context.tools.fs, context.place
    with suppress(FileNotFoundError):
        fs.unlink(place.kept)
    kept = (each for store in stores for each in _kept(fs, place, store, context.plan.main_key))
    lines = (json.dumps(astuple(each)).encode() + b"\n" for each in kept)
    write_pieces(fs, place.kept, lines, attributes_of(owner_for(context.tools, place.state_dir, place.directory)))


def kept_list(fs: ReadFs, place: RunPlace) -> tuple[KeptSession, ...] | None:
    """What the run listed; None of a run of an earlier version, which did not. Raises OSError and VaultDamaged."""
    try:
        with fs.open(place.kept) as stream:
            return tuple(convert(json.loads(line), KeptSession) for line in stream)
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError):
        raise VaultDamaged(f"{place.kept} is damaged.", "`gatewaydoctor scan` shows what is there.") from None


def _kept(fs: ReadFs, place: RunPlace, store: str, main_key: str) -> Iterator[KeptSession]:
    path = place.at(store)
    rows = list(open_sessions(fs, Era.SQLITE if store.endswith(_DATABASE) else Era.FILES, path, main_key).entries())
    long = lengths(fs, path, [entry for entry in rows if entry.kind not in MACHINE_KINDS])
    for entry in rows:
        length = long.get(entry.session_id or "")
        yield KeptSession(store, entry.key, entry.kind, entry.session_id, entry.updated_at, length)


def lengths(fs: ReadFs, store: Path, entries: Collection[Entry]) -> dict[str, int]:
    """How long the transcript of each of these sessions of a store is, by session id; without those that cannot be
    told: of a store that is gone, or whose transcript was put away."""
    if store.name.endswith(_DATABASE):
        found = read_database_once(fs, store, lambda opened: _events(opened, entries))
        return {} if isinstance(found, DatabaseFault) else found
    if not _is_there(fs, store):
        return {}
    return {entry.session_id: _bytes(fs, store, entry) for entry in entries if entry.session_id}


def _events(opened: Opened, entries: Collection[Entry]) -> dict[str, int]:
    if _EVENTS not in opened.tables:
        return {}
    away = opened.all(f"SELECT session_id FROM {_PUT_AWAY}") if _PUT_AWAY in opened.tables else ()
    gone = set() if isinstance(away, DatabaseFault) else {name for (name,) in away}
    found: dict[str, int] = {}
    for name in {entry.session_id for entry in entries if entry.session_id and entry.session_id not in gone}:
        counted = opened.all(f"SELECT count(*) FROM {_EVENTS} WHERE session_id = ?", (name,))
        if not isinstance(counted, DatabaseFault) and isinstance(counted[0][0], int):
            found[name] = counted[0][0]
    return found


def _is_there(fs: ReadFs, path: Path) -> bool:
    try:
        return fs.stat(path).is_file
    except OSError:
        return False


def _bytes(fs: ReadFs, store: Path, entry: Entry) -> int:
    for name in entry.transcript_names:
        with suppress(OSError, ValueError):
            return fs.stat(store.with_name(name)).size
    return 0
