"""`make mutants`: every deliberate breakage turns at least one test red, in a copy of the package.

python -m tests.mutants [WORD ...]    those whose name holds one of the words; all without
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutants.breakages import MUTANTS, Mutant

ROOT = Path(__file__).parents[2]
WORKERS = max(1, (os.cpu_count() or 2) // 2)
PATIENCE_S = 900
_NO_TESTS = 5


def copied(to: Path) -> Path:
    """What the tests need of the checkout. The copy comes before the installed package on the path of its tests."""
    unused = shutil.ignore_patterns("__pycache__", ".venv", ".git", "build", "dist", ".*_cache", ".hypothesis")
    return Path(shutil.copytree(ROOT, to, ignore=unused))


def tested(place: Path, tests: tuple[str, ...]) -> int:
    """Exit code of pytest, which stops at the first failure."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", *tests]
    env = os.environ | {"PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
    ran = subprocess.run(command, cwd=place, env=env, capture_output=True, timeout=PATIENCE_S, check=False)
    return ran.returncode


def broken(mutant: Mutant, scratch: Path) -> str:
    """What became of it: `red` as it should, or what is wrong with it."""
    place = copied(scratch / str(MUTANTS.index(mutant)))
    try:
        path = place / "gatewaydoctor" / mutant.file
        text = path.read_text()
        if text.count(mutant.old) != 1:
            return f"its text stands {text.count(mutant.old)} times in {mutant.file}"
        path.write_text(text.replace(mutant.old, mutant.new))
        match tested(place, mutant.tests):
            case 1:
                return "red"
            case 0:
                return "NO TEST FAILS"
            case code:
                return "no test was chosen" if code == _NO_TESTS else f"pytest ended with {code}"
    except subprocess.TimeoutExpired:
        return "red"  # a test that never ends does not pass
    finally:
        shutil.rmtree(place)


def main(words: list[str]) -> int:
    chosen = [each for each in MUTANTS if not words or any(word in each.name for word in words)]
    failed = 0
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(WORKERS) as pool:
        # Tests that are red already prove nothing.
        sound = {tests: pool.submit(tested, ROOT, tests) for tests in {each.tests for each in chosen}}
        results = [(each, pool.submit(broken, each, Path(scratch))) for each in chosen]
        for each, result in results:
            became = result.result() if sound[each.tests].result() == 0 else "its tests fail without it"
            failed += became != "red"
            print(f"{became:24} {each.name}", flush=True)
    print(f"{len(chosen) - failed} of {len(chosen)} breakages turn a test red.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
