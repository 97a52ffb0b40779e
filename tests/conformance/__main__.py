"""`make conformance`: compares with real releases, in pieces. Needs npm for what is not installed yet.

python -m tests.conformance [CHECK [RELEASE ...]] [--slice 2/6]

Without CHECK: all of them, for hours. `--slice 2/6` runs the second of six parts. Results go into results/, and from
there into docs/conformance.md (`make conformance-page`).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests.conformance.install import cache_dir, install
from tests.conformance.pieces import CHECKS

ROOT = Path(__file__).parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(description="Compares with real releases.")
    parser.add_argument("check", nargs="?", choices=[check.name for check in CHECKS], help="all where none is named")
    parser.add_argument("releases", nargs="*", metavar="RELEASE")
    parser.add_argument("--slice", metavar="I/N", help="the I-th of N parts")
    asked = parser.parse_args()
    checks = [check for check in CHECKS if asked.check in (None, check.name)]
    known = [release for check in checks for release in check.releases]
    if unknown := set(asked.releases) - set(known):
        parser.error(f"{' '.join(sorted(unknown))}: not a release of this check ({' '.join(dict.fromkeys(known))})")
    releases = asked.releases or dict.fromkeys(known)
    for release in releases:
        install(cache_dir(), release)
    words = [f"--release={release}" for release in asked.releases]
    words += [f"--slice={asked.slice}"] if asked.slice else []
    command = [sys.executable, "-m", "pytest", "-m", "conformance", "-rN", "--tb=short", *words]
    files = dict.fromkeys(check.file for check in checks)
    return subprocess.run([*command, *files], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
