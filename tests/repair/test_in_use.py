"""A process that has a database open would go on writing to the file in the vault: nothing is replaced under it."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from gatewaydoctor.repair.run.apply import apply, hindrance
from gatewaydoctor.repair.run.undo import undo
from gatewaydoctor.repair.vault.catalog import find_run
from gatewaydoctor.repair.writing.errors import DatabaseInUse
from gatewaydoctor.system.processes import system_processes
from tests.repair import agentdb
from tests.repair.doctor import Doctor
from tests.repair.scene import DEAD, tools, tree
from tests.state.fakes import FakeProcess, FakeProcesses
from tests.world import HOUR, StateDir

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatewaydoctor.repair.writing.tools import Tools

CLIENT = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("SELECT count(*) FROM session_nodes").fetchall()
print("open", flush=True)
sys.stdin.readline()
database.execute("UPDATE schema_meta SET app_version = 'later'")
"""
READER = "import sys; stream = open(sys.argv[1], 'rb'); print('open', flush=True); sys.stdin.readline()"


@contextmanager
def another(program: str, path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", program, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        try:
            yield process
        finally:
            process.communicate("\n")


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    state = StateDir(tmp_path, "2026.9.6")
    agentdb.make(state.root, agentdb.rows(6), age=2 * HOUR)
    return Doctor(state)


def database(doctor: Doctor) -> Path:
    return agentdb.path_in(doctor.state.root)


def asking() -> Tools:
    """Tools that ask the processes of this machine."""
    return replace(tools(), processes=system_processes())


def test_nothing_is_replaced_under_a_process_that_may_write(doctor: Doctor) -> None:
    plan, before = doctor.plan("trim"), tree(doctor.state.root)
    with another(CLIENT, database(doctor)) as client:
        plan = doctor.plan("trim")  # its -shm has changed
        before = tree(doctor.state.root)
        with pytest.raises(DatabaseInUse, match=f"Process {client.pid} ") as refused:
            apply(plan, asking(), DEAD)
        assert "agents/main/agent/openclaw-agent.sqlite" in refused.value.message
        assert isinstance(hindrance(plan, asking(), DEAD), DatabaseInUse)
        assert tree(doctor.state.root) == before
    assert agentdb.ask(database(doctor), "SELECT app_version FROM schema_meta") == [("later",)]
    doctor.apply("trim")


def test_a_reader_does_not_matter(doctor: Doctor) -> None:
    with another(READER, database(doctor)):
        assert apply(doctor.plan("trim"), asking(), DEAD) is not None


def test_nothing_is_taken_back_under_it_either(doctor: Doctor) -> None:
    doctor.apply("trim")
    applied = tree(doctor.state.root)
    path = database(doctor)
    held = FakeProcesses([FakeProcess(4242, ("/usr/bin/sqlite3", path.name), files=(str(path),))])
    run = find_run(tools(), doctor.state.root, None, None)
    with pytest.raises(DatabaseInUse, match=r"Process 4242 \(sqlite3\)"):
        undo(run, replace(tools(), processes=held), DEAD)
    assert tree(doctor.state.root) == applied
    doctor.undo()
    assert tree(doctor.state.root) != applied


class Arriving(FakeProcesses):
    """A process that comes while the new database is being made."""

    def command_lines(self) -> Iterator[tuple[int, tuple[str, ...] | None]]:
        known = tuple(super().command_lines())
        return iter(known if self.tables_read > 1 else ())


def test_one_that_comes_while_the_new_database_is_made_is_seen(doctor: Doctor) -> None:
    plan, before = doctor.plan("trim"), tree(doctor.state.root)
    arriving = Arriving([FakeProcess(4242, ("sqlite3",), files=(str(database(doctor)),))])
    with pytest.raises(DatabaseInUse):
        apply(plan, replace(tools(), processes=arriving), DEAD)
    assert arriving.tables_read == 2
    assert tree(doctor.state.root) == before


def test_another_file_of_that_name_is_none_of_ours(doctor: Doctor, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / database(doctor).name
    other.parent.mkdir()
    other.write_bytes(b"x")
    process = FakeProcess(4242, ("sqlite3",), files=(str(other),))
    assert apply(doctor.plan("trim"), replace(tools(), processes=FakeProcesses([process])), DEAD) is not None


def test_an_index_of_a_log_that_was_written_in_the_vault_is_no_hindrance(doctor: Doctor) -> None:
    """A process that opened it after the last look."""
    path = database(doctor)
    index = path.with_name(f"{path.name}-shm")
    index.write_bytes(bytes(32768))
    before, inode = tree(doctor.state.root), index.stat().st_ino
    doctor.apply("trim")
    run = find_run(tools(), doctor.state.root, None, None)
    (stored,) = (each for each in run.place.directory.rglob("*") if each.stat().st_ino == inode)
    with stored.open("r+b") as stream:
        stream.write(b"\1" * 100)
    doctor.undo()
    after = tree(doctor.state.root)
    assert index.read_bytes()[:100] == b"\1" * 100
    name = str(index.relative_to(doctor.state.root))
    assert {key for key in before if before[key] != after.get(key)} <= {name}
