"""What an agent's database has of transcripts and sessions that came from files, asked one id at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.database.migration import RowIn
from gatewaydoctor.state.cron.jobids import string
from gatewaydoctor.storage.database.select import Tables, text
from gatewaydoctor.storage.database.transcripts import Transcripts
from gatewaydoctor.storage.jsontext.gateway_json import parse
from gatewaydoctor.storage.jsontext.grammar import Illegal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatewaydoctor.storage.sqlite.opened import Opened


class Imported:
    """Answers about one database. Ids of one transcript are held at a time."""

    def __init__(self, database: Opened) -> None:
        self._tables = Tables(database)
        self._transcripts = Transcripts(database)
        self._keys: set[str] | None = None
        self._held: dict[str, frozenset[str]] = {}

    @property
    def problem(self) -> str | None:
        """Why an answer may be wrong: a table that could not be read to its end."""
        if self._tables.faults:
            table, fault = self._tables.faults[0]
            return f"table {table} could not be read: {fault.reason}"
        return self._transcripts.fault.reason if self._transcripts.fault else None

    def start(self, session_id: str) -> None:
        """Forget the ids of the transcript before."""
        self._held = {session_id: self._held[session_id]} if session_id in self._held else {}

    def has_event(self, session_id: str, event_id: str) -> bool:
        return event_id in self._events(session_id)

    def has_transcript(self, session_id: str) -> bool:
        """Whether any event of it is there."""
        return bool(self._events(session_id))

    def archived_events(self, session_id: str) -> frozenset[str]:
        """Ids in the archive of a session that was removed."""
        return frozenset(_ids(self._transcripts.archived(session_id)))

    def _events(self, session_id: str) -> frozenset[str]:
        if session_id not in self._held:
            self._held[session_id] = self._read(session_id)
        return self._held[session_id]

    def _read(self, session_id: str) -> frozenset[str]:
        """The gateway keeps the ids in a table of their own and rebuilds it at start; where an id is not in it, the
        events themselves tell."""
        if self._tables.has("transcript_event_identities", "session_id", "event_id"):
            where = "WHERE session_id = ?"
            rows = self._tables.rows("transcript_event_identities", ("event_id",), rest=where, values=(session_id,))
            found = frozenset(event for (value,) in rows if (event := text(value)))
            if found:
                return found
        if not self._tables.has("transcript_events", "session_id", "event_json"):
            return frozenset()
        return frozenset(_ids(event.json for event in self._transcripts.events(session_id)))

    def place(self, key: str, session_id: str | None) -> RowIn:
        """Where an entry with this key and session id is now."""
        if key in self._all_keys():
            return RowIn.DATABASE
        if session_id is None:
            return RowIn.LEFT_OUT
        if self._any("session_windows", session_id):
            return RowIn.WINDOW
        return RowIn.ARCHIVED if self._any("session_transcript_archives", session_id) else RowIn.ABSENT

    def _all_keys(self) -> set[str]:
        if self._keys is None:
            rows = self._tables.rows("session_nodes", ("session_key",))
            self._keys = {key for (value,) in rows if (key := text(value)) is not None}
        return self._keys

    def _any(self, table: str, session_id: str) -> bool:
        if not self._tables.has(table, "session_id"):
            return False
        rest = "WHERE session_id = ? LIMIT 1"
        return bool(list(self._tables.rows(table, ("session_id",), rest=rest, values=(session_id,))))


def _ids(lines: Iterable[bytes]) -> Iterable[str]:
    for line in lines:
        try:
            record = parse(line)
        except Illegal:
            continue
        if isinstance(record, dict) and (event_id := string(record.get("id"))):
            yield event_id
