"""Stores that are read as empty, too big, or hold rows the gateway takes otherwise."""

from __future__ import annotations

import json
import os
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

from gatewaydoctor.checks.judge import start_loses
from gatewaydoctor.checks.stores.cap import high_water
from gatewaydoctor.checks.thresholds import Thresholds
from gatewaydoctor.model.gateway.era import KNOWN_SCHEMA, DatabaseRole
from gatewaydoctor.model.gateway.release import Policy
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.storage.files import reader
from tests.fixtures_source.databases import agent_database as made
from tests.fixtures_source.databases import state_database
from tests.state.fakes import ClosedFs
from tests.world import DAY, HOUR, MINUTE, NOW, RoomyFs, StateDir, header, row, run_key, said, session_id

if TYPE_CHECKING:
    from pathlib import Path

ROWS = {"agent:main:main": row(1), "agent:main:telegram:direct:7": row(2)}
TEXT = json.dumps(ROWS, indent=2).encode()
TORN = TEXT[:-40]

DAMAGE = [
    ("cut", TORN, 1, len(TORN)),
    ("empty", b"", 0, 0),
    ("bom", b"\xef\xbb\xbf" + TEXT, 0, 0),
    ("nul tail", TEXT + b"\0\0", 2, len(TEXT)),
    ("trailing comma", TEXT[:-2] + b",\n}", 2, len(TEXT)),
    ("two documents", TEXT + TEXT, 2, len(TEXT)),
    ("binary", b"\x89PNG\r\n", 0, 0),
]


@pytest.mark.parametrize(
    ("data", "entries", "offset"), [case[1:] for case in DAMAGE], ids=[case[0] for case in DAMAGE]
)
def test_a_damaged_store_is_told_with_offset_and_whole_entries(
    state: StateDir, data: bytes, entries: int, offset: int
) -> None:
    state.store(data)
    state.transcript(1)
    found = state.only("store-unparseable")
    assert found.severity is Severity.CRITICAL
    assert (found.evidence["offset"], found.evidence["wholeEntries"]) == (offset, entries)
    assert f"at byte {offset:,}. " in found.message
    assert found.message.endswith(
        {0: "No complete session before the damage.", 1: "1 complete session before the damage."}.get(
            entries, "2 complete sessions before the damage."
        )
    )
    assert "overwrites the file at its next save" in found.consequence
    assert found.evidence["transcriptsBeside"] == 1


def test_a_damaged_store_hides_what_follows_from_it(state: StateDir) -> None:
    rows = {run_key("j", number): row(number, status="running") for number in range(600)}
    state.store(json.dumps(rows).encode()[:-1])
    state.transcript(9_999)
    assert {found.rule for found in state.judge().findings} == {"store-unparseable"}


