"""Sessions of an agent's database as a whole: out of it, alone in one of their own, and back.

What belongs to a session is found by the names of columns, so that tables of later releases come along: what names
its key, and what names one of its transcripts. The index of words is carried row by row, for a virtual table has no
rows that could be copied with their places.
"""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

import apsw

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_WITHOUT_FOREIGN_KEY = (
    ("session_goal_operations", "session_key"),
    ("conversation_deliveries", "source_session_key"),
    ("message_tool_run_outcomes", "session_key"),
)
"""(table, column) that name a session and that no cascade reaches."""
_NODES, _WINDOWS = "session_nodes", "session_windows"
_WORDS, _WORD_ROWS = "session_transcript_fts", "session_transcript_fts_rows"
_OF_KEY, _OF_TRANSCRIPT = ("session_key", "source_session_key"), ("session_id", "source_session_id")
_OF_THE_FILE = frozenset({"schema_meta", "session_key_contract", "memory_index_state"})
"""Tables that tell what the database is: every database has its own."""
_PENDING = "session_canonical_validation_pending"
"""Triggers fill it."""
_CONVERSATIONS = "conversations"
"""Chats outside, which several sessions may name."""
_WHO_NAMES_THEM = (
    (_WINDOWS, "primary_conversation_id"),
    ("session_conversations", "conversation_id"),
    ("conversation_deliveries", "conversation_id"),
)
_UNIQUE = frozenset({_NODES, _WINDOWS, "transcript_events"})
"""Of these a row that is there already is an error; of others it stays."""


