"""The gate against real gateways with little heap: it holds back those that run out of memory, and no other."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.fixtures import DEFAULT_NOW, DEFAULT_SEED, make

from .gateways import environment, start, write_config
from .install import cache_dir, command
from .record import told

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.conformance
HOLD_BACK = 78
SECONDS = 60
"""2026.3.28 was seen to answer first and to run out of memory within a minute."""


@pytest.mark.parametrize(
    ("release", "mib", "lives"),
    [
        ("2026.3.28", 500, False),
        ("2026.3.28", 2000, False),
        ("2026.3.28", 2300, True),
        ("2026.4.25", 2000, False),
        ("2026.4.25", 4000, False),
        ("2026.5.22", 1000, False),
        ("2026.5.22", 3500, False),
        ("2026.9.6", 500, False),
        ("2026.9.6", 700, False),
        ("2026.9.6", 1000, True),
    ],
)
def test_the_store_of_61633_and_a_heap_of_so_many_mib(release: str, mib: int, lives: bool, tmp_path: Path) -> None:
    program = command(cache_dir(), release)
    if program is None:
        pytest.skip(f"openclaw {release} is not installed (make conformance)")
    state = tmp_path / "state"
    make("issue-61633", state, seed=DEFAULT_SEED, scale=1, now=DEFAULT_NOW)
    write_config(state, ("main",))
    config = state / "openclaw.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"meta": {"lastTouchedVersion": release}}))
    option = f"--max-old-space-size={mib}"
    arguments = ["gate", "--state-dir", str(state)]
    gate = subprocess.run(
        [sys.executable, "-m", "gatewaydoctor", *arguments],
        env=environment(state) | {"NODE_OPTIONS": option},
        capture_output=True,
        text=True,
        check=False,
    )
    came = start(program, state, stay_s=SECONDS, kill=True, node_options=option)
    said = "runs out of memory" if gate.returncode == HOLD_BACK else "lives"
    happened = "lives" if came.up else "runs out of memory"
    assert told(release, "heap", f"61633 with {mib} MiB", said, happened), (gate.stderr, came.log[-2000:])
    assert came.up is lives, came.log[-2000:]
