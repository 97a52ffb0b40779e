"""The script, started as its comments say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integrate.site import (
    HOSTILE,
    LIMIT_S,
    PRESENT,
    SCENES,
    SHELLS,
    SOME,
    STOPPED,
    Scene,
    execute,
    snippet,
    state,
)

if TYPE_CHECKING:
    from pathlib import Path


def made(scene: Scene, tmp_path: Path) -> None:
    place = tmp_path / HOSTILE
    options = (
        "--state-dir",
        state(scene.fixture, place / "state"),
        "--program",
        scene.program(place / "gatewaydoctor"),
    )
    (tmp_path / "gatewaydoctor-gate.sh").write_text(snippet("shell", *options, "--limit", str(LIMIT_S)))


@pytest.mark.parametrize("scene", SOME.values(), ids=SOME)
def test_it_starts_the_gateway_or_does_not(scene: Scene, tmp_path: Path) -> None:
    made(scene, tmp_path)
    ran = execute(["/bin/sh", "gatewaydoctor-gate.sh", "/bin/echo", "gateway"], tmp_path, scene.env)
    assert (ran.code, ran.out) == ((0, "gateway\n") if scene.starts else (STOPPED, "")), ran.err
    assert scene.said in ran.err


@pytest.mark.parametrize("name", PRESENT)
@pytest.mark.parametrize("scene", ["healthy", "would-lose-data", "broken"])
def test_it_serves_a_script_that_ends_at_the_first_error(name: str, scene: str, tmp_path: Path) -> None:
    made(SCENES[scene], tmp_path)
    script = f"set -eu\n{' '.join(SHELLS[name])} gatewaydoctor-gate.sh || exit\necho started\n"
    ran = execute([*SHELLS[name], "-c", script], tmp_path)
    assert (ran.code, ran.out) == ((0, "started\n") if SCENES[scene].starts else (STOPPED, "")), ran.err


def test_the_state_of_the_gate_is_set_in_front_of_it(tmp_path: Path) -> None:
    made(SCENES["would-lose-data"], tmp_path)
    ran = execute(["/bin/sh", "-c", "GATEWAYDOCTOR_GATE=off sh gatewaydoctor-gate.sh echo a"], tmp_path)
    assert (ran.code, ran.out) == (0, "a\n")
