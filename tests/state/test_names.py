from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewaydoctor.model.gateway.files import ARCHIVES, FileClass, FileName, TempFamily
from gatewaydoctor.state.history.names import classify, is_session_id, name_stamp, parse_name, topic_owners

SID = "0c1d2e3f-4a5b-4c6d-8e7f-001122334455"
UUID = "f81d4fae-7dec-41d0-a765-00a0c91e6bf6"
STAMP = "2026-03-20T10-11-12.345Z"
STAMP_MS = 1774001472345
C = FileClass

NAMES = [
    ("sessions.json", FileName(C.STORE, "sessions.json")),
    (f"{SID}.jsonl", FileName(C.TRANSCRIPT, f"{SID}.jsonl", SID)),
    ("boot-2026.jsonl", FileName(C.TRANSCRIPT, "boot-2026.jsonl", "boot-2026")),
    (".hidden.jsonl", FileName(C.TRANSCRIPT, ".hidden.jsonl")),
    (f"{SID}-topic-12.jsonl", FileName(C.TOPIC, f"{SID}-topic-12.jsonl", SID, "12")),
    (f"{SID}-topic-a%2Fb.jsonl", FileName(C.TOPIC, f"{SID}-topic-a%2Fb.jsonl", SID, "a%2Fb")),
    ("-topic-1.jsonl", FileName(C.TRANSCRIPT, "-topic-1.jsonl")),
    (
        f"2026-03-20T10-11-12-345Z_{UUID}.jsonl",
        FileName(C.FORK, f"2026-03-20T10-11-12-345Z_{UUID}.jsonl", UUID),
    ),
    (f"{SID}.checkpoint.{UUID}.jsonl", FileName(C.CHECKPOINT, f"{SID}.jsonl", SID)),
    # A uuid of no known version makes it an ordinary transcript to the gateway.
    (
        f"{SID}.checkpoint.f81d4fae-7dec-91d0-a765-00a0c91e6bf6.jsonl",
        FileName(
            C.TRANSCRIPT,
            f"{SID}.checkpoint.f81d4fae-7dec-91d0-a765-00a0c91e6bf6.jsonl",
            f"{SID}.checkpoint.f81d4fae-7dec-91d0-a765-00a0c91e6bf6",
        ),
    ),
    (f"{SID}.trajectory.jsonl", FileName(C.TRAJECTORY, f"{SID}.jsonl", SID)),
    (f"{SID}-topic-3.trajectory.jsonl", FileName(C.TRAJECTORY, f"{SID}-topic-3.jsonl", SID, "3")),
    (f"{SID}.trajectory-path.json", FileName(C.TRAJECTORY_POINTER, f"{SID}.jsonl", SID)),
    (f"{SID}.jsonl.deleted.{STAMP}", FileName(C.ARCHIVE_DELETED, f"{SID}.jsonl", SID, stamp=STAMP_MS)),
    (f"{SID}.jsonl.reset.2026-03-20T10-11-12Z", FileName(C.ARCHIVE_RESET, f"{SID}.jsonl", SID, stamp=1774001472000)),
    (f"{SID}.jsonl.bak.{STAMP}", FileName(C.ARCHIVE_BAK, f"{SID}.jsonl", SID, stamp=STAMP_MS)),
    (f"{SID}-topic-7.jsonl.reset.{STAMP}", FileName(C.ARCHIVE_RESET, f"{SID}-topic-7.jsonl", SID, "7", STAMP_MS)),
    # The last marker counts.
    (
        f"{SID}.jsonl.reset.{STAMP}.deleted.{STAMP}",
        FileName(C.ARCHIVE_DELETED, f"{SID}.jsonl.reset.{STAMP}", stamp=STAMP_MS),
    ),
    # JavaScript lets the 31st of February be the 3rd of March.
    (
        f"{SID}.jsonl.deleted.2026-02-31T10-11-12Z",
        FileName(C.ARCHIVE_DELETED, f"{SID}.jsonl", SID, stamp=1772532672000),
    ),
    # An archive by its name, though no calendar has that day.
    (f"{SID}.jsonl.deleted.2026-13-01T10-11-12Z", FileName(C.ARCHIVE_DELETED, f"{SID}.jsonl", SID)),
    (f"{SID}.jsonl.deleted.2026-12-01T24-11-12Z", FileName(C.ARCHIVE_DELETED, f"{SID}.jsonl", SID)),
    (f"sessions.json.deleted.{STAMP}", FileName(C.ARCHIVE_DELETED, "sessions.json", stamp=STAMP_MS)),
    (f"{SID}.jsonl.deleted.1774001472345", FileName(C.ARCHIVE_DELETED, f"{SID}.jsonl", SID)),
    (f"{SID}.jsonl.deleted.2026-03-20", FileName(C.FOREIGN, f"{SID}.jsonl.deleted.2026-03-20")),
    ("sessions.json.bak.1774001472345", FileName(C.STORE_BACKUP, "sessions.json", stamp=STAMP_MS)),
    ("sessions.json.bak." + "9" * 40, FileName(C.STORE_BACKUP, "sessions.json")),
    ("sessions.json.bak.\u0663", FileName(C.FOREIGN, "sessions.json.bak.\u0663")),
    ("sessions.json.bak.", FileName(C.FOREIGN, "sessions.json.bak.")),
    (f"sessions.json.{UUID}.tmp", FileName(C.STORE_TEMP, "sessions.json", family=TempFamily.UUID)),
    (f"sessions.json.77.{UUID}.tmp", FileName(C.STORE_TEMP, "sessions.json", pid=77, family=TempFamily.PID_UUID)),
    (f".fs-safe-replace.77.{UUID}.tmp", FileName(C.STORE_TEMP, "sessions.json", pid=77, family=TempFamily.FS_SAFE)),
    (
        f"{SID}.jsonl.repair-42-{STAMP_MS}.tmp",
        FileName(C.TRANSCRIPT_TEMP, f"{SID}.jsonl", SID, None, STAMP_MS, 42, TempFamily.REPAIR_MS),
    ),
    (
        f"{SID}.jsonl.repair.42.{UUID}.tmp",
        FileName(C.TRANSCRIPT_TEMP, f"{SID}.jsonl", SID, pid=42, family=TempFamily.REPAIR_UUID),
    ),
    ("jobs.json.42.0123456789abcdef.tmp", FileName(C.OTHER_TEMP, "jobs.json", pid=42, family=TempFamily.PID_HEX)),
    ("abc.json.42.tmp", FileName(C.OTHER_TEMP, "abc.json", pid=42, family=TempFamily.PID_HEX)),
    ("strange.tmp", FileName(C.OTHER_TEMP, "strange", family=TempFamily.UNKNOWN)),
    (f"{SID}.jsonl.lock", FileName(C.LOCK, f"{SID}.jsonl", SID)),
    ("sessions.json.lock", FileName(C.LOCK, "sessions.json")),
    (
        f"{SID}.jsonl.bak-42-{STAMP_MS}",
        FileName(C.REPAIR_BACKUP, f"{SID}.jsonl", SID, None, STAMP_MS, 42),
    ),
    (".usage-cost-cache.json", FileName(C.USAGE_CACHE, ".usage-cost-cache.json")),
    (".usage-cost-cache.json.lock", FileName(C.USAGE_CACHE_LOCK, ".usage-cost-cache.json.lock")),
    (
        f".usage-cost-cache.42.{UUID}.tmp",
        FileName(C.USAGE_CACHE_TEMP, ".usage-cost-cache", pid=42, family=TempFamily.PID_UUID),
    ),
    (
        ".usage-cost-cache.json.lock.42.987654321.tmp",
        FileName(C.USAGE_CACHE_TEMP, ".usage-cost-cache.json.lock", pid=42, family=TempFamily.PID_HEX),
    ),
    ("skills-prompts", FileName(C.PROMPTS, "skills-prompts")),
    ("cold", FileName(C.COLD, "cold")),
    ("sessions.json.migrated", FileName(C.RETIRED, "sessions.json")),
    (f"{SID}.jsonl.migrated.2", FileName(C.RETIRED, f"{SID}.jsonl", SID)),
    (f"sessions.json.imported-{STAMP_MS}", FileName(C.RETIRED, "sessions.json")),
    ("notes.txt", FileName(C.FOREIGN, "notes.txt")),
    ("", FileName(C.FOREIGN, "")),
]


