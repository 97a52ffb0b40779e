"""Crontabs as cron reads them, and what their lines then run."""

from __future__ import annotations

import re
import shlex
import shutil
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.integrate.quoting import cron
from gatewaydoctor.model.errors import UsageError
from tests.integrate.site import HOSTILE, STATES, execute, program, refused, snippet, state

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.harness import Ran

needs_flock = pytest.mark.skipif(not shutil.which("flock"), reason="flock is not here")
NAME = HOSTILE.replace("\\n", "")
"""Backslash and all is for the test of what is refused."""


def taken(command: str) -> tuple[str, str | None]:
    """A command and its standard input as cron takes a line apart: the first bare percent sign ends the command, and
    a backslash before one goes."""
    said, escaped = "", False
    for place, char in enumerate(command):
        if escaped:
            said = said[:-1] + char if char == "%" else said + char
            escaped = False
        elif char == "%":
            return said, command[place + 1 :]
        else:
            said += char
            escaped = char == "\\"
    return said, None


def line(crontab: str) -> str:
    """The command of the one job, after its five fields; every other line is a comment or sets a variable."""
    (job,) = [each for each in crontab.splitlines() if not re.match(r"#|[A-Z]+=", each)]
    command, stdin = taken(job.split(" ", 5)[5])
    assert stdin is None
    return command


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / NAME


def options(place: Path, fixture: str) -> list[str]:
    return ["--state-dir", state(fixture, place / "state"), "--program", program(place / "gatewaydoctor")]


def first_time(crontab: str, scratch: Path) -> Ran:
    """The command that a comment says to run once."""
    (once,) = re.findall(r"^# Switch it on: *(.*)", crontab, re.MULTILINE)
    return execute(["/bin/sh", "-c", once], scratch)


@needs_flock
def test_mail_is_about_what_is_new(place: Path, tmp_path: Path) -> None:
    crontab = snippet("cron", *options(place, "store-bloat"))
    look = ["/bin/sh", "-c", line(crontab)]

    without = execute(look, tmp_path)
    assert (without.code, "--write-baseline" in without.out) == (2, True), "a missing baseline is mailed about"
    assert first_time(crontab, tmp_path).code == 0
    known = execute(look, tmp_path)
    assert (known.code, known.out, known.err) == (0, "", "")

    shutil.copy(
        STATES / "store-unparseable/state/agents/main/sessions/sessions.json", place / "state/agents/main/sessions"
    )
    worse = execute(look, tmp_path)
    assert (worse.code, "store-unparseable" in worse.out) == (1, True)


@needs_flock
def test_a_broken_program_is_mailed_about(place: Path, tmp_path: Path) -> None:
    crontab = snippet("cron", *options(place, "healthy"))
    program(place / "gatewaydoctor", "echo oh >&2; exit 70")
    ran = execute(["/bin/sh", "-c", line(crontab)], tmp_path)
    assert (ran.code, ran.out) == (70, "oh\n")


@needs_flock
def test_two_looks_at_a_time_are_one(place: Path, tmp_path: Path) -> None:
    crontab = snippet("cron", *options(place, "healthy"))
    lock = f"{place}/state.gatewaydoctor.lock"
    held = shlex.join(["flock", lock, "/bin/sh", "-c", line(crontab)])
    ran = execute(["/bin/sh", "-c", held], tmp_path)
    assert (ran.code, ran.out, ran.err) == (1, "", "")


def test_metrics(place: Path, tmp_path: Path) -> None:
    (place / "metrics").mkdir(parents=True)
    crontab = snippet("prometheus", *options(place, "store-bloat"), "--textfile-dir", str(place / "metrics"))
    ran = execute(["/bin/sh", "-c", line(crontab)], tmp_path)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert "gatewaydoctor_success 1" in (place / "metrics/gatewaydoctor.prom").read_text()


def test_a_percent_sign_is_not_the_end_of_a_command() -> None:
    assert taken(cron("a%b 'c %d'")) == ("a%b 'c %d'", None)
    assert taken("a%b") == ("a", "b")
    with pytest.raises(UsageError):
        cron("a\\%b")


@pytest.mark.parametrize("target", ["cron", "prometheus"])
def test_what_a_crontab_cannot_express_is_refused(target: str) -> None:
    assert "backslash before a percent sign" in refused(target, "--state-dir", "/a\\%b")
