"""The manifests as Kubernetes reads them, and what their containers then run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.integrate.site import HOSTILE, LIMIT_S, SOME, Scene, execute, program, refused, snippet, state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

needs_kubectl = pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not here")
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "openclaw"},
    "spec": {
        "selector": {"matchLabels": {"app": "openclaw"}},
        "template": {
            "metadata": {"labels": {"app": "openclaw"}},
            "spec": {
                "initContainers": [{"name": "init-config", "image": "busybox:1.37"}],
                "containers": [{"name": "gateway", "image": "openclaw"}],
            },
        },
    },
}


def expanded(text: str) -> str:
    """An argument as Kubernetes hands it over: `$(NAME)` is replaced where there is such a variable, `$$` is `$`."""
    return re.sub(r"\$(\$|\((HOME|id)\))", lambda found: "$" if found[1] == "$" else "REPLACED", text)


def command(container: dict[str, Any]) -> list[str]:
    return [expanded(word) for word in (*container["command"], *container["args"])]


def init_container(text: str) -> dict[str, Any]:
    (container,) = yaml.safe_load(text)["spec"]["template"]["spec"]["initContainers"]
    assert isinstance(container, dict)
    return container


@pytest.mark.parametrize("scene", SOME.values(), ids=SOME)
def test_what_the_init_container_runs(scene: Scene, tmp_path: Path) -> None:
    place = tmp_path / HOSTILE
    text = snippet(
        "kubernetes",
        *("--state-dir", state(scene.fixture, place / "state"), "--limit", str(LIMIT_S)),
        *("--program", scene.program(place / "gatewaydoctor")),
    )
    ran = execute(command(init_container(text)), tmp_path, scene.env)
    assert (ran.code, ran.out) == (scene.code, ""), ran.err
    assert scene.said in ran.err


def test_the_state_is_mounted_read_only_and_nothing_is_allowed() -> None:
    container = init_container(snippet("kubernetes", "--image", "registry/gd:1"))
    assert container["image"] == "registry/gd:1"
    (mount,) = container["volumeMounts"]
    assert (mount["mountPath"], mount["readOnly"]) == ("/home/node/.openclaw", True)
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert "limits" not in container["resources"]


def test_only_the_init_container_speaks_of_what_could_keep_the_gateway_from_starting() -> None:
    words = "keep the gateway from starting"
    assert words in snippet("kubernetes")
    assert words not in snippet("kubernetes", "--form", "cronjob")


def test_an_image_must_be_one() -> None:
    assert "is not an image name" in refused("kubernetes", "--image", "a b")


@needs_kubectl
def test_kubectl_patches_with_it_and_switches_the_gate_off(tmp_path: Path) -> None:
    (tmp_path / "patch.yaml").write_text(snippet("kubernetes"))
    (tmp_path / "deployment.json").write_text(json.dumps(DEPLOYMENT))
    patch = ["kubectl", "patch", "--local", "-f", "deployment.json", "--patch-file", "patch.yaml", "-o", "json"]
    patched = execute(patch, tmp_path)
    assert patched.code == 0, patched.err
    spec = json.loads(patched.out)["spec"]["template"]["spec"]
    assert {each["name"] for each in spec["initContainers"]} == {"init-config", "gatewaydoctor"}
    (tmp_path / "patched.json").write_text(patched.out)
    words = re.findall(r"kubectl set env deployment/openclaw (.*)", (tmp_path / "patch.yaml").read_text())[0].split()
    off = execute(["kubectl", "set", "env", "--local", "-f", "patched.json", "-o", "json", *words], tmp_path)
    assert off.code == 0, off.err
    by_name = {each["name"]: each for each in json.loads(off.out)["spec"]["template"]["spec"]["initContainers"]}
    assert by_name["gatewaydoctor"]["env"] == [{"name": "GATEWAYDOCTOR_GATE", "value": "off"}]


def cronjob(*arguments: str) -> dict[str, Any]:
    value = yaml.safe_load(snippet("kubernetes", "--form", "cronjob", *arguments))
    assert isinstance(value, dict)
    return value


class _Gateway(BaseHTTPRequestHandler):
    """A push gateway that remembers what it was sent."""

    got: list[tuple[str, str]]

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.got.append((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def push() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    got: list[tuple[str, str]] = []
    server = HTTPServer(("127.0.0.1", 0), type("Handler", (_Gateway,), {"got": got}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", got
    server.shutdown()
    server.server_close()


def pod(job: dict[str, Any]) -> dict[str, Any]:
    spec = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert isinstance(spec, dict)
    return spec


@pytest.mark.parametrize("fixture", ["healthy", "store-unparseable"])
def test_the_cronjob_logs_a_report_and_pushes_metrics(
    fixture: str, tmp_path: Path, push: tuple[str, list[tuple[str, str]]]
) -> None:
    url, got = push
    place = tmp_path / HOSTILE
    options = ("--state-dir", state(fixture, place / "state"), "--program", program(place / "gatewaydoctor"))
    (container,) = pod(cronjob(*options))["containers"]
    ran = execute(command(container), tmp_path, {"PUSHGATEWAY": url, "NAMESPACE": "one"})
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["command"] == "check"
    ((path, body),) = got
    assert path == "/metrics/job/gatewaydoctor/namespace/one"
    assert "gatewaydoctor_success 1" in body


def test_the_cronjob_fails_where_it_could_not_look(tmp_path: Path) -> None:
    options = ("--state-dir", str(tmp_path / "none"), "--program", program(tmp_path / "gatewaydoctor"))
    (container,) = pod(cronjob(*options))["containers"]
    ran = execute(command(container), tmp_path, {"PUSHGATEWAY": ""})
    assert (ran.code, json.loads(ran.out)["error"]["code"]) == (2, "cannot-examine")


def test_the_volume_of_the_cronjob_is_mounted_read_only() -> None:
    spec = pod(cronjob())
    assert {each["name"] for each in spec["volumes"]} == {
        each["name"] for each in spec["containers"][0]["volumeMounts"]
    }
    assert spec["containers"][0]["volumeMounts"][0]["readOnly"] is True


@pytest.mark.skipif(not shutil.which("kubeconform"), reason="kubeconform is not here")
def test_kubeconform(tmp_path: Path) -> None:
    (tmp_path / "job.yaml").write_text(snippet("kubernetes", "--form", "cronjob"))
    argv = ["kubeconform", "-strict", str(tmp_path / "job.yaml")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
