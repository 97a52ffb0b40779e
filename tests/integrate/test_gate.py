"""The decision about a start, in every shell there is: only the loss of data stops one."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.integrate import gate
from gatewaydoctor.integrate.site import Site
from tests.integrate.site import PRESENT, ROOT, SCENES, SHELLS, Scene, execute, program, state

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=PRESENT)
def shell(request: pytest.FixtureRequest) -> list[str]:
    return SHELLS[request.param]


def through(shell: list[str], scratch: Path, scene: Scene, site: Site) -> tuple[int, str]:
    """Exit code and stderr of a start through the gate; nothing may be on stdout, which is the gateway's."""
    argv = [*shell, "-c", gate.script(), "gate", *gate.arguments(site, gate.advice(site, override="OFF"))]
    ran = execute(argv, scratch, scene.env)
    assert ran.out == ""
    return ran.code, ran.err


def site(path: str, directory: str, limit: int = 30) -> Site:
    return Site((path,), ("--state-dir", directory), directory, limit=limit)


def test_syntax(shell: list[str], tmp_path: Path) -> None:
    (tmp_path / "gate").write_text(gate.script())
    assert execute([*shell, "-n", "gate"], tmp_path).err == ""


@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_only_the_loss_of_data_stops_a_start(shell: list[str], scene: Scene, tmp_path: Path) -> None:
    at = site(scene.program(tmp_path / "gatewaydoctor"), state(scene.fixture, tmp_path / "state"), scene.limit)
    began = time.monotonic()
    code, said = through(shell, tmp_path, scene, at)
    assert code == (0 if scene.starts else 1), said
    assert scene.said in said
    assert time.monotonic() - began < 30


def test_a_program_that_is_gone_lets_it_start(shell: list[str], tmp_path: Path) -> None:
    gone = site(str(tmp_path / "gone"), state("store-unparseable", tmp_path / "state"))
    code, said = through(shell, tmp_path, Scene(""), gone)
    assert (code, "cannot be run" in said) == (0, True)


def test_a_program_without_its_interpreter_lets_it_start(shell: list[str], tmp_path: Path) -> None:
    path = tmp_path / "gatewaydoctor"
    path.write_text("#!/no/such/python\n")
    path.chmod(0o755)
    code, _ = through(shell, tmp_path, Scene(""), site(str(path), state("store-unparseable", tmp_path / "state")))
    assert code == 0


def test_an_installation_that_lacks_a_part_lets_it_start(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/typer.py").write_text("raise ImportError('typer is gone')\n")
    body = f'PYTHONPATH={tmp_path}/lib:{ROOT} exec {sys.executable} -m gatewaydoctor "$@"'
    path, directory = program(tmp_path / "gatewaydoctor", body), state("store-unparseable", tmp_path / "state")
    code, said = through(["/bin/sh"], tmp_path, Scene(""), site(path, directory))
    assert (code, "typer is gone" in said, "exit code 70" in said) == (0, True, True), said
    assert "Traceback" not in said


def test_a_settings_file_in_the_working_directory_does_not_count(shell: list[str], tmp_path: Path) -> None:
    (tmp_path / "gatewaydoctor.toml").write_text('skip = ["*"]\n')
    scene = SCENES["would-lose-data"]
    at = site(program(tmp_path / "gatewaydoctor"), state(scene.fixture, tmp_path / "state"))
    code, said = through(shell, tmp_path, scene, at)
    assert code == 1, said


def test_who_is_stopped_is_told_what_to_run(tmp_path: Path) -> None:
    scene = SCENES["would-lose-data"]
    at = site(program(tmp_path / "gatewaydoctor"), state(scene.fixture, tmp_path / "a state"))
    _, said = through(["/bin/sh"], tmp_path, scene, at)
    assert "critical: store-unparseable main" in said
    options = f"--state-dir '{tmp_path}/a state'"
    told = dict(line.strip().split(":", 1) for line in said.splitlines() if line.startswith("  "))
    assert {what: command.strip() for what, command in told.items()} == {
        "see the repair": f"{tmp_path}/gatewaydoctor repair {options}",
        "do it": f"{tmp_path}/gatewaydoctor repair {options} --apply",
        "if it recovers nothing": f"{tmp_path}/gatewaydoctor snapshot {options}",
        "and start all the same": "OFF",
    }


def test_an_estimate_of_the_heap_stops_nothing(tmp_path: Path) -> None:
    options = ("--state-dir", state("healthy", tmp_path / "state"), "--threshold", "heap-bytes=1k")
    at = Site((program(tmp_path / "gatewaydoctor"),), options, "", limit=30)
    looked = execute(at.argv("check", "--fail-on", "critical"), tmp_path)
    assert (looked.code, "critical: store-heap-risk" in looked.out) == (1, True)
    code, said = through(["/bin/sh"], tmp_path, Scene(""), at)
    assert (code, "check: passed" in said) == (0, True), said


def test_a_fast_check_is_not_held_up_by_its_limit(shell: list[str], tmp_path: Path) -> None:
    at = Site((program(tmp_path / "gatewaydoctor", "exit 0"),), (), "", limit=20)
    began = time.monotonic()
    for _ in range(5):
        through(shell, tmp_path, Scene(""), at)
    assert time.monotonic() - began < 20