def test_2026_9_6_refuses_to_start_over_a_damaged_store(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    state.store(TORN)
    assert "refuses to start" in state.only("store-unparseable").consequence


def test_an_unknown_release_is_told_both(tmp_path: Path) -> None:
    state = StateDir(tmp_path, None)
    state.store(TORN)
    consequence = state.only("store-unparseable").consequence
    assert "overwrite the file" in consequence
    assert "2026.9.6 refuses to start" in consequence


def test_a_store_that_may_not_be_read_is_not_called_damaged(state: StateDir) -> None:
    path = state.store(ROWS)

    class Closed(ClosedFs, RoomyFs):
        def __init__(self) -> None:
            RoomyFs.__init__(self)
            self.closed = (path,)

    found = state.only("permission-denied", fs=Closed())
    assert found.severity is Severity.ERROR
    assert found.message == "The store is not readable by this user: Permission denied."
    assert not state.findings("store-unparseable", fs=Closed())


def test_a_sound_store_is_not_damaged(state: StateDir) -> None:
    state.store(ROWS)
    assert not state.findings("store-*")


@pytest.mark.parametrize(
    ("data", "word"), [(b"[]", "an array"), (b"null", "null"), (b'"x"', "a string"), (b"7", "a number")]
)
def test_a_store_of_another_type(state: StateDir, data: bytes, word: str) -> None:
    state.store(data)
    judgement = state.judge()
    (found,) = judgement.of("store-not-object")
    assert found.severity is Severity.CRITICAL
    assert word in found.message
    assert not judgement.of("store-unparseable")


def test_a_store_beyond_the_longest_string(state: StateDir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "UNREADABLE_FROM_BYTES", 100)
    monkeypatch.setattr("gatewaydoctor.model.gateway.store.UNREADABLE_FROM_BYTES", 100)
    state.store(ROWS)
    judgement = state.judge()
    (found,) = judgement.of("store-too-large-for-gateway")
    assert found.severity is Severity.CRITICAL
    assert found.evidence["bytes"] == len(TEXT)
    assert "It holds 2 sessions and is not damaged." in found.message
    assert found.fix is not None
    assert found.fix.repairs == ("trim", "slim"), "trim keeps rows that share a session id with a conversation"
    assert not judgement.of("store-unparseable", "store-heap-risk")


@pytest.mark.parametrize("data", [b"{}", None], ids=["no entries", "no file"])
def test_an_emptied_store_beside_peoples_words(state: StateDir, data: bytes | None) -> None:
    if data is not None:
        state.store(data)
    state.transcript(1)
    state.transcript(2, header(session_id(2)) + said("[cron:1 x] go"))
    judgement = state.judge()
    (found,) = judgement.of("store-empty-beside-transcripts")
    assert (found.severity, found.count, found.fix) == (Severity.CRITICAL, 2, None)
    assert found.evidence["withPeoplesWords"] == 1
    assert not judgement.of("transcript-unindexed"), "the finding above says it"


def test_an_emptied_store_beside_machines_words_is_no_catastrophe(state: StateDir) -> None:
    state.store(b"{}")
    state.transcript(2, header(session_id(2)) + said("[cron:1 x] go"))
    assert state.only("store-empty-beside-transcripts").severity is Severity.WARNING


@pytest.mark.parametrize(
    ("data", "copy", "mended"),
    [(TORN, False, True), (b"", False, False), (b"{}", False, False), (None, False, False), (b"", True, True)],
)
def test_salvage_is_advised_where_there_is_something_to_recover(
    state: StateDir, data: bytes | None, copy: bool, mended: bool
) -> None:
    if data is not None:
        state.store(data)
    if copy:
        state.beside("sessions.json.bak.1799000000000", TEXT, age=DAY)
    state.transcript(3)
    (found,) = state.judge().of(*start_loses())
    assert (found.severity, found.fix is not None) == (Severity.CRITICAL, mended)


def test_a_start_loses_data_over_a_store_that_reads_as_empty_and_over_no_other() -> None:
    assert set(start_loses()) == {
        "store-unparseable",
        "store-not-object",
        "store-too-large-for-gateway",
        "store-empty-beside-transcripts",
        "legacy-store-beside-sqlite",
        "database-empty",
        "database-missing",
        "database-log-missing",
        "database-entry-invalid",
    }


def test_an_empty_store_with_nothing_beside_it_is_new(state: StateDir) -> None:
    state.store(b"{}")
    state.transcript(1, header(session_id(1)))
    assert [found.rule for found in state.judge().findings] == ["transcript-unindexed"]


def test_a_store_that_shares_its_directory_is_not_emptied(state: StateDir) -> None:
    state.config(
        {
            "session": {"store": str(state.root / "all" / "{agentId}.json")},
            "agents": {"list": [{"id": "a"}, {"id": "b"}]},
        }
    )
    state.file("all/a.json", {"agent:a:main": row(1)})
    state.file("all/b.json", {})
    state.file(f"all/{session_id(1)}.jsonl", header(session_id(1)) + said("hello"))
    state.file(f"all/{session_id(2)}.jsonl", header(session_id(2)) + said("hello"))
    judgement = state.judge()
    assert not judgement.of("store-empty-beside-transcripts")
    assert [found.count for found in judgement.of("transcript-unindexed")] == [1]


def test_candidates_are_named_only_where_something_is_lost(state: StateDir) -> None:
    state.store(TORN)
    for name, age in (
        ("sessions.json.bak.1799000000000", DAY),
        (".fs-safe-replace.77.f81d4fae-7dec-41d0-a765-00a0c91e6bf6.tmp", HOUR),
    ):
        state.beside(name, TEXT, age=age)
    state.beside("sessions.json.lock", b"{}")
    state.beside("sessions.json.thread-bindings.json", TEXT)
    found = state.only("backup-candidates")
    assert found.severity is Severity.INFO
    assert found.count == 2
    assert found.evidence["newest"]["bytes"] == len(TEXT)  # type: ignore[index]
    state.store(ROWS)
    assert not state.findings("backup-candidates")


def test_duplicate_keys(state: StateDir) -> None:
    one = json.dumps(row(1))
    state.store(f'{{"agent:main:main": {one}, "agent:main:main": {one}, "agent:main:x": {one}}}'.encode())
    found = state.only("store-duplicate-key")
    assert (found.severity, found.count, found.key) == (Severity.WARNING, 1, "agent:main:main")


@pytest.mark.parametrize(("release", "groups"), [("2026.3.28", 2), ("2026.5.22", 1)])
def test_case_variants_follow_the_release(tmp_path: Path, release: str, groups: int) -> None:
    state = StateDir(tmp_path, release)
    keys = (
        "agent:main:telegram:direct:Ann",
        "agent:main:telegram:direct:ann",
        "agent:main:signal:group:Ab=",
        "agent:main:signal:group:aB=",
        "agent:main:main",
    )
    state.store({key: row(number) for number, key in enumerate(keys)})
    found = state.only("store-case-variant-key")
    assert found.count == groups
    assert ("at its start" in found.consequence) is (release == "2026.5.22")


@pytest.mark.parametrize(("release", "severity"), [("2026.3.28", Severity.INFO), ("2026.5.22", Severity.WARNING)])
def test_keys_without_an_agent_that_become_others(tmp_path: Path, release: str, severity: Severity) -> None:
    state = StateDir(tmp_path, release)
    keys = (
        "main",
        "agent:main:main",
        "Foo",
        "agent:main:foo",
        "bar",
        "agent:work:bar",
        "global",
        "agent:main:global",
    )
    state.store({key: row(number) for number, key in enumerate(keys)})
    found = state.only("store-unscoped-key")
    assert (found.severity, found.count, found.key) == (severity, 2, "main")
    assert found.evidence["groups"] == [["main", "agent:main:main"], ["Foo", "agent:main:foo"]]


def test_entries_that_are_no_session(state: StateDir) -> None:
    state.store(
        {
            "agent:main:a": None,
            "agent:main:b": [1],
            "agent:main:c": row(1) | {"sessionId": "../x"},
            "agent:main:d": row(4),
        }
    )
    kept, null, unsafe = state.findings("store-invalid-entry")
    assert (null.key, null.evidence["field"], null.evidence["fate"]) == ("agent:main:a", "entry", "list-fails")
    assert (unsafe.key, unsafe.evidence["shapes"]) == ("agent:main:c", {"unsafe text": 1})
    assert kept.evidence["notObjects"] == 1
    assert "TypeError" not in kept.consequence
    state.maintenance(maxDiskBytes="1gb")
    assert "TypeError" in state.findings("store-invalid-entry")[0].consequence


def test_the_heap_is_estimated_in_three_steps(state: StateDir) -> None:
    state.store(ROWS)
    size = len(TEXT)
    for heap, severity in (
        (180 * size, Severity.WARNING),
        (24 * size, Severity.ERROR),
        (12 * size, Severity.CRITICAL),
    ):
        found = state.only("store-heap-risk", Thresholds(heap_bytes=heap))
        assert found.severity is severity
        assert found.evidence["estimate"] is True
    assert not state.findings("store-heap-risk", Thresholds(heap_bytes=180 * size + 1))


def test_the_incident_of_61633_is_an_error_by_default() -> None:
    size, limit = 185_300_000, Thresholds().heap_bytes
    assert 24 * size >= limit > 12 * size


def test_bloat_is_large_entries_or_rebuilt_fields(state: StateDir) -> None:
    state.store({"agent:main:main": row(1, skillsSnapshot={"prompt": "x" * 900}, systemPromptReport={"chars": 9})})
    found = state.only("store-bloat", Thresholds(bloat_bytes=1000, bloat_entry_bytes=10**6))
    assert found.severity is Severity.WARNING
    assert found.evidence["rebuiltBytes"] == 900 + len('{\n      "prompt": ""\n    }') + len(
        '{\n      "chars": 9\n    }'
    )
    assert state.findings("store-bloat", Thresholds(bloat_bytes=1000, bloat_entry_bytes=1000, bloat_share=2.0))
    assert not state.findings("store-bloat", Thresholds(bloat_bytes=1000, bloat_entry_bytes=10**6, bloat_share=2.0))
    assert not state.findings("store-bloat")


def crowd(runs: int, people: int) -> dict[str, object]:
    """Fresh run rows, and conversations a day older."""
    rows: dict[str, object] = {f"agent:main:telegram:direct:{n}": row(n, age=2 * DAY) for n in range(people)}
    return rows | {run_key("j", 1000 + n): row(1000 + n, age=n * MINUTE) for n in range(runs)}


@pytest.mark.parametrize(
    ("mode", "severity", "text"),
    [
        ("enforce", Severity.ERROR, "will drop 3 rows by age alone, 2 conversations"),
        ("warn", Severity.WARNING, "cuts nothing"),
    ],
)
def test_over_the_cap_counts_the_people_who_would_go(
    state: StateDir, mode: str, severity: Severity, text: str
) -> None:
    state.maintenance(maxEntries=5, mode=mode)
    state.store(crowd(runs=6, people=2))
    found = state.only("store-over-cap")
    assert (found.severity, found.count) == (severity, 3)
    assert found.evidence["conversationsAmongThem"] == 2
    assert text in found.consequence


def test_old_rows_go_by_age_before_the_cap(state: StateDir) -> None:
    state.maintenance(maxEntries=2, mode="enforce", pruneAfter="10d")
    state.store({f"agent:main:direct:{n}": row(n, age=n * DAY) for n in (1, 2, 3, 11, 12)} | {"agent:main:x": {}})
    evidence = state.only("store-over-cap").evidence
    assert (evidence["wouldBePruned"], evidence["wouldBeCapped"], evidence["conversationsAmongThem"]) == (2, 2, 4)


def test_5_22_spares_groups_and_counts_them_against_the_cap(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.5.22")
    state.maintenance(maxEntries=3)
    rows = {f"agent:main:telegram:group:{n}": row(n, age=5 * DAY) for n in range(3)}
    state.store(rows | {f"agent:main:telegram:direct:{n}": row(10 + n) for n in range(2)})
    evidence = state.only("store-over-cap").evidence
    assert (evidence["wouldBeCapped"], evidence["conversationsAmongThem"]) == (2, 2)


def test_runs_alone_over_the_cap_push_out_nobody(state: StateDir) -> None:
    state.maintenance(maxEntries=5, mode="enforce")
    state.store(crowd(runs=8, people=0))
    found = state.only("store-over-cap")
    assert found.severity is Severity.WARNING
    assert "no conversation among them" in found.consequence


@pytest.mark.parametrize(
    ("release", "entries", "rule", "severity"),
    [
        ("2026.3.28", 4, None, None),
        ("2026.3.28", 5, "store-at-cap", Severity.WARNING),
        ("2026.3.28", 6, "store-over-cap", Severity.WARNING),
        ("2026.5.22", 5, "store-at-cap", Severity.INFO),
        ("2026.5.22", 6, "store-over-cap", Severity.WARNING),
    ],
)
def test_at_the_cap_and_over_it(
    tmp_path: Path, release: str, entries: int, rule: str | None, severity: Severity | None
) -> None:
    state = StateDir(tmp_path, release)
    state.maintenance(maxEntries=5, mode="enforce")
    state.store(crowd(runs=entries, people=0))
    found = state.judge().of("store-at-cap", "store-over-cap")
    assert [(each.rule, each.severity) for each in found] == ([(rule, severity)] if rule else [])


def test_at_the_cap_is_nothing_where_maintenance_only_warns(state: StateDir) -> None:
    state.maintenance(maxEntries=5)
    state.store(crowd(runs=5, people=0))
    assert not state.findings("store-at-cap")


def test_the_high_water_of_5_22() -> None:
    assert [high_water(limit) for limit in (1, 49, 50, 251, 500, 1001)] == [2, 50, 75, 277, 550, 1102]


def test_maintenance_that_only_warns_matters_once_the_store_is_large(state: StateDir) -> None:
    state.maintenance(maxEntries=5)
    state.store(crowd(runs=6, people=0))
    assert state.only("maintenance-not-enforced").severity is Severity.WARNING
    state.store(crowd(runs=5, people=0))
    assert not state.findings("maintenance-not-enforced")
    assert state.findings("maintenance-not-enforced", Thresholds(heap_bytes=1000))
    state.maintenance(maxEntries=5, mode="enforce")
    state.store(crowd(runs=6, people=0))
    assert not state.findings("maintenance-not-enforced")


def test_an_assumed_mode_is_called_assumed(tmp_path: Path) -> None:
    state = StateDir(tmp_path, None)
    state.maintenance(maxEntries=5)
    state.store(crowd(runs=6, people=0))
    judgement = state.judge()
    assert judgement.examination.config.release.policy is None
    assert "assumed" in judgement.of("maintenance-not-enforced")[0].message
    assert "by default" in judgement.of("store-over-cap")[0].consequence


def agent_database(state: StateDir, version: int, agent: str = "main") -> Path:
    path = state.file(f"agents/{agent}/agent/openclaw-agent.sqlite", b"")
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE session_nodes (status TEXT)")
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    return path


@pytest.mark.parametrize(
    ("database", "severity", "ahead"),
    [
        ({}, Severity.WARNING, "nothing newer is replaced"),
        ({"age": DAY}, Severity.WARNING, "nothing newer is replaced"),
        ({"age": 0}, Severity.CRITICAL, "replaces 1 newer row"),
        ({"age": DAY, "session": "another"}, Severity.CRITICAL, "replaces 1 newer row"),
    ],
    ids=["not in the database", "newer", "older", "another session"],
)
def test_a_store_left_beside_a_database_is_compared_with_it(
    tmp_path: Path, database: dict[str, Any], severity: Severity, ahead: str
) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    store = {"agent:main:main": row(1, age=HOUR)}
    state.store(store)
    rows = [("agent:main:main", database.get("session", session_id(1)), NOW - database["age"])] if database else []
    state.file("agents/main/agent/openclaw-agent.sqlite", made(21, {}, rows=rows))
    found = state.only("legacy-store-beside-sqlite")
    assert found.severity is severity
    assert ahead in found.consequence


@pytest.mark.parametrize(
    ("release", "code"),
    [
        *[("2026.8.1", "(exit 1)"), ("2026.8.2", ""), ("2026.9.3", "(exit 78)"), ("2026.9.5", "(exit 78)")],
        ("2026.9.6", None),
    ],
)
def test_older_releases_refuse_any_store_left_beside_a_database(
    tmp_path: Path, release: str, code: str | None
) -> None:
    state = StateDir(tmp_path, release)
    state.store({"agent:main:main": row(1)})
    state.file("agents/main/agent/openclaw-agent.sqlite", made(19, {}, agent_id="main"))
    found = state.only("legacy-store-beside-sqlite")
    assert ("refuses" in found.consequence) is (code is not None)
    assert found.consequence.count("exit") == bool(code)
    assert (code or "") in found.consequence


@pytest.mark.parametrize("release", ["2026.8.1", "2026.9.3", "2026.9.6"])
def test_where_no_database_is_there_yet_the_release_that_refuses_is_to_import_the_file(
    tmp_path: Path, release: str
) -> None:
    """`doctor --fix` of 2026.8.1 and 2026.9.3 imports it (seen); a start of 2026.9.6 does."""
    state = StateDir(tmp_path, release)
    state.store({"agent:main:main": row(1)})
    state.file("state/openclaw.sqlite", state_database(15, 1), HOUR)
    found = state.only("legacy-store-beside-sqlite")
    assert ("`openclaw doctor --fix`" in (found.by_hand or "")) is (release != "2026.9.6")
    assert "move the file out" not in (found.by_hand or "")


@pytest.mark.parametrize("entry", [None, {"sessionId": "../../etc/x"}], ids=["null", "unsafe id"])
def test_entries_that_stop_an_import_are_named(tmp_path: Path, entry: object) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    state.store({"agent:main:main": row(1), "agent:main:telegram:direct:7": entry})
    state.file("agents/main/agent/openclaw-agent.sqlite", made(21, {}))
    found = state.only("legacy-store-beside-sqlite")
    assert found.severity is Severity.ERROR
    assert found.key == "agent:main:telegram:direct:7"


@pytest.mark.parametrize("how", ["torn", "linked"])
def test_a_store_that_9_6_refuses_stops_the_start(tmp_path: Path, how: str) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    agent_database(state, 23)
    path = state.store(TORN if how == "torn" else ROWS)
    if how == "linked":
        os.link(path, path.with_name("copy"))
    found = state.only("legacy-store-beside-sqlite")
    assert found.severity is Severity.ERROR
    assert "exit 78" in found.consequence


def test_no_store_beside_a_database_is_how_it_should_be(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    agent_database(state, 23)
    state.transcript(1)
    assert state.judge().examination.config.release.policy is Policy.V2026_9_6
    assert not state.findings("legacy-store-beside-sqlite")
    assert not state.findings("store-empty-beside-transcripts")


@pytest.mark.parametrize("count", [0, 1])
def test_a_newer_schema(tmp_path: Path, count: int) -> None:
    version = KNOWN_SCHEMA[DatabaseRole.AGENT] + count
    state = StateDir(tmp_path, "2026.9.6")
    agent_database(state, version)
    found = state.findings("newer-schema")
    assert len(found) == count
    assert all(f"agent {version}" in each.message for each in found)


@pytest.mark.parametrize(("levels", "count"), [(1_400, 0), (2_000, 1)])
def test_nesting_that_the_gateway_cannot_copy(state: StateDir, levels: int, count: int) -> None:
    deep = b"[" * levels + b"]" * levels
    state.store(b'{\n  "agent:main:main": {"sessionId": "a", "x": ' + deep + b"}\n}")
    found = state.findings("store-invalid-entry")
    assert [each.severity for each in found] == [Severity.ERROR] * count
    assert all("RangeError" in each.consequence for each in found)