@pytest.mark.parametrize(("name", "expected"), NAMES, ids=[name or "empty" for name, _ in NAMES])
def test_a_name_is_taken_apart(name: str, expected: FileName) -> None:
    assert parse_name(name) == expected


def test_every_class_has_an_example() -> None:
    assert {expected.cls for _, expected in NAMES} == set(FileClass)


@pytest.mark.parametrize("name", [name for name, expected in NAMES if expected.cls is not FileClass.FOREIGN])
def test_a_newline_at_the_end_changes_the_name(name: str) -> None:
    assert classify(f"{name}\n") is FileClass.FOREIGN


def test_a_store_of_another_name() -> None:
    assert parse_name("my.json", "my.json").cls is FileClass.STORE
    assert parse_name(f"my.json.{UUID}.tmp", "my.json") == FileName(
        FileClass.STORE_TEMP, "my.json", family=TempFamily.UUID
    )
    assert classify("my.json.lock", "my.json") is FileClass.LOCK
    assert classify("my.json.bak.12", "my.json") is FileClass.STORE_BACKUP
    assert classify("sessions.json", "my.json") is FileClass.FOREIGN


def test_an_id_that_itself_holds_topic() -> None:
    assert topic_owners("a-topic-b-topic-1.jsonl") == ("a", "a-topic-b")
    assert topic_owners("-topic-b-topic-1.jsonl") == ()


