"""The line that asks the gate, in every shell there is: only 78 stops a start."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.integrate import gate
from gatewaydoctor.integrate.site import Site
from tests.integrate.site import LIMIT_S, PRESENT, SCENES, SHELLS, STOPPED, Scene, execute, program, state

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=PRESENT)
def shell(request: pytest.FixtureRequest) -> list[str]:
    return SHELLS[request.param]


def through(shell: list[str], scratch: Path, scene: Scene, site: Site) -> tuple[int, str]:
    """Exit code and stderr of a start through the gate; nothing may be on stdout, which is the gateway's."""
    ran = execute([*shell, "-c", gate.SCRIPT, "gate", *gate.command(site)], scratch, scene.env)
    assert ran.out == ""
    line = execute([*shell, "-c", gate.line(site)], scratch, scene.env)
    assert line.code == ran.code, "as one line"
    return ran.code, ran.err


def site(path: str, directory: str) -> Site:
    return Site((path,), ("--state-dir", directory), directory, limit=LIMIT_S)


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_only_its_own_code_stops_a_start(shell: list[str], scene: Scene, tmp_path: Path) -> None:
    at = site(scene.program(tmp_path / "gatewaydoctor"), state(scene.fixture, tmp_path / "state"))
    code, said = through(shell, tmp_path, scene, at)
    assert code == scene.code, said
    assert scene.said in said


def test_a_program_that_is_gone_lets_it_start(shell: list[str], tmp_path: Path) -> None:
    gone = site(str(tmp_path / "gone"), state("store-unparseable", tmp_path / "state"))
    assert through(shell, tmp_path, Scene(""), gone)[0] == 0


def test_a_program_without_its_interpreter_lets_it_start(shell: list[str], tmp_path: Path) -> None:
    path = tmp_path / "gatewaydoctor"
    path.write_text("#!/no/such/python\n")
    path.chmod(0o755)
    code, _ = through(shell, tmp_path, Scene(""), site(str(path), state("store-unparseable", tmp_path / "state")))
    assert code == 0


def test_an_exit_code_of_its_own_is_kept(shell: list[str], tmp_path: Path) -> None:
    at = site(program(tmp_path / "gatewaydoctor", "exit 78"), "/s")
    assert through(shell, tmp_path, Scene(""), at) == (STOPPED, "")
