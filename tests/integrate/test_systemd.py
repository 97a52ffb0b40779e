"""The drop-in as systemd reads it, and what it then runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.integrate.quoting import systemd
from tests.integrate.site import HOSTILE, LIMIT_S, SOME, Scene, execute, program, snippet, state

if TYPE_CHECKING:
    from pathlib import Path

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not here")


def joined(text: str) -> list[str]:
    """Lines as systemd joins them: comments are dropped even between continued lines."""
    lines, current = [], ""
    for raw in text.splitlines():
        if raw.lstrip()[:1] in ("#", ";"):
            continue
        if raw.endswith("\\"):
            current += raw[:-1] + " "
        else:
            lines.append(current + raw)
            current = ""
    assert current == ""
    return lines


def setting(text: str, name: str) -> str:
    (value,) = [line.partition("=")[2] for line in joined(text) if line.startswith(f"{name}=")]
    return value


def words(value: str) -> list[str]:
    """The arguments of a command line, by systemd.service(5) and systemd.syntax(7); all of them are quoted here but
    the first two."""
    found = re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', value)
    return [_plain(quoted) if quoted or not bare else bare for quoted, bare in found]


def _plain(quoted: str) -> str:
    text = re.sub(r"\\(.)", lambda escape: {"n": "\n"}.get(escape[1], escape[1]), quoted)
    assert not re.search(r"(?<!%)(?:%%)*%(?!%)", text), "a specifier"
    assert not re.search(r"(?<!\$)(?:\$\$)*\$(?!\$)", text), "a variable"
    return text.replace("%%", "%").replace("$$", "$")


@pytest.mark.parametrize("scene", SOME.values(), ids=SOME)
def test_what_it_runs(scene: Scene, tmp_path: Path) -> None:
    place = tmp_path / HOSTILE
    text = snippet(
        "systemd",
        *("--state-dir", state(scene.fixture, place / "state")),
        *("--program", scene.program(place / "gatewaydoctor"), "--limit", str(LIMIT_S)),
    )
    ran = execute(words(setting(text, "ExecStartPre")), tmp_path, scene.env)
    assert (ran.code, ran.out) == (scene.code, ""), ran.err
    assert scene.said in ran.err


@pytest.mark.parametrize("limit", [1, 100])
def test_the_gate_takes_nothing_of_the_usual_time_of_a_start(limit: int, tmp_path: Path) -> None:
    text = snippet("systemd", "--state-dir", str(tmp_path), "--limit", str(limit))
    assert int(setting(text, "TimeoutStartSec")) >= 90 + limit
    assert "systemctl --user show -p TimeoutStartUSec openclaw-gateway.service" in text


@pytest.mark.parametrize(
    ("arguments", "unit", "directory"),
    [
        ([], "openclaw-gateway.service", "~/.config/systemd/user/openclaw-gateway.service.d/"),
        (["--profile", "work"], "openclaw-gateway-work.service", "openclaw-gateway-work.service.d/"),
        (["--profile", "default"], "openclaw-gateway.service", "openclaw-gateway.service.d/"),
        (["--unit", "gw@a"], "gw@a.service", "gw@a.service.d/"),
        (["--form", "system"], "openclaw-gateway.service", "/etc/systemd/system/openclaw-gateway.service.d/"),
    ],
)
def test_it_is_for_the_unit_of_the_gateway(arguments: list[str], unit: str, directory: str, tmp_path: Path) -> None:
    text = snippet("systemd", *arguments, "--state-dir", str(tmp_path))
    assert f"before every start of {unit}." in text.splitlines()[0]
    assert f"{directory}gatewaydoctor.conf" in text
    assert ("systemctl --user" in text) is ("system" not in arguments)


def analyzed(directory: Path, unit: str, *, debug: bool = False) -> subprocess.CompletedProcess[str]:
    environment = (
        os.environ | {"SYSTEMD_UNIT_PATH": f"{directory}:"} | ({"SYSTEMD_LOG_LEVEL": "debug"} if debug else {})
    )
    argv = ["systemd-analyze", "verify", "--man=no", "--generators=no", str(directory / unit)]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=60, check=False)


@needs_systemd
@pytest.mark.parametrize("form", ["user", "system"])
def test_systemd_takes_it(form: str, tmp_path: Path) -> None:
    unit = "openclaw-gateway.service"
    (tmp_path / unit).write_text("[Service]\nExecStart=/bin/true\n")
    (tmp_path / f"{unit}.d").mkdir()
    drop_in = tmp_path / f"{unit}.d/gatewaydoctor.conf"
    place = str(tmp_path / HOSTILE)
    drop_in.write_text(
        snippet("systemd", "--form", form, "--state-dir", place, "--program", f"{place}/gatewaydoctor")
    )
    good = analyzed(tmp_path, unit)
    assert (good.returncode, good.stderr) == (0, "")
    drop_in.write_text(drop_in.read_text().replace("ExecStartPre=/bin/sh", "ExecStartPre=/no/such/sh"))
    assert analyzed(tmp_path, unit).returncode != 0, "the drop-in is not looked at"


@needs_systemd
def test_systemd_reads_the_words_that_were_meant(tmp_path: Path) -> None:
    meant = [HOSTILE, 'two " quotes', "%h %% $x ${y} $$", "\\x41 \\\\", "ein Wort", "", ";"]
    (tmp_path / "words.service").write_text(f"[Service]\nExecStart=/bin/true {' '.join(map(systemd, meant))}\n")
    told = analyzed(tmp_path, "words.service", debug=True).stdout
    (line,) = re.findall(r"Command Line: /bin/true (.*)", told)
    # It prints words as a shell takes them, before variables are replaced; that makes one dollar sign of two.
    read = subprocess.run(
        ["/bin/sh", "-c", f'printf "%s\\0" {line}'], capture_output=True, text=True, timeout=9, check=True
    ).stdout
    assert [word.replace("$$", "$") for word in read.split("\0")[:-1]] == meant


def test_a_plain_program_is_for_the_shell_to_find(tmp_path: Path) -> None:
    bin_ = program(tmp_path / "bin/gd-of-this-test")
    text = snippet("systemd", "--state-dir", state("healthy", tmp_path / "state"), "--program", "gd-of-this-test")
    line = words(setting(text, "ExecStartPre"))
    assert "gd-of-this-test" in line
    ran = execute(line, tmp_path, {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}"})
    assert "gate: ok" in ran.err, bin_
