"""logs: a -wal whose header is damaged gets it back from its first frame, byte for byte."""

from __future__ import annotations

import io
import os
import sqlite3
import struct
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from gatewaydoctor.checks.nextstep import next_step
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.storage.sqlite.frames import HEADER, checksum
from gatewaydoctor.storage.sqlite.log import lost_header, with_lost_header
from gatewaydoctor.storage.sqlite.raw import RawFile
from tests.fixtures_source.databases import quarantine_database
from tests.repair import agentdb
from tests.repair.doctor import Doctor, steps
from tests.repair.test_database_salvage import PEOPLE, whole
from tests.world import HOUR, NOW, StateDir

if TYPE_CHECKING:
    from pathlib import Path

QUARANTINE = "state/openclaw-quarantine.sqlite"


def log_of(folder: Path, page_size: int = 4096, checkpoints: int = 0) -> bytes:
    """The log of a database that sqlite3 has written, folded in and begun again so many times."""
    with closing(sqlite3.connect(folder / "x.sqlite", isolation_level=None)) as database:
        database.execute(f"PRAGMA page_size = {page_size}")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE t (x)")
        for _ in range(checkpoints):
            database.execute("INSERT INTO t VALUES (randomblob(300))")
            database.execute("PRAGMA wal_checkpoint(RESTART)")
        for number in range(5):
            database.execute("INSERT INTO t VALUES (?)", (f"{number}" * 999,))
        return (folder / "x.sqlite-wal").read_bytes()


def big_endian(data: bytes, page_size: int) -> bytes:
    """The same log as a machine of the other byte order writes it."""
    head = struct.pack(">I", 0x377F0683) + data[4:24]
    sums = checksum(head, (0, 0), little=False)
    out, frame = head + struct.pack(">2I", *sums), 24 + page_size
    for at in range(HEADER.size, len(data) - frame + 1, frame):
        fixed, page = data[at : at + 16], data[at + 24 : at + frame]
        sums = checksum(page, checksum(fixed[:8], sums, little=False), little=False)
        out += fixed + struct.pack(">2I", *sums) + page
    return out


@pytest.mark.parametrize("page_size", [512, 4096, 65536])
@pytest.mark.parametrize("checkpoints", [0, 3])
@pytest.mark.parametrize("little", [True, False])
def test_the_header_is_what_it_was(tmp_path: Path, page_size: int, checkpoints: int, little: bool) -> None:
    data = log_of(tmp_path, page_size, checkpoints)
    data = data if little else big_endian(data, page_size)
    damaged = RawFile(io.BytesIO(bytes(HEADER.size) + data[HEADER.size :]))
    assert lost_header(damaged, page_size) == data[: HEADER.size]
    found = with_lost_header(damaged, page_size)
    assert found is not None
    assert found[1].commits >= 5


def test_a_log_of_one_frame_is_read_too(tmp_path: Path) -> None:
    data = log_of(tmp_path, checkpoints=1)
    first = next(n for n in range(1, 99) if data[HEADER.size + (n - 1) * 4120 + 4 :][:4] != bytes(4))
    data = data[: HEADER.size + first * 4120]
    found = with_lost_header(RawFile(io.BytesIO(b"x" * HEADER.size + data[HEADER.size :])), 4096)
    assert found is not None
    assert (found[0], found[1].frames, found[1].commits) == (data[: HEADER.size], first, 1)


@pytest.mark.parametrize("at", [0, 9, 17, 500])
def test_no_header_is_made_up_where_the_first_frame_does_not_prove_it(tmp_path: Path, at: int) -> None:
    data = bytearray(log_of(tmp_path))
    data[HEADER.size + at] ^= 1
    assert lost_header(RawFile(io.BytesIO(bytes(HEADER.size) + data[HEADER.size :])), 4096) is None
    assert lost_header(RawFile(io.BytesIO(data)), 8192) is None


