"""Real gateways, started in every way that people start them: none may be taken for stopped. See install.py.

Each is asked about while it starts (no lock yet), once it is up, while it is suspended, and after it was killed. A
second state directory beside it must never be called live.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.system.processes import LinuxProcesses

from .install import RELEASES, cache_dir, command
from .record import told

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.conformance,
    pytest.mark.skipif(sys.platform != "linux", reason="reads /proc"),
]

CONFIG = {
    "gateway": {"mode": "local", "auth": {"mode": "token", "token": "x"}, "controlUi": {"enabled": False}},
    "plugins": {"enabled": False},
}
UP_WITHIN_S = 240
NOBODY = 65534


@dataclass
class Launch:
    """How a gateway is started on `state`. `hidden` where nothing but its lock shows the directory: until it has that
    lock it may be taken for the gateway of the default directory, and nobody can tell for any other. `prefix` are
    words before node's."""

    home: Path
    state: Path
    env: dict[str, str] = field(default_factory=dict)
    options: tuple[str, ...] = ()
    prefix: tuple[str, ...] = ()
    hidden: bool = False
    user: int | None = None

    @property
    def other(self) -> Path:
        return self.home / ".openclaw-other"


def _keep(state: Path) -> Path:
    """A state directory with the smallest config with which every release starts."""
    state.mkdir(parents=True, mode=0o700)
    (state / "openclaw.json").write_text(json.dumps(CONFIG))
    (state / "openclaw.json").chmod(0o600)
    return state


def default(home: Path) -> Launch:
    return Launch(home, _keep(home / ".openclaw"))


def named(home: Path) -> Launch:
    state = _keep(home / "state")
    return Launch(home, state, {"OPENCLAW_STATE_DIR": str(state)})


def config_elsewhere(home: Path) -> Launch:
    state, etc = _keep(home / "state"), _keep(home / "etc")
    return Launch(home, state, {"OPENCLAW_STATE_DIR": str(state), "OPENCLAW_CONFIG_PATH": str(etc / "openclaw.json")})


def through_a_link(home: Path) -> Launch:
    state = _keep(home / "state")
    (home / "link").symlink_to(state)
    return Launch(home, state, {"OPENCLAW_STATE_DIR": str(home / "link")})


def examined_through_a_link(home: Path) -> Launch:
    state = _keep(home / "state")
    (home / "link").symlink_to(state)
    return Launch(home, home / "link", {"OPENCLAW_STATE_DIR": str(state)})


def linked_home(home: Path) -> Launch:
    (home.parent / "linked").symlink_to(home)
    return Launch(home, _keep(home / ".openclaw"), {"HOME": str(home.parent / "linked")})


def relative(home: Path) -> Launch:
    return Launch(home, _keep(home / "state"), {"OPENCLAW_STATE_DIR": "state"})


def relative_config(home: Path) -> Launch:
    _keep(home / "etc")
    env = {"OPENCLAW_STATE_DIR": "./state", "OPENCLAW_CONFIG_PATH": "etc/openclaw.json"}
    return Launch(home, _keep(home / "state"), env)


def profile(home: Path) -> Launch:
    return Launch(home, _keep(home / ".openclaw-work"), options=("--profile", "work"), hidden=True)


def dev(home: Path) -> Launch:
    return Launch(home, _keep(home / ".openclaw-dev"), options=("--dev",), hidden=True)


def other_home(home: Path) -> Launch:
    return Launch(home, _keep(home / "far" / ".openclaw"), {"OPENCLAW_HOME": str(home / "far")})


def other_tmpdir(home: Path) -> Launch:
    (home / "elsewhere").mkdir()
    return Launch(home, _keep(home / ".openclaw"), {"TMPDIR": str(home / "elsewhere")})


