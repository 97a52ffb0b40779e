"""The LaunchAgent as launchd reads it, and what it then runs."""

from __future__ import annotations

import plistlib
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.harness import spawn
from tests.integrate.site import HOSTILE, LIMIT_S, SOME, STOPPED, Scene, execute, program, refused, snippet, state

if TYPE_CHECKING:
    from pathlib import Path

GATEWAY = ["/bin/echo", "gateway", "--port", "18789", "a b"]


def agent(text: str) -> dict[str, Any]:
    value = plistlib.loads(text.encode())
    assert isinstance(value, dict)
    return value


@pytest.mark.parametrize("scene", SOME.values(), ids=SOME)
def test_what_it_runs(scene: Scene, tmp_path: Path) -> None:
    place = tmp_path / HOSTILE
    text = snippet(
        "launchd",
        *("--state-dir", state(scene.fixture, place / "state"), "--limit", str(LIMIT_S)),
        *("--program", scene.program(place / "gatewaydoctor"), "--gateway", "/bin/echo gateway --port 18789 'a b'"),
    )
    argv = agent(text)["ProgramArguments"]
    assert argv[4:] == GATEWAY
    # Whoever is stopped waits before launchd tries again; not here.
    program(tmp_path / "bin/sleep", f'[ "$1" = 60 ] || exec {"/bin/sleep"} "$@"')
    ran = execute(argv, tmp_path, {**scene.env, "PATH": f"{tmp_path}/bin:/usr/bin:/bin"})
    started = (0, "gateway --port 18789 a b\n")
    assert (ran.code, ran.out) == (started if scene.starts else (STOPPED, "")), ran.err
    assert scene.said in ran.err


def installed(home: Path, **keys: Any) -> Path:
    path = home / "Library/LaunchAgents/ai.openclaw.gateway.plist"
    path.parent.mkdir(parents=True)
    path.write_bytes(plistlib.dumps({"Label": "ai.openclaw.gateway", "ProgramArguments": GATEWAY, **keys}))
    return path


def test_what_is_installed_stays_but_for_its_program(tmp_path: Path) -> None:
    path = installed(tmp_path, EnvironmentVariables={"A": "b"}, ThrottleInterval=1)
    before = agent(path.read_text())
    once = agent(snippet("launchd", "--state-dir", "/s", HOME=str(tmp_path)))
    assert once["ProgramArguments"][:2] == ["/bin/sh", "-c"]
    assert once | {"ProgramArguments": GATEWAY} == before


def test_it_looks_where_the_installed_agent_keeps_its_state(tmp_path: Path) -> None:
    state("healthy", tmp_path / ".openclaw")
    other = state("healthy", tmp_path / "other")
    path = installed(tmp_path, EnvironmentVariables={"OPENCLAW_STATE_DIR": "~/other"})
    for elsewhere in ({}, {"OPENCLAW_STATE_DIR": "/of/this/shell"}):
        text = agent(snippet("launchd", HOME=str(tmp_path), **elsewhere))["ProgramArguments"][2]
        assert f"--state-dir {other} " in text
    told = spawn("integrate", "launchd", "--state-dir", "/s", HOME=str(tmp_path))
    assert "--state-dir /s " in told.out
    assert f"has its state in {other}; the snippet examines /s" in " ".join(told.err.split())
    path.write_bytes(plistlib.dumps({"Label": "ai.openclaw.gateway", "ProgramArguments": GATEWAY}))
    plain = agent(snippet("launchd", HOME=str(tmp_path), OPENCLAW_STATE_DIR="/of/this/shell"))
    assert f"--state-dir {tmp_path}/.openclaw " in plain["ProgramArguments"][2]


def test_a_second_time_puts_no_gate_before_a_gate(tmp_path: Path) -> None:
    path = installed(tmp_path)
    first = snippet("launchd", "--state-dir", "/s", HOME=str(tmp_path))
    path.write_text(first)
    assert snippet("launchd", "--state-dir", "/s", HOME=str(tmp_path)) == first


def test_an_agent_that_cannot_be_read_is_not_written_over(tmp_path: Path) -> None:
    installed(tmp_path).write_text("{")
    assert "Cannot read the installed" in refused("launchd", "--state-dir", "/s", HOME=str(tmp_path))


def test_a_new_agent_is_for_the_label_of_the_gateway(tmp_path: Path) -> None:
    new = agent(snippet("launchd", "--state-dir", "/s", HOME=str(tmp_path)))
    assert (new["Label"], new["ProgramArguments"][4:]) == ("ai.openclaw.gateway", ["openclaw", "gateway"])
    other = agent(snippet("launchd", "--profile", "work", HOME=str(tmp_path)))
    assert other["Label"] == "ai.openclaw.work"
    assert other["EnvironmentVariables"]["OPENCLAW_STATE_DIR"] == f"{tmp_path}/.openclaw-work"
    assert agent(snippet("launchd", "--unit", "a--b", "--state-dir", "/s", HOME=str(tmp_path)))["Label"] == "a--b"


def test_a_file_that_may_hold_a_token_is_private(tmp_path: Path) -> None:
    snippet("launchd", "--state-dir", "/s", "--output", str(tmp_path / "out.plist"), HOME=str(tmp_path))
    assert (tmp_path / "out.plist").stat().st_mode & 0o777 == 0o600


def test_its_comment_fits_a_terminal(tmp_path: Path) -> None:
    comment = snippet("launchd", "--state-dir", str(tmp_path)).partition("<!--")[2].partition("-->")[0]
    assert "Where it goes:" in comment
    assert max(map(len, comment.splitlines())) <= 80
