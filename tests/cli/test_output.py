"""`--output`: whole or not at all, readable for a collector, and never where it was not meant to be."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.cli.shell.output import PUBLIC, CannotWrite, write
from gatewaydoctor.report.formats.formats import FORMATS
from tests.gates import healthy, run, stuck
from tests.repair.faults import FaultFs, Killed, Mode

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "work"
    directory.mkdir()
    monkeypatch.chdir(directory)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return directory


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("verb", ["scan", "check"])
def test_a_file_holds_what_stdout_would(form: str, verb: str, tmp_path: Path, work: Path) -> None:
    state = str(healthy(tmp_path))
    shown = run(verb, "--state-dir", state, "--format", form)
    filed = run(verb, "--state-dir", state, "--format", form, "--output", "out")
    assert (filed.code, filed.out, filed.err) == (shown.code, "", "")
    assert _timeless((work / "out").read_text()) == _timeless(shown.out)
    assert _names(work) == ["out"]


@pytest.mark.parametrize(("form", "new", "kept"), [("prometheus", 0o644, 0o644), ("json", 0o640, 0o600)])
def test_only_metrics_are_for_everybody(form: str, new: int, kept: int, tmp_path: Path, work: Path) -> None:
    words = ("check", "--state-dir", str(healthy(tmp_path)), "--format", form, "--output", "out")
    before = os.umask(0o027)
    try:
        assert run(*words).code == 0
        assert (work / "out").stat().st_mode & 0o777 == new
        (work / "out").chmod(0o600)
        assert run(*words).code == 0
    finally:
        os.umask(before)
    assert (work / "out").stat().st_mode & 0o777 == kept


def test_a_report_of_nothing_is_no_more_public(tmp_path: Path, work: Path) -> None:
    (work / "out").touch(0o600)
    assert run("check", "--state-dir", str(tmp_path / "none"), "--format", "json", "--output", "out").code == 2
    assert (work / "out").stat().st_size
    assert (work / "out").stat().st_mode & 0o777 == 0o600


def _names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def _timeless(text: str) -> list[str]:
    return [line for line in text.splitlines() if "time=" not in line and "duration" not in line]


def test_the_mode_does_not_depend_on_the_umask(work: Path) -> None:
    before = os.umask(0o077)
    try:
        write(work / "out", "text", PUBLIC)
    finally:
        os.umask(before)
    assert (work / "out").stat().st_mode & 0o777 == 0o644


def test_the_exit_code_is_the_same_with_a_file(tmp_path: Path) -> None:
    state = str(stuck(tmp_path))
    assert run("check", "--state-dir", state, "--output", "out").code == 1
    assert run("check", "--state-dir", state, "--format", "nagios", "--output", "out").code == 2


def _steps(work: Path) -> int:
    fs = FaultFs()
    write(work / "count", "new", PUBLIC, fs)
    (work / "count").unlink()
    return fs.steps


@pytest.mark.parametrize(
    ("mode", "hint"), [(Mode.FULL, "Free space there"), (Mode.ERROR, "a directory you may write to")]
)
def test_what_keeps_a_file_from_being_written_decides_what_to_do(mode: Mode, hint: str, work: Path) -> None:
    with pytest.raises(CannotWrite) as failed:
        write(work / "new", "text", PUBLIC, FaultFs(1, mode))
    assert hint in failed.value.hint


@pytest.mark.parametrize("mode", [Mode.ERROR, Mode.BROKEN, Mode.FULL, Mode.KILL, Mode.KILL_AFTER, Mode.POWER])
def test_whatever_fails_the_file_is_old_or_new(mode: Mode, work: Path) -> None:
    path = work / "out.prom"
    for step in range(1, _steps(work) + 1):
        path.write_text("old")
        fs = FaultFs(step, mode)
        try:
            write(path, "new " * 1000, PUBLIC, fs)
        except CannotWrite as failed:
            assert str(path) in failed.message
        except Killed:
            pass
        assert path.read_text() in ("old", "new " * 1000), (mode, step)
        assert not [name for name in _names(work) if name.endswith(".prom") and name != path.name]
        if not mode.deadly and mode is not Mode.BROKEN:
            assert _names(work) == [path.name], (mode, step)
        for left in set(work.iterdir()) - {path}:
            left.unlink()


def test_a_file_left_by_a_killed_run_of_the_same_pid_is_no_obstacle(work: Path) -> None:
    (work / f".out.{os.getpid()}.gatewaydoctor-new").write_text("left")
    write(work / "out", "new", PUBLIC)
    assert (work / "out").read_text() == "new"
    assert _names(work) == ["out"]


def test_a_directory_that_is_not_there_is_an_error_of_its_own(tmp_path: Path, work: Path) -> None:
    ran = run("check", "--state-dir", str(healthy(tmp_path)), "--output", "none/out")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("gatewaydoctor: Cannot write ")
    assert _names(work) == []


@pytest.mark.parametrize("kind", ["directory", "fifo", "device"])
def test_only_regular_files_are_replaced(kind: str, tmp_path: Path, work: Path) -> None:
    path = work / "out"
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/null")
    ran = run("check", "--state-dir", str(healthy(tmp_path)), "--output", "out")
    assert ran.code == 2
    assert ("is a symbolic link" if kind == "device" else "is not a regular file") in ran.err
    assert not path.is_file()


@pytest.mark.parametrize("option", ["--output", "--write-baseline", "--plan-out", "--plot", "snippet"])
def test_no_writer_follows_a_link_or_changes_its_target(option: str, tmp_path: Path, work: Path) -> None:
    (work / "real").mkdir()
    target = work / "real/out.svg"
    target.write_text("old")
    target.chmod(0o664)
    before = target.stat().st_mode, target.stat().st_mtime_ns
    (work / "out.svg").symlink_to("real/out.svg")
    where = ("--state-dir", str(healthy(tmp_path)))
    ran = {
        "--output": lambda: run("check", *where, "--output", "out.svg"),
        "--write-baseline": lambda: run("check", *where, "--write-baseline", "--baseline", "out.svg"),
        "--plan-out": lambda: run("repair", *where, "--plan-out", "out.svg"),
        "--plot": lambda: run("simulate", "usage-scan", "--duration", "15m", "--plot", "out.svg"),
        "snippet": lambda: run("integrate", "cron", *where, "--output", "out.svg"),
    }[option]()
    assert ran.code == 2
    assert "is a symbolic link" in ran.err
    assert (work / "out.svg").is_symlink()
    assert target.read_text() == "old"
    assert (target.stat().st_mode, target.stat().st_mtime_ns) == before


def test_links_of_the_directory_on_the_way_are_resolved(tmp_path: Path, work: Path) -> None:
    (work / "real").mkdir()
    (work / "by").symlink_to("real")
    assert run("check", "--state-dir", str(healthy(tmp_path)), "--output", "by/out").code == 0
    assert (work / "real/out").read_text().startswith("check: passed")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a link to another user")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("check", "--output", "by/out"), 2),
        (("repair", "expire", "--plan-out", "by/out"), 2),
        (("snapshot", "by/out"), 3),
        (("repair", "expire", "--apply", "--yes", "--vault", "by/out"), 3),
        (("repair", "expire", "--apply", "--yes", "--vault", "by"), 3),
        (("repair", "expire", "--apply", "--yes", "--work-dir", "by"), 3),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else None,
)
def test_a_link_of_another_user_on_the_way_is_not_followed(
    words: tuple[str, ...], code: int, tmp_path: Path, work: Path
) -> None:
    (work / "real").mkdir()
    (work / "first").symlink_to(work / "real")
    (work / "by").symlink_to("first")
    os.lchown(work / "first", 65534, 65534)
    ran = run(*words, "--state-dir", str(stuck(tmp_path)))
    assert ran.code == code
    assert f"{work / 'first'} is a symbolic link of another user (uid 65534)" in ran.err
    assert _names(work / "real") == []


def test_a_dash_is_stdout(tmp_path: Path, work: Path) -> None:
    assert run("check", "--state-dir", str(healthy(tmp_path)), "--output", "-").out.startswith("check: passed")
    assert _names(work) == []


def test_no_directory_to_look_at_replaces_the_file_and_says_so(tmp_path: Path, work: Path) -> None:
    ran = run("check", "--state-dir", str(tmp_path / "none"), "--format", "prometheus", "--output", "out.prom")
    assert (ran.code, ran.out) == (2, "")
    assert str(tmp_path / "none") in ran.err
    assert "gatewaydoctor_success 0" in (work / "out.prom").read_text()


@pytest.mark.parametrize(
    "options", [("--only", "no-such"), ("--fail-on", "bad"), ("--no-such-option",), ("--baseline", "none.json")]
)
def test_a_mistyped_command_leaves_the_file(options: tuple[str, ...], tmp_path: Path, work: Path) -> None:
    (work / "out.prom").write_text("old")
    state = str(healthy(tmp_path))
    ran = run("check", "--state-dir", state, "--format", "prometheus", "--output", "out.prom", *options)
    assert ran.code == 2
    assert ran.err
    assert (work / "out.prom").read_text() == "old"


def test_an_error_is_not_filed_inside_the_directory_it_is_about(tmp_path: Path) -> None:
    state = healthy(tmp_path)
    ran = run(
        "check", "--state-dir", str(state), "--agent", "none", "--format", "json", "--output", str(state / "out")
    )
    assert ran.code == 2
    assert not (state / "out").exists()
