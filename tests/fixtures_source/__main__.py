"""`python -m tests.fixtures_source [DIR]`: write every fixture below DIR (default: fixtures/)."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from gatewaydoctor.fixtures.validating.expectation import EXPECTED
from tests.fixtures_source.tree import tree

FIXTURES = Path(__file__).parents[2] / "fixtures"


def main(out: Path) -> None:
    for each in out.iterdir() if out.is_dir() else ():
        # Only what is a fixture goes; anything else beside them is not ours.
        if (each / EXPECTED).exists():
            shutil.rmtree(each)
    files = tree()
    for path, data in files.items():
        target = out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    print(f"{len(files)} files, {sum(map(len, files.values())):,} bytes in {out}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FIXTURES)
