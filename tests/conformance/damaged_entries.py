"""Session rows: their entries as JSON, their keys, ids and times."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING

from .damages import (
    AGENT,
    KEY,
    damage,
    settle,
    sql,
)

if TYPE_CHECKING:
    from pathlib import Path


def unstrict(path: Path, table: str, *statements: str) -> None:
    """Change rows while the table has no types, no NOT NULL and no CHECK."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        (text,) = database.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        (version,) = database.execute("PRAGMA schema_version").fetchone()
    plain = text.replace(") STRICT", ")").replace(" NOT NULL", "").replace(" INTEGER", " BLOB")
    for number, schema in enumerate((plain, text), 1):
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute("PRAGMA writable_schema = ON")
            database.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (schema, table))
            database.execute(f"PRAGMA schema_version = {version + number}")
        if schema == plain:
            sql(path, "PRAGMA foreign_keys = OFF", "PRAGMA ignore_check_constraints = ON", *statements)
    settle(path)


JUDGED = "UPDATE session_nodes SET entry_valid = 1"


def _entry(state: Path, expression: str, *more: str, values: tuple[object, ...] = ()) -> None:
    update = f"UPDATE session_nodes SET entry_json = {expression} WHERE session_key = '{KEY}'"
    sql(state / AGENT, update, *more, JUDGED, values=values)


def _key(state: Path, key: str) -> None:
    updates = (
        f"UPDATE {t} SET session_key = ? WHERE session_key = '{KEY}'" for t in ("session_nodes", "session_windows")
    )
    sql(state / AGENT, "PRAGMA foreign_keys = OFF", *updates, JUDGED, values=(key,))


def _id2(state: Path, session: str) -> None:
    """Give the session another id wherever it is named."""
    old = "bbbbbbbb-0000-4000-8000-000000001001"
    with closing(sqlite3.connect(state / AGENT)) as database:
        tables = database.execute(
            "SELECT m.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' "
            "AND m.sql NOT LIKE 'CREATE VIRTUAL%' AND c.name = 'session_id'"
        ).fetchall()
    sql(
        state / AGENT,
        "PRAGMA foreign_keys = OFF",
        *(f"UPDATE {table} SET session_id = '{session}' WHERE session_id = '{old}'" for (table,) in tables),
        f"UPDATE session_nodes SET current_session_id = '{session}', "
        f"entry_json = json_set(entry_json, '$.sessionId', '{session}') WHERE session_key = '{KEY}'",
        JUDGED,
    )


@damage()
def null_where_none_may_be(state: Path) -> None:
    unstrict(
        state / AGENT,
        "session_nodes",
        f"UPDATE session_nodes SET updated_at = NULL WHERE session_key = '{KEY}'",
        JUDGED,
    )


@damage()
def text_where_a_number_must_be(state: Path) -> None:
    unstrict(
        state / AGENT,
        "session_nodes",
        f"UPDATE session_nodes SET updated_at = 'soon' WHERE session_key = '{KEY}'",
        JUDGED,
    )


@damage()
def entry_a_blob(state: Path) -> None:
    unstrict(
        state / AGENT,
        "session_nodes",
        f"UPDATE session_nodes SET entry_json = CAST(entry_json AS BLOB) WHERE session_key = '{KEY}'",
        JUDGED,
    )


@damage()
def times_in_the_future(state: Path) -> None:
    far = int(time.time() * 1000) + 10**10
    sql(
        state / AGENT,
        f"UPDATE session_nodes SET updated_at = {far}, entry_json = json_set(entry_json, '$.updatedAt', {far})",
        f"UPDATE session_windows SET updated_at = {far}",
        JUDGED,
    )


@damage()
def time_of_the_entry_differs(state: Path) -> None:
    _entry(state, "json_set(entry_json, '$.updatedAt', 5)")


@damage()
def time_of_the_entry_is_text(state: Path) -> None:
    _entry(state, "json_set(entry_json, '$.updatedAt', 'x')")


