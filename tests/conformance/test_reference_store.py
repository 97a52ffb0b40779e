"""The reference store against the real thing: 200 random stores per release through `sessions cleanup --enforce`.

Compared after the cleanup: every file name (and with it what was archived), and every file's bytes (and with them
the kept keys). Needs the releases, see install.py.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from gatewaydoctor.simulate.refstore import POLICIES, ReferenceStore, resolve_maintenance
from gatewaydoctor.simulate.refstore.js import GatewayTypeError, stringify

from .install import cache_dir, command
from .record import told
from .stores import MAINTENANCE, make_case, write_case

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.conformance

STORES_PER_RELEASE = 200
GROUPS = 20
Listing = dict[str, bytes | str]


@pytest.mark.parametrize("release", POLICIES)
@pytest.mark.parametrize("group", range(GROUPS))
def test_cleanup_enforce_agrees(release: str, group: int, tmp_path: Path) -> None:
    cli = command(cache_dir(), release)
    if cli is None:
        pytest.skip(f"openclaw {release} is not installed: python tests/conformance/install.py")
    settings = MAINTENANCE[group % len(MAINTENANCE)]
    size = STORES_PER_RELEASE // GROUPS
    seeds = {f"a{n}": group * size + n for n in range(size)}
    state, now_ms = tmp_path / "state", time.time_ns() // 1_000_000
    expected = {agent: _reference(state, agent, seed, now_ms, release, settings) for agent, seed in seeds.items()}
    throwing = [agent for agent, (_, threw) in expected.items() if threw]

    together = [agent for agent in seeds if agent not in throwing]
    _lay_out(state, {agent: seeds[agent] for agent in together}, now_ms, settings)
    code = _cleanup(cli, state, tmp_path)
    agreed = [
        _told(release, seeds[agent], expected[agent], (_after(state, agent, now_ms), code)) for agent in together
    ]
    for agent in throwing:
        _lay_out(state, {agent: seeds[agent]}, now_ms, settings)
        code = _cleanup(cli, state, tmp_path)
        agreed.append(_told(release, seeds[agent], expected[agent], (_after(state, agent, now_ms), code)))
    assert all(agreed)


def _told(release: str, seed: int, ours: tuple[Listing, bool], theirs: tuple[Listing, int]) -> bool:
    """Whether the same files were left, and an error ended it where one was foreseen; the difference by file name."""
    (expected, threw), (left, code) = ours, theirs
    names = sorted(name for name in {*expected, *left} if expected.get(name) != left.get(name))
    end = {True: "an error", False: f"{len(expected)} files"}
    happened = f"other: {', '.join(names)}" if names else end[code != 0]
    return told(release, "reference_store", f"seed {seed:03}", end[threw], happened)


def _reference(
    state: Path, agent: str, seed: int, now_ms: int, release: str, settings: dict[str, Any]
) -> tuple[Listing, bool]:
    """What the reference store leaves of this seed's directory, and whether it says that the release throws."""
    _lay_out(state, {agent: seed}, now_ms, settings)
    sessions = _sessions(state, agent)
    policy = POLICIES[release]
    store = ReferenceStore(sessions / "sessions.json", policy, resolve_maintenance(policy, settings))
    try:
        store.cleanup(enforce=True)
    except GatewayTypeError:
        return _listing(sessions, now_ms), True
    return _listing(sessions, now_ms), False


def _after(state: Path, agent: str, now_ms: int) -> Listing:
    return _listing(_sessions(state, agent), now_ms)


def _sessions(state: Path, agent: str) -> Path:
    return state / "agents" / agent / "sessions"


def _lay_out(state: Path, seeds: dict[str, int], now_ms: int, settings: dict[str, Any]) -> None:
    subprocess.run(["rm", "-rf", str(state)], check=True)
    state.mkdir()
    agents = [{"id": agent, "default": n == 0} for n, agent in enumerate(seeds)]
    config = {"agents": {"list": agents}, "session": {"maintenance": settings}}
    (state / "openclaw.json").write_text(stringify(config))
    for agent, seed in seeds.items():
        sessions = _sessions(state, agent)
        write_case(make_case(seed, sessions, now_ms), sessions, now_ms)


def _cleanup(cli: list[str], state: Path, tmp_path: Path) -> int:
    """Run the real cleanup. A closed port of our own keeps it from asking a gateway that happens to run here."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "NO_COLOR": "1",
        "OPENCLAW_STATE_DIR": str(state),
        "OPENCLAW_CONFIG_PATH": str(state / "openclaw.json"),
        "OPENCLAW_GATEWAY_PORT": str(port),
    }
    arguments = [*cli, "sessions", "cleanup", "--enforce", "--all-agents", "--json"]
    return subprocess.run(arguments, env=environment, cwd=home, capture_output=True, check=False).returncode


_NOW_NAME = re.compile(r"\.(?:deleted\.(\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z)|bak\.(\d{13}))$")


def _listing(sessions: Path, now_ms: int) -> Listing:
    """Name to bytes, or to the kind of what is no regular file; the time in names made by the run is masked."""
    found: Listing = {}
    for path in sorted(sessions.iterdir()):
        content: bytes | str
        if path.is_symlink():
            content = f"link to {path.readlink()}"
        elif path.is_dir():
            content = "folder"
        else:
            content = path.read_bytes()
        found[_mask(path.name, now_ms)] = content
    return found


def _mask(name: str, now_ms: int) -> str:
    hit = _NOW_NAME.search(name)
    if hit is None:
        return name
    if hit[2]:
        fresh = int(hit[2]) >= now_ms
    else:
        fresh = hit[1] >= time.strftime("%Y-%m-%dT%H-%M-%S", time.gmtime(now_ms / 1000))
    return name[: hit.start() + 1] + name[hit.start() + 1 :].partition(".")[0] + ".NOW" if fresh else name