def tables_of(connection: apsw.Connection) -> frozenset[str]:
    """Names of the tables of the database."""
    return frozenset(str(name) for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'"))


def drop_sessions(connection: apsw.Connection, keys: Sequence[str]) -> None:
    """The rows of these sessions leave, with everything that belongs to them alone."""
    tables = tables_of(connection)
    connection.execute("CREATE TEMP TABLE IF NOT EXISTS leaving (session_key TEXT PRIMARY KEY) WITHOUT ROWID")
    connection.execute("DELETE FROM temp.leaving")
    connection.executemany("INSERT OR IGNORE INTO temp.leaving VALUES (?)", ((key,) for key in keys))
    leaving = "(SELECT session_key FROM temp.leaving)"
    if "session_windows" in tables:
        # A transcript that a row which stays points at goes on under that row, as the gateway does it. The heirs are
        # listed once: not every database has an index to ask for each of them by.
        connection.execute("CREATE TEMP TABLE heirs (session_id TEXT PRIMARY KEY, session_key TEXT) WITHOUT ROWID")
        connection.execute(
            "INSERT INTO temp.heirs SELECT current_session_id, min(session_key) FROM session_nodes "
            f"WHERE session_key NOT IN {leaving} AND current_session_id IS NOT NULL GROUP BY current_session_id"
        )
        connection.execute(
            "UPDATE session_windows SET session_key = (SELECT h.session_key FROM temp.heirs h "
            f"WHERE h.session_id = session_windows.session_id) WHERE session_key IN {leaving} "
            "AND session_id IN (SELECT session_id FROM temp.heirs)"
        )
        connection.execute("DROP TABLE temp.heirs")
        windows = f"(SELECT session_id FROM session_windows WHERE session_key IN {leaving})"
        # Without the row of a session nothing would find its words in the search index any more.
        index = next(
            (name for name in ("session_transcript_fts_rows", "session_transcript_fts") if name in tables), ""
        )
        if index:
            connection.execute(f"DELETE FROM {index} WHERE session_id IN {windows}")
    for table, column in _WITHOUT_FOREIGN_KEY:
        if table in tables:
            connection.execute(f"DELETE FROM {table} WHERE {column} IN {leaving}")
    # One by one: SQLite keeps what a single statement has changed in memory until it ends.
    connection.executemany("DELETE FROM session_nodes WHERE session_key = ?", ((key,) for key in keys))


def keep_sessions(connection: apsw.Connection, keys: Iterable[str]) -> None:
    """Nothing but these sessions stays in the database; credentials and memory go too."""
    kept = frozenset(keys)
    every = [str(key) for (key,) in connection.execute(f"SELECT session_key FROM {_NODES}")]
    drop_sessions(connection, [key for key in every if key not in kept])
    tables = tables_of(connection)
    for table in _own_tables(connection):
        if table in _OF_THE_FILE or table in (_NODES, _CONVERSATIONS, _PENDING, _WORD_ROWS):
            continue
        columns = _columns(connection, table)
        of_key = next((name for name in _OF_KEY if name in columns), None)
        of_transcript = next((name for name in _OF_TRANSCRIPT if name in columns), None)
        if of_key is not None:
            rest = f"WHERE {of_key} IS NULL OR {of_key} NOT IN (SELECT session_key FROM {_NODES})"
        elif of_transcript is not None and _WINDOWS in tables:
            rest = f"WHERE {of_transcript} IS NULL OR {of_transcript} NOT IN (SELECT session_id FROM {_WINDOWS})"
        else:
            rest = ""
        connection.execute(f"DELETE FROM {quoted(table)} {rest}")
    if _CONVERSATIONS in tables:
        named = [
            f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL"
            for table, column in _WHO_NAMES_THEM
            if table in tables and column in _columns(connection, table)
        ]
        rest = f"WHERE conversation_id NOT IN ({' UNION '.join(named)})" if named else ""
        connection.execute(f"DELETE FROM {_CONVERSATIONS} {rest}")


def bring_sessions(connection: apsw.Connection, path: Path) -> None:
    """Everything that the database at `path` has of its sessions. A transcript that went on under another session
    stays as it is. Raises apsw.ConstraintError where one of the sessions is there already, or other events of one of
    its transcripts."""
    connection.execute("PRAGMA defer_foreign_keys = ON")
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_NOFOLLOW
    with closing(apsw.Connection(os.fspath(path), flags=flags)) as source:
        tables = tables_of(connection)
        present = _transcripts_in_both(connection, source)
        for table in _own_tables(source):
            if table in tables and table not in _OF_THE_FILE and table not in (_PENDING, _WORD_ROWS):
                _bring_table(connection, source, table, present)
        _bring_words(connection, source, present)
        if "entry_valid" in _columns(source, _NODES):
            judged = source.execute(f"SELECT entry_valid, session_key FROM {_NODES}")
            connection.executemany(f"UPDATE {_NODES} SET entry_valid = ? WHERE session_key = ?", judged)


def _transcripts_in_both(connection: apsw.Connection, source: apsw.Connection) -> frozenset[str]:
    """Transcripts of the source that the database has too, with every event of the source."""
    if _WINDOWS not in tables_of(connection) or _WINDOWS not in tables_of(source):
        return frozenset()
    there = "SELECT 1 FROM session_windows WHERE session_id = ?"
    return frozenset(
        str(name)
        for (name,) in source.execute(f"SELECT session_id FROM {_WINDOWS}")
        if connection.execute(there, (name,)).fetchone() and _has_events(connection, source, name)
    )


def _has_events(connection: apsw.Connection, source: apsw.Connection, transcript: apsw.SQLiteValue) -> bool:
    same = "SELECT 1 FROM transcript_events WHERE session_id = ? AND seq = ? AND event_json = ?"
    events = source.execute(
        "SELECT session_id, seq, event_json FROM transcript_events WHERE session_id = ?", (transcript,)
    )
    return all(connection.execute(same, event).fetchone() for event in events)


def _bring_table(connection: apsw.Connection, source: apsw.Connection, table: str, present: frozenset[str]) -> None:
    """The rows of one table but for those of the transcripts `present`."""
    there = _columns(connection, table)
    columns = [name for name in _columns(source, table) if name in there]
    of_key = table != _WINDOWS and any(name in columns for name in _OF_KEY)
    transcript = None if of_key else next((columns.index(name) for name in _OF_TRANSCRIPT if name in columns), None)
    number = numbered(connection, table)
    verb = "INSERT" if table in _UNIQUE else "INSERT OR IGNORE"
    for row in source.execute(f"SELECT {_list(columns)} FROM {quoted(table)}"):
        if transcript is not None and row[transcript] in present:
            continue
        _insert(connection, verb, table, columns, row)
        if number in columns and not connection.changes():
            # Another row has got its number since. No other table refers to it.
            rest = [(name, value) for name, value in zip(columns, row, strict=True) if name != number]
            _insert(connection, verb, table, [name for name, _ in rest], [value for _, value in rest])


def _bring_words(connection: apsw.Connection, source: apsw.Connection, present: frozenset[str]) -> None:
    """Rows of the index of words, under numbers of their own, but for those of the transcripts `present`."""
    if _WORDS not in tables_of(connection) or _WORDS not in tables_of(source):
        return
    there = _columns(connection, _WORDS)
    columns = [name for name in _columns(source, _WORDS) if name in there]
    named = [name for name in ("session_id", "message_id") if name in columns]
    for row in source.execute(f"SELECT {_list(columns)} FROM {_WORDS}"):
        if "session_id" in columns and row[columns.index("session_id")] in present:
            continue
        _insert(connection, "INSERT", _WORDS, columns, row)
        if _WORD_ROWS in tables_of(connection):
            values = [connection.last_insert_rowid(), *(row[columns.index(name)] for name in named)]
            _insert(connection, "INSERT", _WORD_ROWS, ["id", *named], values)


def _insert(
    connection: apsw.Connection, verb: str, table: str, columns: Sequence[str], row: Sequence[apsw.SQLiteValue]
) -> None:
    marks = ", ".join("?" * len(columns))
    connection.execute(f"{verb} INTO {quoted(table)} ({_list(columns)}) VALUES ({marks})", tuple(row))


def _own_tables(connection: apsw.Connection) -> Iterator[str]:
    """Tables that hold rows themselves: neither virtual ones nor what those are kept in."""
    found = connection.execute("SELECT name, type FROM pragma_table_list WHERE schema = 'main'").fetchall()
    for name, kind in found:
        if kind == "table" and not str(name).startswith("sqlite_"):
            yield str(name)


def _columns(connection: apsw.Connection, table: str) -> list[str]:
    """Columns that a row can be given."""
    return [str(name) for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))]


def numbered(connection: apsw.Connection, table: str) -> str | None:
    """The column that is the number of the row itself. It is the key alone, and needs no index for that."""
    found = connection.execute(
        "SELECT name FROM pragma_table_info(?1) WHERE pk > 0 "
        "AND NOT EXISTS (SELECT 1 FROM pragma_index_list(?1) WHERE origin = 'pk')",
        (table,),
    ).fetchone()
    return str(found[0]) if found is not None else None


def _list(columns: Iterable[str]) -> str:
    return ", ".join(map(quoted, columns))


def quoted(name: str) -> str:
    """A name as SQL takes it."""
    return '"' + name.replace('"', '""') + '"'
