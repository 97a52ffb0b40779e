"""Where the output goes, and options that name what cannot be looked at."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from gatewaydoctor.model.errors import ExitCode
from gatewaydoctor.model.outcome.report import ErrorInfo
from gatewaydoctor.report import printer
from tests.cli.harness import command, process_env, run, spawn
from tests.cli.scenes import busy, damaged

FIXTURES = Path(__file__).parents[2] / "fixtures"


def shell(redirection: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    """One command line behind `sh`, which closes streams as an operator's script does."""
    line = ["sh", "-c", f'"$@" {redirection}', "sh", *command(*arguments)]
    return subprocess.run(line, capture_output=True, env=process_env(), timeout=60, check=False)


@pytest.mark.parametrize("verb", [("scan",), ("scan", "--json"), ("check",), ("sessions", "--format", "ndjson")])
def test_a_closed_stdout_takes_no_report(verb: tuple[str, ...], tmp_path: Path) -> None:
    busy(tmp_path)
    ran = shell(">&-", *verb, "--state-dir", str(tmp_path))
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert ran.stderr.startswith(b"gatewaydoctor: The output could not be written")


def test_a_closed_stderr_loses_only_words(tmp_path: Path) -> None:
    busy(tmp_path)
    ran = shell("2>&-", "scan", "--state-dir", str(tmp_path))
    assert ran.returncode == 0
    assert b"Details: " in ran.stdout
    assert shell("2>&-", "scan", "--state-dir", str(tmp_path / "none")).returncode == 2


@pytest.mark.parametrize("redirection", [">&-", ">/dev/full"])
@pytest.mark.parametrize(
    "verb", [("--version",), ("--verbose", "--version"), ("scan", "--help"), ("fixtures", "list")]
)
def test_whatever_is_said_must_go_somewhere(verb: tuple[str, ...], redirection: str) -> None:
    ran = shell(redirection, *verb)
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert ran.stderr.startswith(b"gatewaydoctor: The output could not be written")


@pytest.mark.parametrize("redirection", [">&-", ">/dev/full"])
def test_an_error_that_finds_no_stdout_keeps_its_code_and_words(redirection: str, tmp_path: Path) -> None:
    ran = shell(redirection, "scan", "--json", "--state-dir", str(tmp_path / "none"))
    assert ran.returncode == 2
    assert ran.stderr.startswith(b"gatewaydoctor: There is no directory")


def test_a_full_stderr_changes_no_decision(tmp_path: Path) -> None:
    busy(tmp_path)
    assert shell("2>/dev/full", "scan", "--state-dir", str(tmp_path / "none")).returncode == 2
    ran = shell("2>/dev/full", "scan", "--state-dir", str(tmp_path))
    assert (ran.returncode, b"Details: " in ran.stdout) == (0, True)


def test_the_version_among_other_global_options() -> None:
    assert spawn("--version").out == spawn("--no-color", "-V").out


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    busy(tmp_path)
    ran = shell("| head -1", "scan", "--state-dir", str(tmp_path))
    assert (ran.stderr, ran.stdout.count(b"\n")) == (b"", 1)