@damage()
def status_of_the_entry_differs(state: Path) -> None:
    _entry(state, "json_set(entry_json, '$.status', 'running')")


@damage()
def status_of_the_entry_unknown(state: Path) -> None:
    _entry(state, "json_set(entry_json, '$.status', 'weird')")


@damage()
def id_twice_in_the_entry(state: Path) -> None:
    _entry(
        state,
        "replace(entry_json, '{\"sessionId\"', "
        '\'{"sessionId":"\' || current_session_id || \'","sessionId":"gone","x"\')',
    )


@damage()
def id_twice_in_the_entry_the_right_one_last(state: Path) -> None:
    _entry(
        state,
        """replace(entry_json, '{"sessionId"', '{"sessionId":"cccccccc-0000-4000-8000-000000001001","sessionId"')""",
    )


@damage()
def id_a_number(state: Path) -> None:
    _entry(state, "json_set(entry_json, '$.sessionId', 7)")


@damage()
def id_in_capitals(state: Path) -> None:
    _entry(state, "json_set(entry_json, '$.sessionId', upper(current_session_id))")


@damage()
def entry_in_json5(state: Path) -> None:
    _entry(state, "replace(entry_json, '\"sessionId\"', 'sessionId')")


@damage()
def entry_with_a_mark(state: Path) -> None:
    _entry(state, "char(65279) || entry_json")


@damage()
def entry_with_text_behind(state: Path) -> None:
    _entry(state, "entry_json || ' x'")


@damage()
def entry_with_nan(state: Path) -> None:
    _entry(state, 'replace(entry_json, \'"chatType":"direct"\', \'"x":NaN\')')


@damage()
def entry_with_half_a_surrogate(state: Path) -> None:
    _entry(state, "json_set(entry_json, '$.label', json('\"\\ud800\"'))", "UPDATE session_nodes SET label = NULL")


@damage()
def entry_with_a_raw_newline(state: Path) -> None:
    _entry(state, "replace(entry_json, 'Hello', 'He' || char(10) || 'llo')")


@damage()
def entry_nested_too_deeply_for_sqlite(state: Path) -> None:
    _entry(state, 'replace(entry_json, \'"chatType":"direct"\', ?)', values=('"x":' + "[" * 1500 + "]" * 1500,))


@damage()
def entry_nested_beyond_all(state: Path) -> None:
    _entry(state, 'replace(entry_json, \'"chatType":"direct"\', ?)', values=('"x":' + "[" * 20000 + "]" * 20000,))


@damage()
def key_over_long(state: Path) -> None:
    _key(state, "agent:main:telegram:direct:" + "9" * 5000)


@damage()
def key_with_small_letters_of_all_the_world(state: Path) -> None:
    _key(state, "agent:main:telegram:direct:é会话😀")


@damage()
def key_with_a_capital_beyond_ascii(state: Path) -> None:
    _key(state, "agent:main:telegram:direct:É")


@damage()
def key_with_a_tab_behind(state: Path) -> None:
    _key(state, KEY + "\t")


@damage()
def key_with_a_blank_behind(state: Path) -> None:
    _key(state, KEY + " ")


@damage()
def key_without_an_agent(state: Path) -> None:
    _key(state, "telegram:direct:1001")


@damage()
def key_empty(state: Path) -> None:
    _key(state, "")


@damage()
def key_in_capitals_and_judged(state: Path) -> None:
    _key(state, KEY.upper())


@damage()
def window_of_another_key(state: Path) -> None:
    sql(
        state / AGENT,
        f"UPDATE session_windows SET session_key = 'agent:main:telegram:direct:1002' WHERE session_key = '{KEY}'",
        JUDGED,
    )


@damage()
def two_rows_with_one_session(state: Path) -> None:
    sql(
        state / AGENT,
        "UPDATE session_nodes SET current_session_id = ?1, entry_json = json_set(entry_json, '$.sessionId', ?1) "
        "WHERE session_key = 'agent:main:telegram:direct:1002'",
        JUDGED,
        values=("bbbbbbbb-0000-4000-8000-000000001001",),
    )


