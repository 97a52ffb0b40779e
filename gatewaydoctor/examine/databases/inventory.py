"""What can be had of a damaged agent database, key by key, before anything is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatewaydoctor.storage.database.rescue import Rescue
    from gatewaydoctor.storage.sqlite.pages import Value

NODES, WINDOWS, EVENTS = "session_nodes", "session_windows", "transcript_events"


class SessionRow(Struct, frozen=True):
    """A session row: its current session id, its time (epoch ms), its status word and the bytes of its entry."""

    session_id: str
    updated_at: int
    status: str | None
    bytes: int


class Window(Struct, frozen=True):
    """A window: the key it belongs to, its time (epoch ms; 0 where only an index still lists it) and status word."""

    key: str
    at: int = 0
    status: str | None = None


class Inventory(Struct, frozen=True):
    """`rows` are the session rows that can be read, by key, and `windows` the windows by session id. `events` counts
    transcript events by session id. `lost` are keys that the key index still lists and whose rows cannot be read;
    None where that index is gone too. `damaged`: the table of session rows lost a page or a row."""

    rows: Mapping[str, SessionRow] = field(default_factory=dict)
    windows: Mapping[str, Window] = field(default_factory=dict)
    events: Mapping[str, int] = field(default_factory=dict)
    lost: tuple[str, ...] | None = ()
    damaged: bool = False

    @property
    def remade(self) -> dict[str, str]:
        """Key -> session id of each session whose row is lost and whose windows are not: the newest of them."""
        found: dict[str, tuple[int, str]] = {}
        for session_id, window in self.windows.items():
            last = found.get(window.key)
            if window.key not in self.rows and (last is None or (window.at, session_id) > last):
                found[window.key] = window.at, session_id
        return {key: session_id for key, (_, session_id) in found.items()}

    @property
    def unowned(self) -> set[str]:
        """Session ids of events that neither a window nor a session row is left of."""
        current = {row.session_id for row in self.rows.values()}
        return set(self.events) - set(self.windows) - current


def take_inventory(rescue: Rescue) -> Inventory:
    """Raises OSError."""
    rows: dict[str, SessionRow] = {}
    for name, row in session_rows(rescue):
        rows.setdefault(name, row)
    windows: dict[str, Window] = {}
    for session_id, key, at, status in rescue.rows(WINDOWS, ("session_id", "session_key", "updated_at", "status")):
        if is_window(session_id, key):
            word = status if isinstance(status, str) else None
            windows.setdefault(str(session_id), Window(str(key), at if isinstance(at, int) else 0, word))
    for key, session_id in rescue.index_rows(WINDOWS, ("session_key", "session_id")):
        if is_window(session_id, key):
            windows.setdefault(str(session_id), Window(str(key)))
    events: dict[str, int] = {}
    for owner, place in rescue.rows(EVENTS, ("session_id", "seq")):
        if _is_name(owner) and isinstance(place, int):  # not of another table, on a page that took the place of one
            events[str(owner)] = events.get(str(owner), 0) + 1
    listed = rescue.index_keys(NODES)
    lost = None if listed is None else tuple(str(key) for (key, *_) in listed if str(key) not in rows)
    return Inventory(rows, windows, events, lost, rescue.damaged(NODES))


def session_rows(rescue: Rescue) -> Iterator[tuple[str, SessionRow]]:
    """Each session row whose key, session id, entry and time can be read."""
    for key, session_id, entry, at, status in rescue.rows(
        NODES, ("session_key", "current_session_id", "entry_json", "updated_at", "status")
    ):
        if is_session(key, session_id, entry, at):
            word = status if isinstance(status, str) else None
            yield str(key), SessionRow(str(session_id), int(at or 0), word, len(str(entry)))


def is_session(key: Value, session_id: Value, entry: Value, at: Value) -> bool:
    """Whether these columns are those of a session row."""
    # No entry has a zero in it: there a part of its page is lost.
    whole = isinstance(entry, str) and "\0" not in entry
    return _is_name(key) and _is_name(session_id) and whole and isinstance(at, int)


def is_window(session_id: Value, key: Value) -> bool:
    """Whether these columns are those of a window that a session row can have."""
    return _is_name(session_id) and _is_name(key)


def _is_name(value: Value) -> bool:
    """A text that SQLite takes."""
    if not isinstance(value, str) or not value or "\0" in value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
