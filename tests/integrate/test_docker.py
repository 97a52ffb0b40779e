"""The Dockerfile's parts as Docker and its shell read them. No engine is needed."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.integrate.site import HOSTILE, SCENES, SOME, Scene, execute, program, refused, snippet, state

if TYPE_CHECKING:
    from pathlib import Path


def script(dockerfile: str) -> str:
    found = re.search(
        r"COPY --chmod=0755 <<'END_OF_GATE' (\S+)\n(.*?)^END_OF_GATE$", dockerfile, re.DOTALL | re.MULTILINE
    )
    assert found
    assert json.loads(instruction(dockerfile, "ENTRYPOINT")) == [found[1]]
    return found[2]


def instruction(dockerfile: str, name: str) -> str:
    outside = re.sub(r"<<'END_OF_GATE'.*?^END_OF_GATE$", "", dockerfile, flags=re.DOTALL | re.MULTILINE)
    (line,) = [line for line in outside.splitlines() if line.startswith(f"{name} ")]
    return line.removeprefix(f"{name} ")


def gate(scene: Scene, tmp_path: Path) -> Path:
    place = tmp_path / HOSTILE
    text = snippet(
        "docker",
        *("--state-dir", state(scene.fixture, place / "state"), "--limit", str(scene.limit)),
        *("--program", scene.program(place / "gatewaydoctor")),
    )
    path = tmp_path / "gate"
    path.write_text(script(text))
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("scene", SOME.values(), ids=SOME)
def test_the_entrypoint_starts_what_it_is_given(scene: Scene, tmp_path: Path) -> None:
    ran = execute([str(gate(scene, tmp_path)), "/bin/echo", "gateway", "a b"], tmp_path, scene.env)
    assert (ran.code, ran.out) == ((0, "gateway a b\n") if scene.starts else (1, "")), ran.err
    assert scene.said in ran.err


def test_the_advice_is_for_a_container_that_is_stopped(tmp_path: Path) -> None:
    ran = execute([str(gate(SCENES["would-lose-data"], tmp_path)), "/bin/true"], tmp_path)
    told = dict(line.strip().split(":", 1) for line in ran.err.splitlines() if line.startswith("  "))
    place, run = tmp_path / HOSTILE, ["docker", "run", "--rm", "-it", "--volumes-from", "CONTAINER", "--entrypoint"]
    image = [*run, f"{place}/gatewaydoctor", "openclaw:gatewaydoctor"]
    assert shlex.split(told["do it"]) == [*image, "repair", "--state-dir", f"{place}/state", "--apply"]
    assert shlex.split(told["if it recovers nothing"]) == [*image, "snapshot", "--state-dir", f"{place}/state"]


@pytest.mark.parametrize("answers", [True, False])
@pytest.mark.parametrize("name", ["healthy", "warnings-alone", "would-lose-data", "broken", "usage-error"])
def test_health_is_0_or_1_and_no_warning_is_ill_health(name: str, answers: bool, tmp_path: Path) -> None:
    scene = SCENES[name]
    path = gate(scene, tmp_path)
    text = snippet("docker")
    options, command = re.split(r" CMD ", instruction(text, "HEALTHCHECK"), maxsplit=1)
    assert "--retries=3" in options
    asked = tmp_path / "asked"
    program(tmp_path / "bin/node", f'printf "%s\\n" "$@" > {asked}\nexit {0 if answers else 3}')
    argv = ["/bin/sh", "-c", command.replace("/usr/local/bin/gatewaydoctor-gate", str(path))]
    ran = execute(argv, tmp_path, {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"})
    assert ran.code == (0 if answers and scene.starts else 1)
    assert "127.0.0.1:18789/healthz" in asked.read_text()


def test_the_command_of_the_image_is_said_again() -> None:
    # A new ENTRYPOINT makes Docker forget the CMD of the image it builds on.
    assert json.loads(instruction(snippet("docker"), "CMD"))[:3] == ["node", "openclaw.mjs", "gateway"]
    own = snippet("docker", "--gateway", "node 'a b.js' gateway", "--image", "openclaw:local")
    assert json.loads(instruction(own, "CMD")) == ["node", "a b.js", "gateway"]
    assert instruction(own, "FROM") == "openclaw:local"


def test_it_runs_as_the_user_of_the_image_again() -> None:
    lines = [line for line in snippet("docker").splitlines() if line.startswith("USER ")]
    assert lines == ["USER root", "USER node"]


def test_where_the_state_is_in_the_container() -> None:
    words = shlex.split(script(snippet("docker")).partition("\ngatewaydoctor_gate ")[2])
    assert words[2:6] == ["/opt/gatewaydoctor/bin/gatewaydoctor", "check", "--state-dir", "/home/node/.openclaw"]
    assert "/home/node/.openclaw-work" in snippet("docker", "--profile", "work")
    assert "is not absolute" in refused("docker", "--state-dir", "state")


def test_compose() -> None:
    value: dict[str, Any] = yaml.safe_load(snippet("docker", "--form", "compose"))
    service = value["services"]["openclaw-gateway"]
    assert service["build"] == {"context": ".", "dockerfile": "Dockerfile.gatewaydoctor"}
    assert service["environment"] == {"GATEWAYDOCTOR_GATE": "${GATEWAYDOCTOR_GATE:-on}"}
    kind, command = service["healthcheck"]["test"]
    assert (kind, command) == ("CMD-SHELL", re.split(r" CMD ", instruction(snippet("docker"), "HEALTHCHECK"))[1])
    assert "$" not in command


@pytest.mark.skipif(not shutil.which("hadolint"), reason="hadolint is not here")
def test_hadolint(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(snippet("docker"))
    argv = ["hadolint", "--failure-threshold", "error", str(tmp_path / "Dockerfile")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
