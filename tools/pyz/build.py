"""Build dist/gatewaydoctor.pyz: one file with every dependency, for hosts where nothing may be installed.

`python tools/pyz/build.py [--python 3.11 …] [--platform manylinux_2_28_x86_64 …] [--out FILE]`

The compiled dependencies are there once for each Python and platform, the others once for all. A platform is a wheel
tag; older manylinux tags of the same processor are taken as well. The versions are those of requirements-dev.txt,
which the tests run with. The same wheels give the same bytes. Needs pip and `build`, and fetches wheels with pip.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import stat
import subprocess
import sys
import tempfile
import zipfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHONS = ("3.11", "3.12", "3.13")
PLATFORMS = ("manylinux_2_28_x86_64",)
SHEBANG = b"#!/usr/bin/env python3\n"
STAMP = (2020, 1, 1, 0, 0, 0)
"""The time of every file inside."""
Targets = dict[str, dict[str, str | None]]
Folders = dict[str, dict[str, bytes]]
_SHARED = re.compile(r"[^/]+\.data/data/share/")
_PLATFORM = re.compile(r"(manylinux|musllinux|macosx)_(\d+)_(\d+)_(\w+)")


def target_of(python: str, platform: str) -> str:
    """What `target()` of __main__.py says on such a host."""
    system, _, _, machine = _parts(platform)
    tail = {"manylinux": f"{machine}-linux-gnu", "musllinux": f"{machine}-linux-musl", "macosx": f"darwin-{machine}"}
    return f"cpython-{python.replace('.', '')}-{tail[system]}"


def _parts(platform: str) -> tuple[str, int, int, str]:
    found = _PLATFORM.fullmatch(platform)
    if not found:
        sys.exit(f"{platform} is no platform this can build for; such are {PLATFORMS[0]}, musllinux_1_2_x86_64.")
    return found[1], int(found[2]), int(found[3]), found[4]


def tags(platform: str) -> list[str]:
    """The platform tags a host of this platform takes. pip knows the older ones of macOS by itself."""
    system, major, minor, machine = _parts(platform)
    if system == "macosx":
        return [platform]
    older = [f"{system}_{major}_{each}_{machine}" for each in range(minor, 0, -1)]
    return [*older, f"manylinux2014_{machine}"] if system == "manylinux" else older


def download(wheel: Path, python: str, platform: str, into: Path) -> list[Path]:
    """The package and its dependencies as wheels."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--dest", str(into)]
    fitting = ["--only-binary=:all:", "--implementation=cp", f"--python-version={python}"]
    fitting += [f"--platform={tag}" for tag in tags(platform)]
    subprocess.run([*pip, *fitting, "--constraint", str(ROOT / "requirements-dev.txt"), str(wheel)], check=True)
    return sorted(into.glob("*.whl"))


def glibc_of(wheels: list[Path]) -> str | None:
    """The oldest glibc that takes all of them."""
    needed = []
    for wheel in wheels:
        minors = [int(minor) for minor in re.findall(r"manylinux_2_(\d+)_", wheel.name)]
        if minors:
            needed.append(min(minors))
    return f"2.{max(needed)}" if needed else None


def words(platform: str, glibc: str | None) -> str:
    """The platform as a person would say it."""
    system, major, minor, machine = _parts(platform)
    if system == "macosx":
        return f"{machine} macOS {major}.{minor} or newer"
    return f"{machine} Linux with " + ("musl" if system == "musllinux" else f"glibc {glibc} or newer")


def members(wheel: Path) -> dict[str, bytes]:
    """What installing it would put in site-packages. Manuals and completions have no use in an archive; ends the
    build where a wheel would put anything else elsewhere."""
    with zipfile.ZipFile(wheel) as archive:
        inside = [each for each in archive.infolist() if not each.is_dir() and not _SHARED.match(each.filename)]
        found = {each.filename: archive.read(each) for each in inside}
    if any(re.match(r"[^/]+\.data/", name) for name in found):
        sys.exit(f"{wheel.name} has files for other places than site-packages.")
    return found


def gather(wheel: Path, pythons: list[str], platforms: list[str], scratch: Path) -> tuple[Folders, Targets]:
    """The files of `any` and of each target, and the targets for pyz.json."""
    folders: Folders = {"any": {}}
    targets: Targets = {}
    for platform in platforms:
        for python in pythons:
            target = target_of(python, platform)
            wheels = download(wheel, python, platform, scratch / target)
            for each in wheels:
                files = folders.setdefault("any" if each.stem.endswith("-none-any") else target, {})
                for name, data in members(each).items():
                    if files.setdefault(name, data) != data:
                        sys.exit(f"{name} differs from target to target, or is in two wheels.")
            glibc = glibc_of(wheels)
            targets[target] = {"python": python, "system": words(platform, glibc), "glibc": glibc}
    return folders, targets


def packed(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip file that is the same for the same files."""
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in sorted(files.items()):
            member = zipfile.ZipInfo(name, STAMP)
            member.compress_type = method
            member.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(member, data)
    return stream.getvalue()


def write(out: Path, folders: Folders, version: str, targets: Targets) -> None:
    """The start-up code, what is inside, and each folder packed in a file of its own: Python reads the whole index
    of an archive that it starts, every time. Executable by everyone."""
    here = Path(__file__).parent
    files = {f"{name}.zip": packed(folder) for name, folder in folders.items()}
    files |= {name: (here / name).read_bytes() for name in ("__main__.py", "pyz_cache.py")}
    digest = hashlib.sha256(packed(files)).hexdigest()
    files["pyz.json"] = json.dumps({"version": version, "build": digest[:16], "targets": targets}, indent=2).encode()
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(SHEBANG + packed(files, zipfile.ZIP_STORED))
    out.chmod(0o755)


def name_for(platforms: Sequence[str]) -> str:
    """One file for the usual platforms, others beside it."""
    return "-".join(("gatewaydoctor", *(() if tuple(platforms) == PLATFORMS else platforms))) + ".pyz"


def main() -> None:
    parser = argparse.ArgumentParser(description="Build gatewaydoctor.pyz.")
    parser.add_argument("--python", action="append", metavar="3.N", help=f"[default: {' '.join(PYTHONS)}]")
    parser.add_argument("--platform", action="append", metavar="TAG", help=f"[default: {' '.join(PLATFORMS)}]")
    parser.add_argument("--out", type=Path, help="[default: dist/gatewaydoctor.pyz, other platforms in its name]")
    told = parser.parse_args()
    pythons, platforms = told.python or list(PYTHONS), told.platform or list(PLATFORMS)
    out = told.out or ROOT / "dist" / name_for(platforms)
    with tempfile.TemporaryDirectory() as scratch:
        build = [sys.executable, "-m", "build", "--wheel", "--outdir", scratch, str(ROOT)]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        (wheel,) = Path(scratch).glob("*.whl")
        folders, targets = gather(wheel, pythons, platforms, Path(scratch))
    write(out, folders, wheel.name.split("-")[1], targets)
    inside = f"CPython {', '.join(pythons)} on {', '.join(platforms)}"
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB, for {inside}")


if __name__ == "__main__":
    main()
