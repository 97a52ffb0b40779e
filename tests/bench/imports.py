"""`python -m tests.bench.imports VERB`: what a start-up loads, by package: modules, and milliseconds to load and run
them, each the best of 9 runs over a healthy directory. Python's own timing of imports adds about a third."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

from gatewaydoctor.fixtures import DEFAULT_NOW
from tests.bench import inputs

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN = ("gatewaydoctor", "typer", "rich", "msgspec", "orjson", "ijson", "apsw", "humanize")
"""Packages that are told apart; everything else is the standard library and what these bring along."""
ROUNDS = 9


def loaded(verb: str) -> Iterator[tuple[str, int]]:
    """Each module with the microseconds it took in one run."""
    command = (sys.executable, "-X", "importtime", "-m", "gatewaydoctor", verb, "--state-dir", inputs.healthy())
    ran = subprocess.run((*command, "--now", str(DEFAULT_NOW)), capture_output=True, text=True, check=False, cwd="/")
    for line in ran.stderr.splitlines():
        own, _, name = line.removeprefix("import time:").split("|") if line.count("|") == 2 else ("", "", "")
        if own.strip().isdigit():
            yield name.strip(), int(own)


def main() -> None:
    best: dict[str, int] = {}
    for _ in range(ROUNDS):
        for name, spent in loaded(*sys.argv[1:2] or ["check"]):
            best[name] = min(spent, best.get(name, spent))
    modules: Counter[str] = Counter()
    taken: Counter[str] = Counter()
    for name, spent in best.items():
        top = name.partition(".")[0]
        package = top if top in OWN else "standard library"
        modules[package] += 1
        taken[package] += spent
    for package, spent in taken.most_common():
        print(f"{package:17} {modules[package]:4} modules {spent / 1000:7.1f} ms")


if __name__ == "__main__":
    main()
