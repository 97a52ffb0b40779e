"""The start-up code of gatewaydoctor.pyz on a small archive: where it unpacks, where it refuses to, whom it fits."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.packaging.conftest import ROOT, environment

if TYPE_CHECKING:
    from types import ModuleType

TOOLS = ROOT / "tools" / "pyz"
PROGRAM = "import sys\ndef run():\n    print('ran', sys.argv[1:], __file__)\n"


def loaded(name: str) -> ModuleType:
    spec = spec_from_file_location(f"pyz{name}", TOOLS / f"{name}.py")
    assert spec and spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


build, start = loaded("build"), loaded("__main__")
TARGET: str = start.target()
INSIDE: dict[str, Any] = {TARGET: {"python": "3.11", "system": "this machine", "glibc": None}}


def archive(folder: Path, program: str = PROGRAM, targets: dict[str, Any] = INSIDE) -> Path:
    """A pyz whose package only says that it ran, and where from."""
    folder.mkdir(exist_ok=True)
    package = {"gatewaydoctor/__init__.py": b"", "gatewaydoctor/__main__.py": program.encode()}
    compiled = {"compiled.py": b""}
    parts = {"any": package, TARGET: compiled, "cpython-399-x86_64-linux-gnu": compiled}
    build.write(folder / "gatewaydoctor.pyz", parts, "1.0", targets)
    return folder / "gatewaydoctor.pyz"


def started(pyz: Path, *arguments: str, code: int = 0, **variables: str) -> str:
    """What it says on the stream that fits the code; nothing on the other."""
    done = subprocess.run(
        [sys.executable, str(pyz), *arguments],
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    said, silent = (done.stderr, done.stdout) if code else (done.stdout, done.stderr)
    assert silent == ""
    return said


def test_it_unpacks_once_and_only_what_fits(tmp_path: Path) -> None:
    pyz, cache = archive(tmp_path / "a"), tmp_path / "cache"
    first = started(pyz, "--state-dir", "x", GATEWAYDOCTOR_CACHE=str(cache))
    assert first.startswith("ran ['--state-dir', 'x'] ")
    (folder,) = cache.iterdir()
    inode = folder.stat().st_ino
    assert {each.name for each in folder.iterdir()} == {"any", TARGET}
    assert {each.stat().st_mode & 0o777 for each in (cache, folder)} == {0o700}
    assert started(pyz, "--state-dir", "x", GATEWAYDOCTOR_CACHE=str(cache)) == first
    assert [each.stat().st_ino for each in cache.iterdir()] == [inode]


@pytest.mark.parametrize("spelled", ["a/gatewaydoctor.pyz", "./a/gatewaydoctor.pyz", "a/../a//gatewaydoctor.pyz"])
@pytest.mark.parametrize("interpreter", [[sys.executable], []])
def test_it_starts_by_whatever_path(spelled: str, interpreter: list[str], tmp_path: Path) -> None:
    archive(tmp_path / "a")
    # `python3` of the first line is the one that runs the tests.
    first = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    variables = environment(GATEWAYDOCTOR_CACHE=str(tmp_path / "cache"), PATH=first)
    for path in (spelled, f"{tmp_path}/{spelled}"):
        done = subprocess.run(
            [*interpreter, path], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout[:4], done.stderr) == (0, "ran ", "")


def test_later_starts_are_fast_where_python_keeps_no_bytecode(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    started(archive(tmp_path / "a"), GATEWAYDOCTOR_CACHE=str(cache), PYTHONDONTWRITEBYTECODE="1")
    assert list(cache.rglob("*.pyc"))


def test_another_build_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    started(archive(tmp_path / "a"), GATEWAYDOCTOR_CACHE=str(cache))
    (old,) = cache.iterdir()
    (cache / "mine").touch()
    started(archive(tmp_path / "b", PROGRAM + "# newer\n"), GATEWAYDOCTOR_CACHE=str(cache))
    left = {each.name for each in cache.iterdir()}
    assert len(left) == 2
    assert old.name not in left
    assert "mine" in left


def test_a_build_that_runs_is_not_removed(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    started(archive(tmp_path / "a"), GATEWAYDOCTOR_CACHE=str(cache))
    (old,) = cache.iterdir()
    descriptor = os.open(old, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    started(archive(tmp_path / "b", PROGRAM + "# newer\n"), GATEWAYDOCTOR_CACHE=str(cache))
    os.close(descriptor)
    assert len(list(cache.iterdir())) == 2
    assert old.exists()


def test_a_lock_is_held_while_it_runs(tmp_path: Path) -> None:
    probe = (
        "import fcntl, os\n"
        "def run():\n"
        "    folder = os.open(os.path.dirname(__file__) + '/../..', os.O_RDONLY)\n"
        "    try:\n        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "    except BlockingIOError:\n        print('held')\n"
    )
    assert started(archive(tmp_path / "a", probe), GATEWAYDOCTOR_CACHE=str(tmp_path / "cache")) == "held\n"


def test_many_first_starts_at_once_are_all_right(tmp_path: Path) -> None:
    pyz, cache = archive(tmp_path / "a"), tmp_path / "cache"
    command = [sys.executable, str(pyz)]
    variables = environment(GATEWAYDOCTOR_CACHE=str(cache))
    running = [subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    said = {each.communicate()[0] for each in running}
    assert [each.returncode for each in running] == [0] * 6
    assert len(said) == 1
    assert len(list(cache.iterdir())) == 1


def test_a_home_that_is_missing_is_not_made(tmp_path: Path) -> None:
    home = tmp_path / "home"
    said = started(archive(tmp_path / "a"), HOME=str(home), TMPDIR=str(tmp_path))
    assert f"{tmp_path}/gatewaydoctor-{os.geteuid()}/" in said
    assert not home.exists()


def test_a_home_of_this_user_is_used(tmp_path: Path) -> None:
    said = started(archive(tmp_path / "a"), HOME=str(tmp_path), TMPDIR=str(tmp_path / "t"))
    assert f"{tmp_path}/.cache/gatewaydoctor/pyz-1.0-" in said
    assert (tmp_path / ".cache").stat().st_mode & 0o777 == 0o700


def linked(tmp_path: Path) -> Path:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "cache").symlink_to(tmp_path / "elsewhere")
    return tmp_path / "cache"


def open_to_all(tmp_path: Path) -> Path:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache").chmod(0o777)
    return tmp_path / "cache"


def another_users(tmp_path: Path) -> Path:
    if os.geteuid():
        pytest.skip("only root can give a directory away")
    (tmp_path / "cache").mkdir(mode=0o700)
    os.chown(tmp_path / "cache", 65534, 65534)
    return tmp_path / "cache"


def a_file(tmp_path: Path) -> Path:
    (tmp_path / "cache").touch()
    return tmp_path / "cache"


def in_a_state_directory(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "openclaw.json").touch()
    return tmp_path / "state" / "cache"


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (linked, "it is a symbolic link"),
        (open_to_all, "others may write to it"),
        (another_users, "it belongs to another user"),
        (a_file, "File exists"),
        (in_a_state_directory, "it lies in a state directory"),
        (lambda tmp_path: tmp_path / "gone" / "cache", "No such file or directory"),
    ],
)
def test_a_place_that_cannot_be_trusted_is_named_and_left(made: Any, reason: str, tmp_path: Path) -> None:
    pyz, cache = archive(tmp_path / "a"), made(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    said = started(pyz, code=2, GATEWAYDOCTOR_CACHE=str(cache))
    assert f"  {cache}: {reason}" in said
    assert "GATEWAYDOCTOR_CACHE=DIR" in said
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("spelled", [["--state-dir", "{}"], ["scan", "--state-dir={}"], []])
def test_a_default_place_inside_the_state_directory_is_passed_over(spelled: list[str], tmp_path: Path) -> None:
    home, other = tmp_path / "home", tmp_path / "t"
    home.mkdir()
    other.mkdir()
    arguments = [each.format(home) for each in spelled]
    variables = {} if arguments else {"OPENCLAW_STATE_DIR": str(home)}
    said = started(archive(tmp_path / "a"), *arguments, HOME=str(home), TMPDIR=str(other), **variables)
    assert f"{other}/gatewaydoctor-" in said
    assert list(home.iterdir()) == []


def test_a_noexec_volume_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = loaded("pyz_cache")

    class Volume:
        f_flag = os.ST_NOEXEC if hasattr(os, "ST_NOEXEC") else 8

    monkeypatch.setattr(cache, "_NOEXEC", Volume.f_flag)
    monkeypatch.setattr(cache.os, "statvfs", lambda _: Volume)
    with pytest.raises(cache.Unusable, match="noexec"):
        cache._make(tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_a_damaged_file_is_said_and_nothing_is_kept_of_it(tmp_path: Path) -> None:
    pyz, cache = archive(tmp_path / "a"), tmp_path / "cache"
    pyz.write_bytes(pyz.read_bytes().replace(b"PK\x05\x06", b"PK\x00\x00", 1))  # the end of the first part in it
    said = started(pyz, code=2, GATEWAYDOCTOR_CACHE=str(cache))
    assert f"{pyz} is damaged; copy it again" in said
    assert list(cache.iterdir()) == []


def test_an_interpreter_that_does_not_fit_is_told_what_is_inside(tmp_path: Path) -> None:
    inside = {"cpython-399-x86_64-linux-gnu": {"python": "3.99", "system": "x86_64 Linux", "glibc": "2.17"}}
    said = started(archive(tmp_path / "a", targets=inside), code=2, GATEWAYDOCTOR_CACHE=str(tmp_path / "cache"))
    version = ".".join(map(str, sys.version_info[:2]))
    assert said.startswith(f"gatewaydoctor.pyz: This is Python {version} for {TARGET}, and none inside is for it.\n")
    assert "Inside: CPython 3.99 for x86_64 Linux.\n" in said
    assert not (tmp_path / "cache").exists()


def test_only_an_interpreter_that_would_do_is_suggested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "python3.99").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(start, "glibc", lambda: (2, 17))
    new, old = ({"python": "3.99", "system": "s", "glibc": glibc} for glibc in ("2.28", "2.17"))
    gnu, musl = "cpython-399-x86_64-linux-gnu", "cpython-399-x86_64-linux-musl"
    for inside, wanted, found in (
        ({gnu: old}, "cpython-311-x86_64-linux-gnu", ["python3.99"]),
        ({gnu: new}, "cpython-311-x86_64-linux-gnu", []),
        ({musl: old}, "cpython-311-x86_64-linux-gnu", []),
        ({gnu: old}, "python-2.7", ["python3.99"]),
    ):
        assert start.others(inside, wanted) == found


def test_other_platforms_take_another_name() -> None:
    assert build.name_for(build.PLATFORMS) == "gatewaydoctor.pyz"
    assert build.name_for(["musllinux_1_2_x86_64"]) == "gatewaydoctor-musllinux_1_2_x86_64.pyz"


def test_a_glibc_that_is_too_old_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    inside = {"t": {"python": "3.11", "system": "s", "glibc": "2.28"}}
    monkeypatch.setattr(start, "glibc", lambda: (2, 17))
    assert start.misfit(inside, "t") == "The compiled parts need glibc 2.28, and this host has 2.17."
    monkeypatch.setattr(start, "glibc", lambda: (2, 28))
    assert start.misfit(inside, "t") is None


@pytest.mark.parametrize(
    ("platform", "target"),
    [
        ("manylinux_2_28_x86_64", "cpython-312-x86_64-linux-gnu"),
        ("musllinux_1_2_aarch64", "cpython-312-aarch64-linux-musl"),
        ("macosx_11_0_arm64", "cpython-312-darwin-arm64"),
    ],
)
def test_targets_are_named_as_interpreters_name_them(platform: str, target: str) -> None:
    assert build.target_of("3.12", platform) == target


def test_this_interpreter_finds_its_own_name() -> None:
    import sysconfig

    soabi = sysconfig.get_config_var("SOABI")
    assert (f"{soabi}-{os.uname().machine}" if sys.platform == "darwin" else soabi) == TARGET
