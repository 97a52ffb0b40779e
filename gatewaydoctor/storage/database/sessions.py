"""The session rows of an agent's database, in the same columns as those of a sessions.json; or one by one."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from gatewaydoctor.model.database.reading import DatabaseFault
from gatewaydoctor.model.gateway.entry import STATUS_BY_WORD, Entry, Status, parse_key
from gatewaydoctor.storage.database.select import integer, text
from gatewaydoctor.storage.entries import decode
from gatewaydoctor.storage.entries.sessionset import SessionSet
from gatewaydoctor.storage.entries.table import EntryTable
from gatewaydoctor.storage.entries.tally import Tally
from gatewaydoctor.storage.jsontext.grammar import Illegal
from gatewaydoctor.storage.sqlite.opened import read_database_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from gatewaydoctor.storage.sqlite.opened import Opened
    from gatewaydoctor.storage.sqlite.pages import PageReader, Value
    from gatewaydoctor.system.fs import ReadFs


TABLE = "session_nodes"
_COLUMNS = (
    "session_key",
    "current_session_id",
    "entry_json",
    "status",
    "updated_at",
    "spawned_by",
    "pinned_at",
)
_STATUSES = {**STATUS_BY_WORD, Status.INTERRUPTED.value: Status.INTERRUPTED}


class RowTimes:
    """A time (epoch ms) of some rows of a table, in 16 bytes each. Rows are added in order."""

    def __init__(self) -> None:
        self._rows = array("q")
        self._times = array("q")

    def add(self, row: int, at: int) -> None:
        self._rows.append(row)
        self._times.append(at)

    def get(self, row: int) -> int | None:
        place = bisect_left(self._rows, row)
        return self._times[place] if place < len(self._rows) and self._rows[place] == row else None

    def items(self) -> Iterator[tuple[int, int]]:
        """Row and time."""
        return zip(self._rows, self._times, strict=True)


class DatabaseSessions(SessionSet, frozen=True, kw_only=True):
    """The rows in the order of their rowids. An Entry's offsets count from the start of its own key and JSON: they
    give its size. `written` has, for each row that is marked running, when its transcript was last written to.
    `field_bytes` and `field_counts` cover all rows only if they were asked for. `fault` is set where SQL
    could not read the table and the rows are those that its sound pages hold; `lost` pages could not be read."""

    written: RowTimes
    fault: DatabaseFault | None = None
    lost: int = 0


class _Row(NamedTuple):
    """One row as read. `json` is None where it was not wanted. Times are epoch ms."""

    key: str
    session_id: str | None
    size: int
    json: bytes | None
    status: str | None
    updated_at: int | None
    spawned: bool
    pinned: bool
    started_at: int | None = None
    ended_at: int | None = None
    written_at: int | None = None


def read_sessions(
    database: Opened, main_key: str, *, weigh: bool = False, on_entry: Callable[[Entry], None] | None = None
) -> DatabaseSessions | None:
    """All session rows; None where the database has no such table. `on_entry` gets each row, some of them twice where
    SQL fails. The JSON is read of the rows of people, of failed ones that hold the word (a status `interrupted` is in
    the JSON alone), and with `weigh` of all. Where SQL cannot read the table to its end, the rows are taken from its
    pages."""
    if TABLE not in database.tables:
        return None
    gathered = _Gathered(main_key, on_entry)
    rows = database.rows(_statement(database, weigh=weigh))
    for values in rows:
        row = _from_sql(values)
        gathered.take(row if weigh or _tells_more(row) else row._replace(json=None))
    if rows.fault is None:
        return gathered.result()
    gathered = _Gathered(main_key, on_entry)
    reader = database.pages
    for row in _from_pages(database, reader):
        gathered.take(row)
    return gathered.result(rows.fault, reader.damaged)


def _statement(database: Opened, *, weigh: bool) -> str:
    nodes, windows = set(database.columns(TABLE)), set(database.columns("session_windows"))
    wanted = "1" if weigh else "instr(n.session_key, ':run:') = 0 OR n.status = 'failed'"
    json = "n.entry_json" if "entry_json" in nodes else "NULL"
    session_id = "n.current_session_id" if "current_session_id" in nodes else "NULL"
    wanted = wanted if {"status", "entry_json"} <= nodes else "0"
    columns = [
        "n.session_key",
        session_id,
        f"octet_length({json})",
        f"CASE WHEN {wanted} THEN CAST({json} AS BLOB) END",
        *(f"n.{name}" if name in nodes else "NULL" for name in _COLUMNS[3:]),
        *(f"w.{name}" if name in windows else "NULL" for name in ("started_at", "ended_at", "transcript_updated_at")),
    ]
    joined = f"LEFT JOIN session_windows w ON w.session_id = {session_id}" if "session_id" in windows else ""
    return f"SELECT {', '.join(columns)} FROM {TABLE} n {joined}"


def _from_sql(values: Sequence[Value]) -> _Row:
    key, session_id, size, json, status, updated, spawned, pinned, started, ended, written = values
    return _Row(
        _key(key),
        text(session_id),
        integer(size) or 0,
        json if isinstance(json, bytes) else None,
        text(status),
        integer(updated),
        bool(spawned),
        pinned is not None,
        integer(started),
        integer(ended),
        integer(written),
    )


def _from_pages(database: Opened, reader: PageReader) -> Iterator[_Row]:
    places = {name: place for place, name in enumerate(database.columns(TABLE))}
    wanted = [places[name] for name in _COLUMNS if name in places]
    json_at = places.get("entry_json", len(places))
    for record in reader.records(database.tables[TABLE].root, wanted):
        values = dict(zip(database.columns(TABLE), record.values, strict=False))
        json = values.get("entry_json")
        data = json.encode("utf-8", "surrogateescape") if isinstance(json, str) else json
        yield _Row(
            _key(values.get("session_key")),
            text(values.get("current_session_id")),
            record.widths[json_at] if json_at < len(record.widths) else 0,
            data if isinstance(data, bytes) else None,
            text(values.get("status")),
            integer(values.get("updated_at")),
            bool(values.get("spawned_by")),
            values.get("pinned_at") is not None,
        )


def _tells_more(row: _Row) -> bool:
    """Whether the JSON has to be decoded: of a failed run only where it may say that it was interrupted. Python finds
    the word several times faster than SQLite."""
    return row.json is None or row.status != "failed" or ":run:" not in row.key or b"interrupted" in row.json


def _key(value: Value) -> str:
    """A key of another type than text is shown as SQLite would show it."""
    return value if isinstance(value, str) else "" if value is None else str(value)


class _Gathered:
    def __init__(self, main_key: str, on_entry: Callable[[Entry], None] | None) -> None:
        self._main_key = main_key
        self._on_entry = on_entry
        self._table = EntryTable()
        self._tally = Tally()
        self._written = RowTimes()

    def take(self, row: _Row) -> None:
        entry, fields = self._entry(row)
        place = len(self._table)
        self._tally.take(place, entry, fields, seen=row.json is not None)
        self._table.add(entry)
        if self._on_entry is not None:
            self._on_entry(entry)
        if entry.status is Status.RUNNING and row.written_at is not None:
            self._written.add(place, row.written_at)

    def result(self, fault: DatabaseFault | None = None, lost: int = 0) -> DatabaseSessions:
        tally = self._tally
        return DatabaseSessions(
            table=self._table,
            counts=tally.counts,
            weights=tally.weights,
            field_bytes=tally.field_bytes,
            field_counts=tally.field_counts,
            invalid=tally.invalid,
            biggest=tally.largest(),
            written=self._written,
            fault=fault,
            lost=lost,
        )

    def _entry(self, row: _Row) -> tuple[Entry, decode.Fields | None]:
        """The columns are what the gateway lists by; the JSON adds what only it holds."""
        head = len(row.key.encode("utf-8", "surrogatepass"))
        end = head + row.size
        status = _STATUSES.get(row.status or "", Status.UNKNOWN)
        if row.json is None:
            parts = parse_key(row.key, self._main_key)
            return Entry(
                row.key,
                parts.kind,
                status,
                0,
                head,
                end,
                parts.agent_id,
                parts.job_id,
                parts.run_id,
                row.session_id,
                None,
                row.updated_at,
                row.started_at,
                row.ended_at,
                pinned=row.pinned,
                spawned=row.spawned,
            ), None
        fields = _fields(row.json)
        entry = decode.entry(row.key, 0, head, end, fields, self._main_key, memoryview(row.json))
        if fields is not None and decode.scalar(fields.get("status")) == Status.INTERRUPTED.value:
            status = Status.INTERRUPTED
        return replace(
            entry,
            status=status,
            session_id=row.session_id or entry.session_id,
            updated_at=row.updated_at,
            started_at=row.started_at if row.started_at is not None else entry.started_at,
            ended_at=row.ended_at if row.ended_at is not None else entry.ended_at,
        ), fields


def _fields(json: bytes) -> decode.Fields | None:
    try:
        return decode.fields(memoryview(json))
    except Illegal:
        return None


class DatabaseStore:
    """The rows in the order of their rowids, taken at one moment. `opened` and `problem` are known once they were
    asked for."""

    def __init__(self, fs: ReadFs, path: Path, main_key: str) -> None:
        self.path = path
        self.opened = False
        self.problem: str | None = None
        self._fs = fs
        self._main_key = main_key

    def entries(self) -> Iterator[Entry]:
        found = read_database_once(self._fs, self.path, lambda opened: read_sessions(opened, self._main_key))
        match found:
            case DatabaseFault() as fault:
                self.problem = f"could not be read: {fault.reason}"
                return
            case None:
                self.problem = f"has no table {TABLE}"
                return
            case rows:
                self.opened = True
                yield from (entry for _, entry in rows.rows())
        if rows.fault is not None:
            self.problem = f"{rows.fault.reason}; the entries of the sound pages are listed"
