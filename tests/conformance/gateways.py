"""Start, stop and kill a real gateway on one state directory, on loopback and without channels."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

START_S = 240
STOP_S = 60


@dataclass(frozen=True, slots=True)
class Outcome:
    """`code` is None where it came up, else the exit code of the start. `log` is all it printed, `up_s` the seconds
    until it answered."""

    code: int | None
    log: str
    up_s: float = 0

    @property
    def up(self) -> bool:
        return self.code is None


def environment(state: Path) -> dict[str, str]:
    """Nothing of the caller's OpenClaw leaks in, but for the place where 2026.4.25 keeps what npm installed. HOME and
    TMPDIR are beside the state directory."""
    home = state.with_name(f"{state.name}-home")
    (home / "tmp").mkdir(parents=True, exist_ok=True)
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(home),
        "TMPDIR": str(home / "tmp"),
        "OPENCLAW_STATE_DIR": str(state),
        "OPENCLAW_SKIP_CHANNELS": "1",
        "OPENCLAW_DISABLE_BONJOUR": "1",
        "NO_COLOR": "1",
        **{name: os.environ[name] for name in ("OPENCLAW_PLUGIN_STAGE_DIR",) if name in os.environ},
        "NODE_COMPILE_CACHE": os.environ.get("NODE_COMPILE_CACHE", str(home / "compiled")),
    }


def write_config(state: Path, agents: tuple[str, ...]) -> None:
    """Its port is not the usual one, at which another gateway of this machine may answer."""
    state.mkdir(parents=True, exist_ok=True)
    state.chmod(0o700)
    config = {
        "gateway": {
            "mode": "local",
            "port": free_port(),
            "auth": {"mode": "token", "token": "x"},
            "controlUi": {"enabled": False},
        },
        "plugins": {"enabled": False},
        "agents": {"list": [{"id": agent, **({"default": True} if agent == agents[0] else {})} for agent in agents]},
    }
    path = state / "openclaw.json"
    path.write_text(json.dumps(config, indent=2))
    path.chmod(0o600)


def start(
    command: list[str],
    state: Path,
    *,
    kill: bool = False,
    stay_s: float = 0,
    node_options: str | None = None,
    by_config: bool = False,
) -> Outcome:
    """Start it, wait until it is healthy or has ended, and stop it `stay_s` later: cleanly, or with SIGKILL. With
    `by_config` it listens where its config says, else on loopback."""
    port = _configured_port(state) if by_config else free_port()
    where = [] if by_config else ["--port", str(port), "--bind", "loopback"]
    log = state.with_name(f"{state.name}.log")
    began = time.monotonic()
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*command, "gateway", "run", *where],
            env=environment(state) | ({"NODE_OPTIONS": node_options} if node_options else {}),
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = _wait(process, port)
            up_s = time.monotonic() - began
            if code is None and stay_s:
                with suppress(subprocess.TimeoutExpired):
                    code = process.wait(stay_s)
            if code is None:
                _end(process, signal.SIGKILL if kill else signal.SIGTERM)
        finally:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(STOP_S)
            _end_helpers(state)
    return Outcome(code, log.read_text(errors="replace"), up_s)


def _configured_port(state: Path) -> int:
    return int(json.loads((state / "openclaw.json").read_text())["gateway"]["port"])


def _wait(process: subprocess.Popen[bytes], port: int) -> int | None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        code = process.poll()
        if code is not None:
            return code
        url = f"http://127.0.0.1:{port}/healthz"
        with suppress(OSError), urllib.request.urlopen(url, timeout=3) as answer:
            if answer.status == 200:
                return None
        time.sleep(0.5)
    raise TimeoutError(f"the gateway neither came up nor ended within {START_S} s")


def _end(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    os.killpg(process.pid, how) if how is signal.SIGKILL else process.send_signal(how)
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP_S)


def _end_helpers(state: Path) -> None:
    """What a start leaves running in a session of its own, such as what looks into why it failed."""
    mine = f"OPENCLAW_STATE_DIR={state}".encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            program = (folder / "comm").read_text()
            if program.startswith("openclaw") and mine in (folder / "environ").read_bytes().split(b"\0"):
                os.kill(int(folder.name), signal.SIGKILL)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
