"""cron: marks, one-shot jobs, files that cannot be edited, and what fires afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.store.grammar import Automaton
from tests.repair.doctor import Doctor
from tests.world import DAY, NOW, StateDir, job

if TYPE_CHECKING:
    from pathlib import Path

MARKED = {"runningAtMs": NOW - DAY, "nextRunAtMs": NOW - DAY}


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    return Doctor(StateDir(tmp_path))


def states(doctor: Doctor, *job_ids: str) -> Path:
    rows = {job_id: {"updatedAtMs": 1, "state": MARKED} for job_id in job_ids}
    return doctor.state.file("cron/jobs-state.json", {"version": 1, "jobs": rows})


def test_the_bytes_read_grow_with_the_file_and_no_faster(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    fed: list[int] = []
    feed = Automaton.feed

    def counted(self: Automaton, data: bytes) -> None:
        fed.append(len(data))
        feed(self, data)

    monkeypatch.setattr(Automaton, "feed", counted)

    def passes(count: int) -> float:
        ids = [f"j{n}" for n in range(count)]
        size = doctor.state.jobs([job(each) for each in ids]).stat().st_size + states(doctor, *ids).stat().st_size
        fed.clear()
        (step,) = doctor.plan("cron").steps
        assert step.count == count
        return sum(fed) / size

    assert passes(160) < 1.2 * passes(20)


def test_jobs_with_one_id_are_all_cleared_at_once(doctor: Doctor) -> None:
    path = doctor.state.jobs([job("a", state=MARKED), job("a", state=MARKED), job("b", state=MARKED)])
    doctor.apply("cron")
    assert b"runningAtMs" not in path.read_bytes()
