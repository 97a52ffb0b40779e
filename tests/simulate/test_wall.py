"""The wall clock: real saves on real files, in a directory that is gone afterwards, however it ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from gatewaydoctor.simulate import Label, UnknownName
from gatewaydoctor.simulate.wallclock.wall import measure, vanishing_directory


def made_figures(*remedies: str, duration: float = 1800.0) -> dict[str, float | None]:
    result = measure("cap-storm", duration=duration, remedies=remedies)
    assert result.clock == "wall"
    measured = {figure.key: figure.value for figure in result.figures if figure.label is Label.MEASURED}
    return {key.removeprefix("wall."): value for key, value in measured.items()}


def test_the_measured_bytes_and_rows_agree_with_the_models() -> None:
    result = measure("cap-storm", duration=1800)
    rows = {str(row[0]): row[2:] for row in result.tables[-1].rows}
    for title in ("saves of the rows handed over", "rows after the last of them"):
        modelled, measured = rows[title]
        assert modelled == measured
    modelled, measured = rows["bytes written by them"]
    assert isinstance(modelled, float | int)
    assert isinstance(measured, float | int)
    assert measured == pytest.approx(modelled, rel=0.1)


@pytest.mark.parametrize(
    "remedy", ["chunked", "worker", "single-flight", "coalesce", "append-log", "smaller-cap", "persistent-keys"]
)
def test_every_remedy_is_run_and_measured(remedy: str) -> None:
    result = measure("cap-storm", duration=900, remedies=[remedy], budget=5)
    found = {str(row[0]): row[2:] for row in result.tables[-1].rows}
    assert all(measured is not None for _, measured in found.values())
    modelled, rows = found["rows after the last of them"]
    assert rows == modelled == (25 if remedy == "smaller-cap" else 50)
    saves = result.value("wall.saves") or 0
    handed_over = int(result.notes[-2].split()[0])
    if remedy == "coalesce":
        assert saves < handed_over
    assert (result.value("wall.worstDelay") or -1) >= 0


def test_the_append_only_store_really_writes_less() -> None:
    whole, log = made_figures(), made_figures("append-log")
    assert (log["written"] or 0) / (log["saves"] or 1) < 0.2 * (whole["written"] or 0) / (whole["saves"] or 1)
    assert log["rowsAfter"] == whole["rowsAfter"] == 50


def test_the_budget_ends_the_saves_before_the_model_does() -> None:
    result = measure("stuck-cron", budget=0.1)
    handed_over, of = (int(word) for word in result.notes[-2].split() if word.isdecimal())
    assert 1 <= handed_over < of
    assert 1 <= (result.value("wall.saves") or 0) <= handed_over
    assert (result.value("wall.rowsAfter") or 0) > 15


def test_progress_is_told() -> None:
    heard: list[tuple[int, int]] = []
    measure("cap-storm", duration=600, progress=lambda done, of: heard.append((done, of)))
    assert heard
    assert heard[-1][0] == heard[-1][1] == len(heard)


def test_a_scenario_without_a_store_is_refused() -> None:
    with pytest.raises(UnknownName, match="cap-storm, stuck-cron"):
        measure("chat-buffers")


def test_the_directory_vanishes_when_the_body_raises() -> None:
    with pytest.raises(RuntimeError), vanishing_directory() as folder:
        (folder / "file").touch()
        raise RuntimeError
    assert not folder.exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_directory_vanishes_on_a_signal(number: signal.Signals, tmp_path: Path) -> None:
    code = "from gatewaydoctor.simulate.wallclock.wall import measure; measure('stuck-cron', budget=60)"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env={"TMPDIR": str(tmp_path), "PATH": "/usr/bin:/bin"},
        cwd=Path(__file__).parents[2],
        stderr=subprocess.DEVNULL,
    )
    try:
        while not any(tmp_path.glob("gatewaydoctor-simulate-*/agents/main/sessions/sessions.json")):
            assert process.poll() is None, "it ended before a store was written"
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait(timeout=20) != 0
    finally:
        process.kill()
        process.wait()
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_in_the_temporary_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    told = measure("cap-storm", duration=600)
    assert any(str(tmp_path) in note for note in told.notes), "the files were there"
    assert list(tmp_path.iterdir()) == []
