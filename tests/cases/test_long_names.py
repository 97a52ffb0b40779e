"""Names of 255 bytes: what would be derived from one (a lock, a temp file) cannot exist, and so is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.repair.drafting.options import Options
from gatewaydoctor.system.fs import OsReadFs
from tests.cli.harness import EXAMINING, run
from tests.repair.doctor import Doctor
from tests.world import DAY, HOUR, NOW, StateDir, header, row, run_key

if TYPE_CHECKING:
    from pathlib import Path

LONGEST = "n" * 249 + ".jsonl"


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    return Doctor(StateDir(tmp_path))


def test_a_header_only_file_with_the_longest_name_goes_and_comes_back(doctor: Doctor) -> None:
    doctor.state.store({"agent:main:main": row(1, age=HOUR)})
    doctor.state.transcript(1, age=HOUR)
    doctor.state.beside(LONGEST, header("n" * 30), age=DAY)
    doctor.there_and_back("orphans")


def test_work_on_another_file_is_planned_and_done(doctor: Doctor) -> None:
    doctor.state.store({run_key("j", n): row(n, status="running", age=3 * DAY) for n in (1, 2)})
    doctor.state.beside(LONGEST, header("n" * 30), age=DAY)
    doctor.there_and_back("trim", "orphans", options=Options())


def test_a_store_whose_lock_no_file_can_be_is_rewritten(doctor: Doctor) -> None:
    name = "s" * 250 + ".json"
    doctor.state.config({"session": {"store": f"{doctor.state.root}/agents/{{agentId}}/sessions/{name}"}})
    doctor.store = doctor.state.beside(name, {run_key("j", n): row(n, status="running", age=3 * DAY) for n in (1, 2)})
    doctor.there_and_back("trim")


@pytest.mark.parametrize("field", ["sessionFile", "sessionId"])
@pytest.mark.parametrize("value", ["x" * 256 + ".jsonl", "x" * 5_000, "é" * 200, "d/" * 3_000 + "x.jsonl"])
def test_a_row_that_names_an_impossible_file_has_no_transcript(field: str, value: str, doctor: Doctor) -> None:
    doctor.state.store({"agent:main:main": row(1) | {field: value}})
    for verb in EXAMINING:
        ran = run(verb, "--state-dir", str(doctor.state.root), "--now", str(NOW))
        assert (ran.code, ran.err) == (0, ""), verb
    assert doctor.plan("trim", "missing", "paths", "transcripts", "locks", "temps").empty


def test_only_a_name_that_is_too_long_is_no_file(tmp_path: Path) -> None:
    fs = OsReadFs()
    for method in (fs.stat, fs.lstat, fs.open):
        with pytest.raises(FileNotFoundError):
            method(tmp_path / ("x" * 256))
    deep = tmp_path.joinpath(*["d" * 200] * 25)
    with pytest.raises(OSError, match="too long") as refused:
        fs.stat(deep)
    assert not isinstance(refused.value, FileNotFoundError)
