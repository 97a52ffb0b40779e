"""What surrounds the program may be nonsense: sizes of terminals, locale, home. No verb fails over it."""

from __future__ import annotations

import os
import pty
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.cli.harness import command, process_env, run
from tests.world import NOW, StateDir

if TYPE_CHECKING:
    from pathlib import Path

SIZES = ("0", "-1", "abc", "", " 80", "1", "²", "99999999999", "1e3")
VERBS = (
    ("scan",),
    ("status",),
    ("cron",),
    ("sessions",),
    ("repair", "orphans"),
    ("explain", "store-bloat"),
    ("repair", "--help"),
)


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path).healthy()


def arguments(verb: tuple[str, ...], state: StateDir) -> tuple[str, ...]:
    if verb[0] == "explain" or "--help" in verb:
        return verb
    return (*verb, "--state-dir", str(state.root), "--now", str(NOW))


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_a_size_that_is_none_is_as_good_as_not_set(verb: tuple[str, ...], state: StateDir) -> None:
    usual = run(*arguments(verb, state))
    for name in ("COLUMNS", "LINES"):
        for size in SIZES:
            odd = run(*arguments(verb, state), env={name: size})
            assert (odd.code, odd.err) == (0, ""), (name, size)
            assert odd.out == usual.out, (name, size)


@pytest.mark.parametrize(
    "more",
    [{"LANG": "C", "LC_ALL": "C"}, {"TERM": ""}, {"TERM": "dumb"}, {"TZ": "nonsense"}, {"PYTHONIOENCODING": "ascii"}],
)
def test_locale_terminal_and_zone_change_no_outcome(more: dict[str, str], state: StateDir) -> None:
    done = subprocess.run(
        command("scan", "--state-dir", str(state.root), "--now", str(NOW)),
        env=process_env(**more),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert done.stderr == b""
    assert b"2026.3.28" in done.stdout


@pytest.mark.parametrize("missing", ["HOME", "TERM", "LANG", "PATH", "USER"])
def test_a_variable_that_is_not_set_changes_no_outcome(missing: str, state: StateDir) -> None:
    env = {name: value for name, value in process_env().items() if name != missing}
    done = subprocess.run(
        command("scan", "--state-dir", str(state.root), "--now", str(NOW)),
        env=env,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_a_terminal_without_a_size_gets_80_columns(state: StateDir) -> None:
    """A pty that nobody sized says 0 x 0."""
    env = {name: value for name, value in process_env().items() if name not in ("COLUMNS", "LINES")}
    inner, outer = pty.openpty()
    with subprocess.Popen(
        command("scan", "--state-dir", str(state.root), "--now", str(NOW)), env=env, stdout=outer, stderr=outer
    ) as started:
        os.close(outer)
        shown = b""
        while chunk := _read(inner):
            shown += chunk
        os.close(inner)
        assert started.wait(60) == 0
    lines = shown.decode().replace("\x1b", "").splitlines()
    assert any("2026.3.28" in line for line in lines)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""  # the other end is closed
