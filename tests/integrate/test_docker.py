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

from tests.integrate.site import (
    HOSTILE,
    LIMIT_S,
    SOME,
    STOPPED,
    Scene,
    execute,
    program,
    refused,
    snippet,
    state,
)

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
        *("--state-dir", state(scene.fixture, place / "state"), "--limit", str(LIMIT_S)),
        *("--program", scene.program(place / "gatewaydoctor")),
    )
    path = tmp_path / "gate"
    path.write_text(script(text))
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("scene", SOME.values(), ids=SOME)
def test_the_entrypoint_starts_what_it_is_given(scene: Scene, tmp_path: Path) -> None:
    ran = execute([str(gate(scene, tmp_path)), "/bin/echo", "gateway", "a b"], tmp_path, scene.env)
    assert (ran.code, ran.out) == ((0, "gateway a b\n") if scene.starts else (STOPPED, "")), ran.err
    assert scene.said in ran.err


@pytest.mark.parametrize("answers", [True, False])
def test_health_is_that_of_the_gateway_alone(answers: bool, tmp_path: Path) -> None:
    """A bad store makes no container unhealthy: what runs is not killed for what its next start would do."""
    text = snippet("docker", "--state-dir", state("store-unparseable", tmp_path / "state"))
    options, command = re.split(r" CMD ", instruction(text, "HEALTHCHECK"), maxsplit=1)
    assert "--retries=3" in options
    assert "gatewaydoctor" not in command
    asked = tmp_path / "asked"
    program(tmp_path / "bin/node", f'printf "%s\\n" "$@" > {asked}\nexit {0 if answers else 1}')
    ran = execute(["/bin/sh", "-c", command], tmp_path, {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"})
    assert ran.code == (0 if answers else 1)
    assert "127.0.0.1:18789/healthz" in asked.read_text()


@pytest.mark.parametrize(
    ("package", "copied"),
    [
        ("dist/gatewaydoctor.pyz", "COPY --chmod=0755 dist/gatewaydoctor.pyz /opt/gatewaydoctor/bin/gatewaydoctor"),
        ("gatewaydoctor-1-py3-none-any.whl", "pip install --no-cache-dir /tmp/gatewaydoctor-1-py3-none-any.whl"),
        ("./wheels", "--no-index --find-links /tmp/wheels gatewaydoctor"),
        ("registry.example/gd:1", "COPY --from=registry.example/gd:1 /opt/gatewaydoctor /opt/gatewaydoctor"),
    ],
)
def test_it_comes_from_what_is_named_and_from_no_index(package: str, copied: str) -> None:
    text = snippet("docker", "--package", package)
    assert copied in text
    named = [line for line in text.splitlines() if re.search(r"pip install(?!.*(/tmp/|--no-index))", line)]
    assert named == []


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
    words = shlex.split(script(snippet("docker")).splitlines()[1])
    assert words[:4] == ["/opt/gatewaydoctor/bin/gatewaydoctor", "gate", "--state-dir", "/home/node/.openclaw"]
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