def unheard(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    """One command line whose reader left before it began."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        line = command(*arguments)
        return subprocess.run(
            line, stdout=writing, stderr=subprocess.PIPE, env=process_env(), timeout=60, check=False
        )
    finally:
        os.close(writing)


@pytest.mark.parametrize("form", ["text", "json", "junit", "github"])
def test_a_decision_holds_though_nobody_hears_it(form: str, tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "healthy", tmp_path / "healthy")
    expected = tmp_path / "healthy" / "expected.json"
    expected.write_text(expected.read_text().replace('"findings": []', '"findings": [{"rule": "store-bloat"}]'))
    ran = unheard("fixtures", "validate", str(tmp_path), "--format", form)
    assert (ran.returncode, ran.stderr) == (1, b"")


@pytest.mark.parametrize("verb", [("scan", "--fail-on", "warning"), ("check",)])
def test_a_gate_holds_though_nobody_hears_it(verb: tuple[str, ...], tmp_path: Path) -> None:
    busy(tmp_path)
    assert unheard(*verb, "--state-dir", str(tmp_path)).returncode == 1


def test_a_repair_is_done_though_nobody_hears_its_plan(tmp_path: Path) -> None:
    damaged(tmp_path)
    ran = unheard("repair", "--apply", "--yes", "--gateway-stopped", "--state-dir", str(tmp_path))
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert (tmp_path / ".gatewaydoctor" / "runs").is_dir()


@pytest.mark.parametrize("form", ["json", "ndjson", "junit", "github", "prometheus", "nagios", "markdown"])
def test_a_document_is_utf_8_whatever_the_locale(form: str, tmp_path: Path) -> None:
    busy(tmp_path / "Zürich")
    line = command("check", "--state-dir", str(tmp_path / "Zürich"), "--format", form)
    env = process_env(PYTHONIOENCODING="latin-1", PYTHONUTF8="0")
    ran = subprocess.run(line, capture_output=True, env=env, timeout=60, check=False)
    assert "Zürich" in ran.stdout.decode("utf-8") or form == "nagios"


def test_an_empty_clock_is_none() -> None:
    ran = spawn("scan", "--now", "", "--state-dir", "/")
    assert (ran.code, ran.out) == (2, "")
    assert "--now '' is not a time" in ran.err


def test_an_empty_clock_of_the_environment_is_unset(tmp_path: Path) -> None:
    busy(tmp_path)
    assert spawn("scan", "--state-dir", str(tmp_path), GATEWAYDOCTOR_NOW="").code == 0


@pytest.mark.parametrize("what", ["directory", "device", "fifo", "socket"])
def test_a_store_that_is_no_file(what: str, tmp_path: Path) -> None:
    path = tmp_path / "sessions.json"
    match what:
        case "directory":
            path.mkdir()
        case "device":
            path.symlink_to("/dev/zero")
        case "fifo":
            os.mkfifo(path)
        case _:
            with socket.socket(socket.AF_UNIX) as bound:
                bound.bind(str(path))
    ran = run("scan", "--json", "--store", str(path))
    assert (ran.code, ran.document["error"]["code"]) == (2, "cannot-examine")
    assert ", not a file" in ran.document["error"]["message"]
    assert ran.document["stores"] == []
    assert ("--state-dir" in ran.document["error"]["hint"]) is (what == "directory")


def test_an_error_is_wrapped_between_words_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where a terminal breaks lines itself, it does so within words."""
    said = "There is no directory /srv/a-directory-of-which-the-name-is-longer-than-the-line (from --state-dir)."
    printer.print_warning(said)
    assert capsys.readouterr().err == f"gatewaydoctor: {said}\n"
    monkeypatch.setattr(printer, "_terminal_width", lambda: 40)
    printer.print_warning(said)
    shown = capsys.readouterr().err.splitlines()
    assert " ".join(" ".join(shown).split()) == f"gatewaydoctor: {said}"
    assert shown[0] == "gatewaydoctor: There is no directory"
    assert shown[1].strip() == "/srv/a-directory-of-which-the-name-is-longer-than-the-line"
    for hint, lines in (("Check the path, and whether its volume is mounted.", 2), (f"Run `{'x' * 60} -y`.", 2)):
        error = ErrorInfo(code="usage", message="No.", hint=hint)
        printer.print_error(error, ExitCode.CANNOT_EXAMINE, "scan", now=0, wants_json=False)
        shown = capsys.readouterr().err.splitlines()[1:]
        assert (len(shown), " ".join(" ".join(shown).split())) == (lines, hint)
    command = "`gatewaydoctor scan --state-dir /srv/gateway -v`"
    printer.print_warning(f"Nothing was read here. Run {command} for all of it.")
    shown = capsys.readouterr().err.splitlines()
    assert f"  {command}" in shown, "a command to paste stays whole"
    assert shown[-1] == "  for all of it."