@pytest.fixture
def damaged(tmp_path: Path) -> tuple[Doctor, Path, bytes]:
    """A database that was not closed, its -wal with a header of zeros, and the log as it was."""
    state = StateDir(tmp_path, "2026.9.6")
    path = agentdb.make(state.root, agentdb.rows(6))
    log = path.with_name(f"{path.name}-wal")
    seen, whole = log.stat(), log.read_bytes()
    log.write_bytes(bytes(HEADER.size) + whole[HEADER.size :])
    os.utime(log, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    state.file(QUARANTINE, quarantine_database(verified=[(str(path), NOW - 2 * HOUR, 0)]), HOUR)
    return Doctor(state), path, whole


def test_the_log_counts_again_and_its_frames_stay(damaged: tuple[Doctor, Path, bytes]) -> None:
    doctor, path, whole = damaged
    log = path.with_name(f"{path.name}-wal")
    kept, mtime = path.read_bytes(), log.stat().st_mtime_ns
    (finding,) = doctor.state.judge().of("database-log-missing")
    assert finding.fix is not None
    assert finding.fix.command.words == ("repair", "logs")
    doctor.there_and_back("logs")
    doctor.apply("logs")
    assert (log.read_bytes(), log.stat().st_mtime_ns, path.read_bytes()) == (whole, mtime, kept)
    assert "database-log-missing" not in doctor.rules()


def test_rows_wait_until_the_log_is_whole(damaged: tuple[Doctor, Path, bytes]) -> None:
    doctor, *_ = damaged
    plan = doctor.plan()
    assert [step.repair for step in plan.steps] == ["logs"]
    assert any("once the log is repaired" in note.text for note in plan.cautions)
    assert [each.reason for each in doctor.plan("expire").refusals] == [
        "The header of its log has to be rebuilt first."
    ]
    both = doctor.plan("logs", "expire")
    assert (len(steps(both, "logs")), steps(both, "expire")) == (1, [])


def test_a_log_of_which_nothing_would_count_is_left_alone(damaged: tuple[Doctor, Path, bytes]) -> None:
    doctor, path, whole = damaged
    log = path.with_name(f"{path.name}-wal")
    seen = log.stat()
    log.write_bytes(bytes(HEADER.size) + whole[HEADER.size : HEADER.size + 900])
    os.utime(log, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    (finding,) = doctor.state.judge().of("database-log-missing")
    assert finding.fix is None
    assert doctor.plan("logs").empty


def without_log(path: Path, *statements: str) -> None:
    """Written three days ago, before the gateway's last sign of life; its log has gone since."""
    with closing(agentdb.connected(path)) as database:
        for statement in (*statements, "PRAGMA wal_checkpoint(TRUNCATE)"):
            database.execute(statement).fetchall()
    for suffix in ("-wal", "-shm"):
        path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)
    os.utime(path, (0, (NOW - 72 * HOUR) / 1000))


@pytest.fixture
def lost(tmp_path: Path) -> tuple[Doctor, Path]:
    """A database that was not closed and whose log is gone, with stuck rows in it."""
    state = StateDir(tmp_path, "2026.9.6")
    path = agentdb.make(state.root, agentdb.rows(6))
    without_log(path)
    state.file(QUARANTINE, quarantine_database(verified=[(str(path), NOW - 2 * HOUR, 0)]), HOUR)
    return Doctor(state), path


def severity(doctor: Doctor) -> Severity:
    (finding,) = doctor.state.judge().of("database-log-missing")
    return finding.severity


def test_what_shows_that_commits_are_lost_stays_until_a_repair_is_named(lost: tuple[Doctor, Path]) -> None:
    """The new file is younger than the gateway's last sign of life: the loss could not be told any more, and the
    start that makes it final was let go."""
    doctor, _ = lost
    assert severity(doctor) is Severity.CRITICAL
    plan = doctor.plan()
    assert plan.empty
    assert any("left as it is, because what its log held is lost" in note.text for note in plan.cautions)
    named = doctor.plan("expire")
    assert steps(named, "expire")
    assert any("no file shows that commits are missing" in note.text for note in named.cautions)
    doctor.there_and_back("expire")
    assert severity(doctor) is Severity.CRITICAL


def test_nor_is_its_schema_repaired_by_the_way(tmp_path: Path) -> None:
    state = StateDir(tmp_path, "2026.9.6")
    path = whole(state.root, PEOPLE)
    state.file(QUARANTINE, quarantine_database(verified=[(str(path), NOW - 2 * HOUR, 0)]), HOUR)
    orphan = "INSERT INTO transcript_events (session_id, seq, event_json, created_at) VALUES ('gone', 0, '{}', 1)"
    without_log(path, "PRAGMA foreign_keys = OFF", orphan)
    doctor = Doctor(state)
    assert severity(doctor) is Severity.CRITICAL
    (refusal,) = doctor.plan().refusals
    assert (refusal.repair, refusal.hint) == ("schema", "Run `gatewaydoctor repair schema`.")
    assert "Look for its -wal first" in refusal.reason
    judgement = state.judge()
    (schema,) = (each for each in judgement.findings if each.fix and each.fix.repairs == ("schema",))
    other = replace(schema.fix, repairs=("expire",))
    findings = (*judgement.findings, replace(schema, rule="session-stuck-running", fix=other))
    step = next_step(judgement.examination, findings, judgement.verdict)
    assert step.command is not None
    assert step.command.words == ("repair", "schema")
    assert steps(doctor.plan("schema"), "schema")
