"""Session rows that a start does not take, as 2026.9.6 judged them when it was started on each of these."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.database.reading import DatabaseFault
from gatewaydoctor.model.gateway.entry import is_canonical_key
from gatewaydoctor.storage.database.entries import bad_entries
from gatewaydoctor.storage.sqlite.opened import open_database
from gatewaydoctor.system.fs import OsReadFs

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.model.database.health import BadEntries

KEY = "agent:main:telegram:direct:1"
SOUND = '{"sessionId":"s","updatedAt":5}'
DEEP = "[" * 1_500 + "]" * 1_500
TABLES = """
CREATE TABLE session_nodes (session_key TEXT, current_session_id TEXT, entry_json TEXT, entry_valid INTEGER,
 parent_session_key TEXT, spawned_by TEXT, fork_source_session_key TEXT);
CREATE TABLE session_windows (session_id TEXT, session_key TEXT);
CREATE TABLE session_canonical_validation_pending (session_key TEXT);
"""


def judged(
    path: Path, entry: str = SOUND, *, key: str = KEY, valid: int = 1, pending: bool = True, parent: str | None = None
) -> BadEntries | None:
    """What is wrong with a row of session `s`, next to a sound one."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.executescript(TABLES)
        insert = "INSERT INTO session_nodes VALUES (?, 's', ?, ?, ?, NULL, NULL)"
        database.execute(insert, (key, entry, valid, parent))
        database.execute(insert, ("agent:main:main", SOUND, 1, None))
        database.execute("INSERT INTO session_windows VALUES ('s', ?)", (key,))
        if pending:
            database.execute("INSERT INTO session_canonical_validation_pending VALUES (?)", (key,))
    opened = open_database(OsReadFs(), path)
    assert not isinstance(opened, DatabaseFault)
    with opened:
        return bad_entries(opened)


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        (SOUND, None),
        (f" {SOUND}\n", None),
        ('{"sessionId":"s","updatedAt":5.5e2,"x":"\\ud800"}', None),
        ('{"sessionId":"s","updatedAt":5,"x":1e999}', None),
        (f'{{"sessionId":"s","updatedAt":5,"deep":{DEEP}}}', None),
        (f'{{"sessionId":"s","updatedAt":5,"deep":{"[" * 3_000}{"]" * 3_000}}}', "too-deep"),
        ('{"sessionId":"gone","updatedAt":5,"sessionId":"s"}', None),
        ('{"sessionId":"s","updatedAt":5,"sessionId":"gone"}', "other-id"),
        ('{"sessionId":"s","updatedAt":5,"updatedAt":"x"}', "no-time"),
        ('{"sessionId":"s","updatedAt":"x"}', "no-time"),
        ('{"sessionId":"s","updatedAt":true}', "no-time"),
        ('{"sessionId":"s"}', "no-time"),
        ('{"sessionId":7,"updatedAt":5}', "other-id"),
        ('{"updatedAt":5}', "other-id"),
        (SOUND.replace('"sessionId"', "sessionId"), "not-json"),
        ("\ufeff" + SOUND, "not-json"),
        (SOUND + " x", "not-json"),
        ('{"sessionId":"s","updatedAt":5,"x":NaN}', "not-json"),
        ('{"sessionId":"s","updatedAt":5,"x":"a\nb"}', "not-json"),
        ("", "not-json"),
        ("null", "not-an-object"),
        ("[1]", "not-an-object"),
        ('{"sessionId":"s","updatedAt":5,"parentSessionKey":"agent:main:main"}', "other-origin"),
        ('{"sessionId":"s","updatedAt":5,"spawnedBy":"agent:main:main"}', "other-origin"),
        ('{"sessionId":"s","updatedAt":5,"forkSource":{"sessionKey":"agent:main:main"}}', "other-origin"),
    ],
)
def test_an_entry_is_read_as_javascript_reads_it(tmp_path: Path, entry: str, fault: str | None) -> None:
    found = judged(tmp_path / "d.sqlite", entry)
    assert (found.keys if found else {}) == ({fault: (KEY,)} if fault else {})


def test_a_parent_in_its_column_is_that_of_the_entry(tmp_path: Path) -> None:
    entry = '{"sessionId":"s","updatedAt":5,"parentSessionKey":"agent:main:main"}'
    assert judged(tmp_path / "same.sqlite", entry, parent="agent:main:main") is None
    other = judged(tmp_path / "other.sqlite", SOUND, parent="agent:main:main")
    assert other is not None and set(other.keys) == {"other-origin"}
    capital = judged(tmp_path / "capital.sqlite", entry.replace("main:main", "main:MAIN"), parent="agent:main:MAIN")
    assert capital is not None and set(capital.keys) == {"key"}


@pytest.mark.parametrize(
    ("entry", "key", "window", "bad"), [("{}", KEY, True, False), ("{}", KEY, False, True), (SOUND, KEY, True, True)]
)
def test_a_cleared_session_is_an_empty_object_with_its_window(
    tmp_path: Path, entry: str, key: str, window: bool, bad: bool
) -> None:
    path = tmp_path / "d.sqlite"
    judged(path, entry, key=key, valid=-1)
    if not window:
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute("UPDATE session_windows SET session_key = 'agent:main:main'")
    opened = open_database(OsReadFs(), path)
    assert not isinstance(opened, DatabaseFault)
    with opened:
        found = bad_entries(opened)
    assert (found is not None and set(found.keys) == {"cleared"}) is bad


@pytest.mark.parametrize(
    ("key", "canonical"),
    [
        (KEY, True),
        ("global", True),
        ("unknown", True),
        ("agent:main:telegram:direct:\u00e9\u4f1a\U0001f600", True),
        ("agent:main:telegram:direct:" + "9" * 5_000, True),
        ("agent:main:matrix:channel:!AbC:Server.Org", True),
        ("agent:main:signal:group:AbC+/d=", True),
        ("agent:main:Signal:group:AbC", False),
        ("agent:main:telegram:direct:\u00c9", False),
        (KEY.upper(), False),
        (KEY + " ", False),
        (KEY + "\t", False),
        (KEY + "\ufeff", False),
        ("telegram:direct:1", False),
        ("agent:main", False),
        ("agent: :main", False),
        ("", False),
    ],
)
def test_a_key_is_spelled_as_the_gateway_spells_it(tmp_path: Path, key: str, canonical: bool) -> None:
    assert is_canonical_key(key) is canonical
    found = judged(tmp_path / "d.sqlite", key=key)
    assert (found is None) is canonical
    assert judged(tmp_path / "judged.sqlite", key=key, pending=False) is None
