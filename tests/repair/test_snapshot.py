"""Snapshots: everything, of one moment, never by hard links."""

from __future__ import annotations

import os
import socket
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.repair.vault.snapshot import snapshot, unfinished, verify_snapshot
from gatewaydoctor.repair.writing.errors import NoSpace, OutOfBounds, Refused, VaultDamaged
from gatewaydoctor.system.fs import DiskSpace
from tests.repair.faults import FaultFs, Killed, Mode
from tests.repair.scene import make, tools, tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from gatewaydoctor.system.fs import FileStat


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return make(tmp_path / "state").root


def test_it_holds_everything_with_modes_and_mtimes(state: Path, tmp_path: Path) -> None:
    (state / "way").symlink_to("agents")
    (state / "dangling").symlink_to("nowhere")
    target, manifest = snapshot(tools(), state, tmp_path / "copy")
    links = {"way", "dangling"}
    copy, original = tree(target / "state"), tree(state)
    assert {copy[name][2] for name in links} == {"agents", "nowhere"}
    assert {name: value for name, value in copy.items() if name not in links} == {
        name: value if isinstance(value, tuple) else 0o40700 for name, value in original.items() if name not in links
    }
    assert len(manifest.files) == 6
    assert manifest.left_out == ()
    assert all(path.lstat().st_nlink == 1 for path in target.rglob("*") if path.is_file())
    assert target.stat().st_mode & 0o777 == 0o700
    assert verify_snapshot(tools(), target)[1] == ()


def test_without_a_destination_it_lies_beside_the_vault(state: Path) -> None:
    before = tree(state)
    first, _ = snapshot(tools(), state)
    second, manifest = snapshot(tools(), state)
    assert first.parent == second.parent == state / ".gatewaydoctor/snapshots"
    assert not any(".gatewaydoctor" in file.path for file in manifest.files)
    assert tree(state) == before


def test_a_changed_snapshot_is_told(state: Path, tmp_path: Path) -> None:
    target, _ = snapshot(tools(), state, tmp_path / "copy")
    victim = target / "state/agents/main/sessions/a.jsonl"
    victim.write_bytes(b"b" * 50)
    (target / "state/other-name").unlink()
    assert {check.path for check in verify_snapshot(tools(), target)[1]} == {
        "agents/main/sessions/a.jsonl",
        "other-name",
    }
    (target / "snapshot.json").write_bytes(b"{")
    with pytest.raises(VaultDamaged):
        verify_snapshot(tools(), target)


def test_a_database_is_copied_with_its_siblings(state: Path, tmp_path: Path) -> None:
    database = state / "state" / "openclaw.sqlite"
    database.parent.mkdir()
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (x)")
        connection.execute("INSERT INTO t VALUES (7)")
        connection.commit()
        target, manifest = snapshot(tools(), state, tmp_path / "copy")
    connection.close()
    [proof] = manifest.databases
    assert (proof.path, proof.sound, proof.problem, proof.same) == ("state/openclaw.sqlite", True, None, True)
    copy = target / "state/state/openclaw.sqlite"
    assert copy.with_name("openclaw.sqlite-wal").exists()
    with sqlite3.connect(copy) as connection:
        assert connection.execute("SELECT x FROM t").fetchall() == [(7,)]
    connection.close()


def live(state: Path) -> sqlite3.Connection:
    """A database that its gateway has open, with rows in the main file and in the log."""
    database = state / "state" / "openclaw.sqlite"
    database.parent.mkdir(exist_ok=True)
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA wal_autocheckpoint = 0")
    connection.execute("CREATE TABLE cron_jobs (x)")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute("INSERT INTO cron_jobs VALUES (1)")
    return connection


class Working(FaultFs):
    """A gateway that goes on working: `work` is done whenever the main file of a database was copied."""

    def __init__(self, work: Callable[[], None], times: int) -> None:
        super().__init__()
        self.work = work
        self.times = times

    def open(self, path: Path) -> BinaryIO:
        if path.name == "openclaw.sqlite-wal" and self.times:
            self.times -= 1
            self.work()
        return super().open(path)


