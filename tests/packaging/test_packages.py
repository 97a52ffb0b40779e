"""What is handed out, installed and run as an operator would."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
import venv
import zipfile
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor import __version__
from gatewaydoctor.fixtures import DEFAULT_NOW
from tests.packaging.conftest import ROOT, THIS_PYTHON, ran

if TYPE_CHECKING:
    from pathlib import Path

    from tests.packaging.conftest import Built

pytestmark = pytest.mark.packaging

HEALTHY = ROOT / "fixtures" / "healthy" / "state"
CLOCK = str(DEFAULT_NOW)


@pytest.fixture(scope="module")
def program(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The console script in a fresh environment that knows nothing of the checkout."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=True)
    ran(folder / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", built.wheel)
    return folder / "bin" / "gatewaydoctor"


def looks_at_a_healthy_directory(*command: object, tmp_path: Path, **changes: str) -> None:
    """Version, scan and check, from a directory where there is no checkout, on a copy of a fixture."""
    state = tmp_path / "state"
    shutil.copytree(HEALTHY, state)
    before = sorted((path, path.stat().st_mtime_ns) for path in state.rglob("*"))
    clock = {"GATEWAYDOCTOR_NOW": CLOCK, **changes}
    assert ran(*command, "--version", cwd=tmp_path, **clock) == f"gatewaydoctor {__version__}\n"
    assert "WILL IT START  Yes." in ran(*command, "scan", "--state-dir", state, cwd=tmp_path, **clock)
    examine = (*command, "check", "--json", "--state-dir", state)
    told = json.loads(ran(*examine, cwd=tmp_path, stderr=subprocess.DEVNULL, **clock))
    assert (told["ok"], told["stores"][0]["agentId"]) == (True, "main")
    assert sorted((path, path.stat().st_mtime_ns) for path in state.rglob("*")) == before


def test_an_installed_wheel_works(program: Path, tmp_path: Path) -> None:
    looks_at_a_healthy_directory(program, tmp_path=tmp_path)


def test_the_version_is_said_at_once(program: Path) -> None:
    def seconds(*command: object) -> float:
        """The fastest of five, for a busy machine makes any of them slow."""
        times = []
        for _ in range(5):
            began = time.perf_counter()
            ran(*command)
            times.append(time.perf_counter() - began)
        return min(times)

    assert seconds(program, "--version") - seconds(program.with_name("python"), "-c", "pass") < 0.15


def test_an_installed_wheel_has_its_data(program: Path) -> None:
    code = "from gatewaydoctor.report.schema import DIRECTORY as d; print(len(list(d.glob('*.schema.json'))))"
    expected = len(list((ROOT / "gatewaydoctor/report/schema").glob("*.schema.json")))
    assert int(ran(program.with_name("python"), "-c", code)) == expected > 0


SHARED = {
    "bash-completion/completions/gatewaydoctor": "completions/gatewaydoctor.bash",
    "zsh/site-functions/_gatewaydoctor": "completions/_gatewaydoctor",
    "fish/vendor_completions.d/gatewaydoctor.fish": "completions/gatewaydoctor.fish",
    "man/man1/gatewaydoctor.1": "docs/gatewaydoctor.1",
}


@pytest.mark.parametrize("place", SHARED)
def test_an_installed_wheel_has_completions_and_a_manual(place: str, program: Path) -> None:
    installed = program.parent.parent / "share" / place
    assert installed.read_bytes() == (ROOT / SHARED[place]).read_bytes()


def test_pipx_takes_the_wheel(built: Built, program: Path, tmp_path: Path) -> None:
    python = program.with_name("python")
    ran(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "pipx")
    places = {"PIPX_HOME": str(tmp_path / "pipx"), "PIPX_BIN_DIR": str(tmp_path / "bin")}
    ran(python, "-m", "pipx", "install", built.wheel, PIPX_MAN_DIR=str(tmp_path / "man"), **places)
    assert ran(tmp_path / "bin/gatewaydoctor", "--version") == f"gatewaydoctor {__version__}\n"
    assert (tmp_path / "man/man1/gatewaydoctor.1").exists()


def test_the_wheel_holds_the_whole_package_and_nothing_else(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as archive:
        names = set(archive.namelist())
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "gatewaydoctor").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if ".dist-info/" not in name and ".data/" not in name} == package
    assert "gatewaydoctor/py.typed" in names
    assert f"gatewaydoctor-{__version__}.dist-info/licenses/LICENSE" in names


@pytest.fixture(scope="module")
def unpacked_sdist(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(built.sdist) as archive:
        archive.extractall(folder, filter="data")
    return folder / f"gatewaydoctor-{__version__}"


def test_the_sdist_holds_every_file_of_the_checkout(unpacked_sdist: Path) -> None:
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("not a checkout, or no git")
    known = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    missing = [name for name in known.stdout.split("\0") if name and not os.path.lexists(unpacked_sdist / name)]
    assert missing == []


def test_tests_run_from_the_sdist(unpacked_sdist: Path) -> None:
    tests = ("tests/test_layers.py", "tests/test_readme.py", "tests/fixtures/test_committed.py")
    said = ran(sys.executable, "-m", "pytest", *tests, cwd=unpacked_sdist)
    assert "passed" in said
    assert "skipped" not in said


def test_the_pyz_works(built: Built, tmp_path: Path) -> None:
    looks_at_a_healthy_directory(
        sys.executable, built.pyz, tmp_path=tmp_path, GATEWAYDOCTOR_CACHE=str(tmp_path / "c")
    )


def test_the_pyz_needs_no_home_and_makes_none(built: Built, tmp_path: Path) -> None:
    home = tmp_path / "nonexistent"
    ran(sys.executable, built.pyz, "fixtures", "list", HOME=str(home), TMPDIR=str(tmp_path))
    assert not home.exists()
    (cache,) = tmp_path.iterdir()
    assert cache.name == f"gatewaydoctor-{os.geteuid()}"
    assert cache.stat().st_mode & 0o777 == 0o700


def test_the_pyz_is_repeatable(built: Built, tmp_path: Path) -> None:
    again = tmp_path / "again.pyz"
    ran(sys.executable, ROOT / "tools/pyz/build.py", "--python", THIS_PYTHON, "--out", again)
    assert again.read_bytes() == built.pyz.read_bytes()


def test_commands_it_shows_start_the_pyz_again(built: Built, tmp_path: Path) -> None:
    state = tmp_path / "state"
    shutil.copytree(ROOT / "fixtures" / "incident-61633" / "state", state)
    command = (sys.executable, built.pyz, "scan", "--state-dir", state)
    said = ran(*command, GATEWAYDOCTOR_NOW=CLOCK, GATEWAYDOCTOR_CACHE=str(tmp_path / "c"), COLUMNS="300")
    assert f"{sys.executable} {built.pyz} repair" in said
