"""Install OpenClaw releases for the conformance tests: `python tests/conformance/install.py [DIR] [RELEASE…]`.

Each release gets a directory of its own with its own Node. Needs npm. Running it again does nothing.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

RELEASES = ("2026.3.28", "2026.4.25", "2026.5.22", "2026.7.1", "2026.8.1", "2026.9.3", "2026.9.5", "2026.9.6")
NODE_VERSION = "22.22.3"
NODE_OF = dict.fromkeys(RELEASES[3:], "24.21.0")
"""Node of the releases that may refuse an older one."""

NATIVE_OF = {"2026.9.3": "0.8.5", "2026.9.5": "0.13.1", "2026.9.6": "0.18.1"}
"""Version of the native part that npm leaves out with install scripts; without it no legacy store is imported."""


def cache_dir() -> Path:
    """OPENCLAW_CONFORMANCE_DIR, else a directory in the user's cache."""
    named = os.environ.get("OPENCLAW_CONFORMANCE_DIR")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(named) if named else cache / "gatewaydoctor" / "conformance"


def node_package() -> str:
    """The npm package that carries Node for this machine; plain `node` fetches it in a script, which we forbid."""
    machine = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64"}.get(platform.machine().lower(), "arm64")
    return f"node-{'darwin' if sys.platform == 'darwin' else 'linux'}-{machine}"


def command(cache: Path, release: str) -> list[str] | None:
    """How to start this release's CLI, None where it is not installed."""
    modules = cache / release / "node_modules"
    node, script = modules / node_package() / "bin" / "node", modules / "openclaw" / "openclaw.mjs"
    return [str(node), str(script)] if node.exists() and script.exists() else None


def install(cache: Path, release: str) -> None:
    """Install one release with npm, its install scripts left out."""
    if command(cache, release):
        return
    folder = cache / release
    folder.mkdir(parents=True, exist_ok=True)
    manifest = {
        "name": f"conformance-{release}",
        "private": True,
        "dependencies": {"openclaw": release, node_package(): NODE_OF.get(release, NODE_VERSION), **_native(release)},
        "overrides": {"linkedom": "0.18.12"},
    }
    (folder / "package.json").write_text(json.dumps(manifest, indent=2))
    npm = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(npm, cwd=folder, check=True)
    if not command(cache, release):
        sys.exit(f"npm finished, but {folder} holds no runnable openclaw {release}")


def _native(release: str) -> dict[str, str]:
    name = f"@openclaw/fs-safe-{node_package().removeprefix('node-')}" + ("-gnu" if sys.platform == "linux" else "")
    return {name: NATIVE_OF[release]} if release in NATIVE_OF else {}


def main(arguments: list[str]) -> None:
    cache = Path(arguments[0]) if arguments else cache_dir()
    for release in arguments[1:] or RELEASES:
        install(cache, release)
        print(f"openclaw {release}: {cache / release}")


if __name__ == "__main__":
    main(sys.argv[1:])