def test_a_log_that_grows_meanwhile_is_no_reason_to_copy_again(state: Path, tmp_path: Path) -> None:
    with closing(live(state)) as gateway:
        fs = Working(lambda: gateway.execute("INSERT INTO cron_jobs VALUES (2)") and None, 10**6)
        target, manifest = snapshot(tools(fs), state, tmp_path / "copy")
        [proof] = manifest.databases
        assert (proof.sound, manifest.left_out) == (True, ())
        assert proof.rows["cron_jobs"] >= 2
    copy = target / "state/state/openclaw.sqlite"
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM cron_jobs").fetchone() == (proof.rows["cron_jobs"],)


def test_a_checkpoint_meanwhile_makes_it_copy_the_set_again(state: Path, tmp_path: Path) -> None:
    """The main file was copied before, the log after: together they would miss what the checkpoint moved."""
    with closing(live(state)) as gateway:

        def work() -> None:
            gateway.execute("INSERT INTO cron_jobs VALUES (2)")
            gateway.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            gateway.execute("INSERT INTO cron_jobs VALUES (3)")

        _, manifest = snapshot(tools(Working(work, 1)), state, tmp_path / "copy")
        [proof] = manifest.databases
        assert (proof.sound, proof.rows, proof.same) == (True, {"cron_jobs": 3}, True)


def test_a_log_that_came_into_being_meanwhile_is_copied(state: Path, tmp_path: Path) -> None:
    database = state / "state" / "openclaw.sqlite"
    with closing(live(state)) as gateway:
        gateway.execute("PRAGMA journal_mode = DELETE")
    kept: list[sqlite3.Connection] = []

    class Started(FaultFs):
        """A gateway starts as soon as the main file was read."""

        def open(self, path: Path) -> BinaryIO:
            found = super().open(path)
            if path == database and not kept:
                kept.append(live_again(database))
            return found

    _, manifest = snapshot(tools(Started()), state, tmp_path / "copy")
    assert "state/openclaw.sqlite-wal" in {file.path for file in manifest.files}
    assert manifest.databases[0].rows == {"cron_jobs": 2}
    kept[0].close()