def other_user(home: Path) -> Launch:
    if os.getuid():
        pytest.skip("needs root")
    launch = Launch(home, _keep(home / ".openclaw"), user=NOBODY)
    for path in (home, *home.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    return launch


def own_pid_namespace(home: Path) -> Launch:
    prefix = ("unshare", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc")
    if os.getuid() or shutil.which("unshare") is None or subprocess.run([*prefix, "true"], check=False).returncode:
        pytest.skip("cannot make a pid namespace here")
    return Launch(home, _keep(home / ".openclaw"), prefix=prefix)


SHAPES = (
    default,
    named,
    config_elsewhere,
    through_a_link,
    examined_through_a_link,
    linked_home,
    relative,
    relative_config,
    profile,
    dev,
    other_home,
    other_tmpdir,
    other_user,
    own_pid_namespace,
)


@pytest.fixture
def home() -> Iterator[Path]:
    """Where another user may enter: pytest closes its own directories to everybody else."""
    with tempfile.TemporaryDirectory(prefix="gatewaydoctor-") as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "home"
        (path / "tmp").mkdir(parents=True)
        (path / "tmp").chmod(0o700)
        yield path


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_a_real_gateway_is_seen(home: Path, release: str, shape) -> None:
    cli = command(cache_dir(), release)
    if cli is None:
        pytest.skip(f"openclaw {release} is not installed: python tests/conformance/install.py")
    launch = shape(home)
    _keep(launch.other)
    with _started(launch, cli) as (process, port):
        _until(lambda: _has_begun(process.pid))
        seen = {"starting": _liveness(launch.state, home)}
        _until(lambda: _answers(port) or process.poll() is not None)
        assert process.poll() is None, (home / "gateway.log").read_text()[-2_000:]
        seen["up"] = _liveness(launch.state, home)
        seen["the directory next to it"] = _liveness(launch.other, home)
        _signal(process, signal.SIGSTOP)
        seen["suspended"] = _liveness(launch.state, home)
        _signal(process, signal.SIGCONT)
        _signal(process, signal.SIGKILL)
        process.wait()
        _until(lambda: not _descendants(process.pid))
    seen["killed"] = _liveness(launch.state, home)
    is_so = {"the directory next to it": "dead", "killed": "dead"}
    # Where nothing but its lock shows the directory, it cannot be told before there is one.
    may = {"starting": ("live", "unknown")} if launch.hidden else {}
    how = shape.__name__.replace("_", " ")
    agreed = [
        told(release, "liveness", f"{how}: {moment}", answer, _truth(answer, may.get(moment, ()), is_so.get(moment)))
        for moment, answer in seen.items()
    ]
    assert all(agreed), seen


def _truth(answer: str, may: tuple[str, ...], is_so: str | None) -> str:
    return answer if answer in may else is_so or "live"


@contextmanager
def _started(launch: Launch, cli: list[str]) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = {
        "PATH": f"{os.path.dirname(cli[0])}:{os.environ['PATH']}",  # noqa: PTH120
        "HOME": str(launch.home),
        "TMPDIR": str(launch.home / "tmp"),
        "NO_COLOR": "1",
        "OPENCLAW_SKIP_CHANNELS": "1",
        "OPENCLAW_DISABLE_BONJOUR": "1",
        **launch.env,
    }
    words = [*launch.prefix, *cli, *launch.options, "gateway", "run", "--port", str(port), "--bind", "loopback"]
    with (launch.home / "gateway.log").open("wb") as log:
        process = subprocess.Popen(
            words,
            env=env,
            cwd=launch.home,
            stdout=log,
            stderr=log,
            start_new_session=True,
            user=launch.user,
            group=launch.user,
            extra_groups=[] if launch.user else None,
        )
    try:
        yield process, port
    finally:
        _signal(process, signal.SIGKILL)
        process.wait()


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    for pid in (*_descendants(process.pid), process.pid):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def _descendants(pid: int) -> list[int]:
    table = LinuxProcesses()
    parents = {each: info.parent for each, _ in table.command_lines() if (info := table.info(each))}
    found, waiting = [], [pid]
    while waiting:
        parent = waiting.pop()
        children = [child for child, its in parents.items() if its == parent]
        found += children
        waiting += children
    return found


def _has_begun(pid: int) -> bool:
    """Whether the gateway's own program runs, and not only what starts it."""
    argv = dict(LinuxProcesses().command_lines())
    return any("openclaw" in " ".join(argv.get(each) or ()) for each in (pid, *_descendants(pid)) if _is_node(each))


def _is_node(pid: int) -> bool:
    return (LinuxProcesses().executable(pid) or "").endswith("/node")


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def _until(holds) -> None:
    deadline = time.monotonic() + UP_WITHIN_S
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.2)


def _liveness(state: Path, home: Path) -> str:
    """What the program says, asked by somebody whose environment has nothing of the gateway's."""
    env = {"PATH": os.environ["PATH"], "HOME": str(home.parent)}
    words = [sys.executable, "-m", "gatewaydoctor", "scan", "--json", "--state-dir", str(state)]
    done = subprocess.run(words, env=env, capture_output=True, check=False)
    answer = json.loads(done.stdout)["gateway"]
    print(state, answer["liveness"], *answer["evidence"], sep="\n  ")  # pytest shows it where a test fails
    return answer["liveness"]
