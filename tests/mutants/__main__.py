"""`make mutants`: every deliberate breakage turns at least one test red, in a copy of the package.

python -m tests.mutants [WORD ...]    those whose name holds one of the words; all without
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutants.breakages import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
PATIENCE_S = 900


def copied(to: Path) -> Path:
    """What the tests need of the checkout. The copy comes before the installed package on the path of its tests."""
    unused = shutil.ignore_patterns("__pycache__", ".venv", ".git", "build", "dist", ".*_cache", ".hypothesis")
    return Path(shutil.copytree(ROOT, to, ignore=unused))


def pytest(place: Path, tests: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    """The tests in `place`, up to the first failure. Raises TimeoutExpired."""
    command = [sys.executable, "-m", "pytest", "-x", "-rfE", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]
    env = os.environ | {"PYTHONPATH": str(place)}
    return subprocess.run(
        command, cwd=place, env=env, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


def broken(mutant: Mutant, place: Path) -> str:
    """What became of it: `red` and the test, as it should, or what is wrong. `place` is as before afterwards."""
    path = place / "gatewaydoctor" / mutant.file
    text = path.read_text()
    if text.count(mutant.old) != 1:
        return f"its text stands {text.count(mutant.old)} times in {mutant.file}"
    path.write_text(text.replace(mutant.old, mutant.new))
    try:
        ran = pytest(place, mutant.tests)
    except subprocess.TimeoutExpired:
        return f"the tests did not end in {PATIENCE_S} s"
    finally:
        path.write_text(text)
    if ran.returncode != 1:
        return "NO TEST FAILS" if ran.returncode == 0 else f"pytest ended with {ran.returncode}"
    failed = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", ran.stdout, re.MULTILINE)
    if failed is None:
        return "no failed test is named"
    # A test that is red already proves nothing.
    return f"red {failed[1]}" if pytest(place, (failed[1],)).returncode == 0 else f"{failed[1]} fails without it"


def main(words: list[str]) -> int:
    chosen = [each for each in MUTANTS if not words or any(word in each.name for word in words)]
    failed = 0
    with tempfile.TemporaryDirectory() as scratch:
        place = copied(Path(scratch) / "copy")
        for each in chosen:
            became = broken(each, place)
            failed += not became.startswith("red ")
            print(f"{each.name}\n    {became}", flush=True)
    print(f"{len(chosen) - failed} of {len(chosen)} breakages turn a test red.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