def live_again(database: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(database, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("INSERT INTO cron_jobs VALUES (2)")
    return connection


def test_a_damaged_database_is_copied_as_it_is_and_named(state: Path, tmp_path: Path) -> None:
    (state / "x.sqlite").write_bytes(b"no database" * 500)
    (state / "gateway.state.lock.sqlite").touch()
    target, manifest = snapshot(tools(), state, tmp_path / "copy")
    [proof] = manifest.databases
    assert (proof.path, proof.sound, proof.same) == ("x.sqlite", None, None)
    assert (target / "state/x.sqlite").read_bytes() == (state / "x.sqlite").read_bytes()


class Busy(FaultFs):
    """A file that grows whenever the one with `trigger` in its name was copied, `times` times."""

    def __init__(self, victim: Path, times: int) -> None:
        super().__init__()
        self.victim = victim
        self.times = times

    def lstat(self, path: Path) -> FileStat:
        if path == self.victim and self.times:
            self.times -= 1
            with path.open("ab") as stream:
                stream.write(b"more")
        return super().lstat(path)


def test_a_file_that_changes_meanwhile_is_copied_again(state: Path, tmp_path: Path) -> None:
    victim = state / "agents/main/sessions/a.jsonl"
    target, manifest = snapshot(tools(Busy(victim, 2)), state, tmp_path / "copy")
    assert manifest.left_out == ()
    assert (target / "state/agents/main/sessions/a.jsonl").read_bytes() == victim.read_bytes()


def test_one_that_never_rests_is_left_out_with_all_of_its_set(state: Path, tmp_path: Path) -> None:
    for name in ("x.sqlite", "x.sqlite-wal"):
        (state / name).write_bytes(b"data")
    target, manifest = snapshot(tools(Busy(state / "x.sqlite", 10**6)), state, tmp_path / "copy")
    assert {left.path for left in manifest.left_out} == {"x.sqlite", "x.sqlite-wal"}
    assert not list((target / "state").glob("x.sqlite*"))


def test_sockets_and_large_logs_are_left_out(state: Path, tmp_path: Path) -> None:
    (state / "logs").mkdir()
    (state / "logs/huge.log").write_bytes(bytes(2_000_000))
    (state / "logs/small.json").write_bytes(b"{}")
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(state)
        listening.bind("s")
        os.chdir(here)
    _, manifest = snapshot(tools(), state, tmp_path / "copy")
    assert {(left.path, left.harmless) for left in manifest.left_out} == {("logs/huge.log", True), ("s", True)}
    assert "logs/small.json" in {file.path for file in manifest.files}


def test_holes_stay_holes(state: Path, tmp_path: Path) -> None:
    sparse = state / "sparse"
    with sparse.open("wb") as stream:
        stream.seek(300 * 1024 * 1024)
        stream.write(b"end")
    target, _ = snapshot(tools(), state, tmp_path / "copy")
    copy = target / "state/sparse"
    assert copy.stat().st_size == sparse.stat().st_size
    assert copy.stat().st_blocks * 512 < 4 * 1024 * 1024
    with copy.open("rb") as stream:
        stream.seek(-3, 2)
        assert stream.read() == b"end"


def test_places_it_may_not_go(state: Path, tmp_path: Path) -> None:
    for place in (state / "agents", state, tmp_path):
        with pytest.raises(OutOfBounds):
            snapshot(tools(), state, place)


class Cramped(FaultFs):
    def space(self, path: Path) -> DiskSpace:
        return DiskSpace(10**9, 1000, 1000)


def test_too_little_space(state: Path, tmp_path: Path) -> None:
    with pytest.raises(NoSpace):
        snapshot(tools(Cramped()), state, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_what_lies_where_it_works_is_somebody_elses(state: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    (mine / "state").mkdir(parents=True)
    (mine / "state" / "p.txt").write_text("precious")
    (tmp_path / ".copy.1.partial").symlink_to(mine)
    (tmp_path / ".copy.2.partial").mkdir()
    (tmp_path / ".copy.2.partial" / "q.txt").write_text("precious")
    before = tree(mine), tree(tmp_path / ".copy.2.partial")
    target, manifest = snapshot(tools(), state, tmp_path / "copy")
    assert (tree(mine), tree(tmp_path / ".copy.2.partial")) == before
    assert {path.name for path in target.iterdir()} == {"snapshot.json", "state"}
    assert len(manifest.files) == 6


def test_a_refused_snapshot_takes_nothing_of_others_away(state: Path, tmp_path: Path) -> None:
    (tmp_path / ".copy.1.partial").mkdir()
    (tmp_path / ".copy.1.partial" / "q.txt").write_text("precious")
    for step in range(1, 60):
        with suppress(Refused):
            snapshot(tools(FaultFs(step, Mode.ERROR)), state, tmp_path / "copy")
            break
    assert (tmp_path / ".copy.1.partial" / "q.txt").read_text() == "precious"


class Meanwhile(FaultFs):
    """Another snapshot takes the name while this one copies."""

    taken = False

    def rename_new(self, source: Path, target: Path) -> None:
        if not self.taken:
            self.taken = True
            target.mkdir()
        super().rename_new(source, target)


def test_two_at_once_get_a_name_each(state: Path) -> None:
    target, manifest = snapshot(tools(Meanwhile()), state)
    assert target.name.endswith("-2")
    assert len(manifest.files) == 6
    assert verify_snapshot(tools(), target)[1] == ()


@pytest.mark.parametrize("mode", [Mode.ERROR, Mode.FULL, Mode.KILL], ids=lambda mode: mode.name)
def test_a_failure_leaves_no_half_snapshot(state: Path, tmp_path: Path, mode: Mode) -> None:
    before = tree(state)
    for step in range(1, 400):
        fs = FaultFs(step, mode)
        target = tmp_path / f"copy{step}"
        try:
            _, manifest = snapshot(tools(fs), state, target)
        except Refused:
            assert not target.exists()
            assert not list(tmp_path.glob(".copy*.partial"))
        except Killed:
            assert not target.exists() or verify_snapshot(tools(), target)[1] == ()
        else:
            # One file that cannot be copied is named, not a reason to have nothing.
            assert fs.steps < step or manifest.left_out or mode is Mode.FULL
        assert tree(state) == before
        if fs.steps < step:
            return
    pytest.fail("the snapshot never came to an end")


def test_what_a_killed_snapshot_left_is_named_by_the_next(state: Path) -> None:
    with pytest.raises(Killed):
        snapshot(tools(FaultFs(25, Mode.KILL)), state)
    (left,) = (state / ".gatewaydoctor/snapshots").glob(".*.partial")
    target, _ = snapshot(tools(), state)
    assert unfinished(tools().fs, target) == (left,)