@damage()
def parent_key_differs(state: Path) -> None:
    sql(
        state / AGENT,
        f"UPDATE session_nodes SET parent_session_key = 'agent:main:main' WHERE session_key = '{KEY}'",
        JUDGED,
    )


@damage()
def pending_row_of_no_session(state: Path) -> None:
    sql(state / AGENT, "INSERT INTO session_canonical_validation_pending VALUES ('agent:main:gone')")


@damage()
def shell_with_content(state: Path) -> None:
    sql(state / AGENT, f"UPDATE session_nodes SET entry_valid = -1 WHERE session_key = '{KEY}'")


@damage()
def no_session_at_all(state: Path) -> None:
    sql(
        state / AGENT,
        "PRAGMA foreign_keys = ON",
        "DELETE FROM session_transcript_fts_rows",
        "DELETE FROM session_nodes",
    )


@damage()
def event_an_array(state: Path) -> None:
    sql(state / AGENT, "UPDATE transcript_events SET event_json = '[]' WHERE seq = 3")


@damage()
def owner_null(state: Path) -> None:
    sql(state / AGENT, "UPDATE schema_meta SET agent_id = NULL")


@damage()
def owner_in_capitals(state: Path) -> None:
    sql(state / AGENT, "UPDATE schema_meta SET agent_id = 'MAIN'")


@damage()
def contract_of_garbage(state: Path) -> None:
    sql(state / AGENT, "UPDATE session_key_contract SET canonical_ready = '{torn'")


@damage()
def key_of_a_matrix_room(state: Path) -> None:
    _key(state, "agent:main:matrix:channel:!AbCdEf:Server.Org")


@damage()
def key_of_a_signal_group(state: Path) -> None:
    _key(state, "agent:main:signal:group:AbC+/dEf=")


@damage()
def main_key_other_than_the_rows(state: Path) -> None:
    p = state / "openclaw.json"
    c = json.loads(p.read_text())
    c["session"] = {"mainKey": "work"}
    p.write_text(json.dumps(c))
    _key(state, "agent:main:main")


@damage()
def id_over_long_everywhere(state: Path) -> None:
    _id2(state, "x" * 400)


@damage()
def id_of_letters_of_all_the_world(state: Path) -> None:
    _id2(state, "sitzung-äöü-会话")


@damage()
def shell_without_a_window(state: Path) -> None:
    sql(
        state / AGENT,
        "PRAGMA foreign_keys = OFF",
        f"UPDATE session_nodes SET entry_json = '{{}}' WHERE session_key = '{KEY}'",
        f"UPDATE session_nodes SET entry_valid = -1 WHERE session_key = '{KEY}'",
        f"UPDATE session_windows SET session_key = 'agent:main:telegram:direct:1002' WHERE session_key = '{KEY}'",
    )


@damage()
def parent_key_in_capitals(state: Path) -> None:
    sql(
        state / AGENT,
        "UPDATE session_nodes SET parent_session_key = 'agent:main:MAIN', "
        f"entry_json = json_set(entry_json, '$.parentSessionKey', 'agent:main:MAIN') WHERE session_key = '{KEY}'",
        JUDGED,
    )


@damage()
def entry_nested_3000(state: Path) -> None:
    _entry(state, 'replace(entry_json, \'"chatType":"direct"\', ?)', values=('"x":' + "[" * 3000 + "]" * 3000,))


@damage()
def entry_nested_2000(state: Path) -> None:
    _entry(state, 'replace(entry_json, \'"chatType":"direct"\', ?)', values=('"x":' + "[" * 2000 + "]" * 2000,))


@damage()
def entry_nested_2500(state: Path) -> None:
    _entry(state, 'replace(entry_json, \'"chatType":"direct"\', ?)', values=('"x":' + "[" * 2500 + "]" * 2500,))
