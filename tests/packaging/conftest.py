"""Wheel, sdist and pyz, built once; these tests run when asked for: `make test-packaging`."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
THIS_PYTHON = f"3.{sys.version_info[1]}"


@dataclass(frozen=True, slots=True)
class Built:
    wheel: Path
    sdist: Path
    pyz: Path


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "packaging" in (config.getoption("markexpr") or ""):
        return
    skip = pytest.mark.skip(reason="opt-in: make test-packaging")
    for item in items:
        if item.get_closest_marker("packaging"):
            item.add_marker(skip)


def environment(**changes: str) -> dict[str, str]:
    """That of the tests without what steers the program or Python."""
    steering = ("GATEWAYDOCTOR", "OPENCLAW", "PYTHON", "XDG_", "TMPDIR")
    return {name: value for name, value in os.environ.items() if not name.startswith(steering)} | changes


def ran(
    *command: object, code: int = 0, cwd: Path | None = None, stderr: int = subprocess.STDOUT, **changes: str
) -> str:
    """What a command that ends with `code` says on both streams, or on stdout alone."""
    done = subprocess.run(
        [str(each) for each in command],
        cwd=cwd,
        env=environment(**changes),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == code, done.stdout
    return done.stdout


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The sdist from the checkout, the wheel from the sdist, the pyz for the Python and the platform tested on."""
    dist = tmp_path_factory.mktemp("dist")
    ran(sys.executable, "-m", "build", "--outdir", dist, ROOT)
    pyz = dist / "gatewaydoctor.pyz"
    ran(sys.executable, ROOT / "tools/pyz/build.py", "--python", THIS_PYTHON, "--out", pyz)
    return Built(next(dist.glob("*.whl")), next(dist.glob("*.tar.gz")), pyz)