@pytest.mark.parametrize(
    ("text", "fits"),
    [("a", True), ("A1._-", True), ("a" * 128, True), ("a" * 129, False), ("_a", False), ("", False), ("a/b", False)],
)
def test_session_ids(text: str, fits: bool) -> None:
    assert is_session_id(text) is fits


PIECES = st.sampled_from(
    (
        f"{SID} {UUID} {STAMP} sessions.json .jsonl .deleted. .reset. .bak. .bak-1-2 .tmp .lock .checkpoint. -topic-"
        " .trajectory .trajectory-path.json .repair. .migrated Z_ . 1 .usage-cost-cache .fs-safe-replace."
        " \0 \udcff \ud800 \u017f \u0663 \n"
    ).split(" ")
)


@given(st.one_of(st.text(max_size=255), st.lists(PIECES, max_size=8).map("".join)))
def test_any_name_gets_a_class_and_both_readings_agree(name: str) -> None:
    parts = parse_name(name)
    assert parts.cls is classify(name)
    assert parts.session_id is None or is_session_id(parts.session_id)
    assert parts.stamp is None or 0 <= parts.stamp <= 8_640_000_000_000_000
    if parts.cls in ARCHIVES:
        assert name.startswith(parts.base)
        assert name_stamp(name, parts.cls) == parts.stamp


@given(
    st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31)),
    st.sampled_from(["deleted", "reset", "bak"]),
    st.booleans(),
)
def test_the_stamp_of_an_archive_is_the_moment_it_was_written(at: datetime, reason: str, with_ms: bool) -> None:
    moment = at.replace(microsecond=at.microsecond // 1000 * 1000 if with_ms else 0, tzinfo=UTC)
    text = moment.isoformat(timespec="milliseconds" if with_ms else "seconds").replace("+00:00", "Z")
    parts = parse_name(f"{SID}.jsonl.{reason}.{text.replace(':', '-')}")
    assert parts.cls in ARCHIVES
    assert parts.stamp == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
