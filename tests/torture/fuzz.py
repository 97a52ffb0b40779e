"""Coverage-guided fuzzing of everything that reads a file somebody else wrote.

python -m tests.torture.fuzz [TARGET ...] [--seconds N] [--seed N] [--record]

Needs atheris (`pip install atheris`, Linux). Each target runs for `--seconds` in a process of its own, from a few
small seeds. Input that ends in an exception, or breaks what a target says of it, is kept and named. Ends with 1 then.
With --record the figures go into docs/robustness.md.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TARGETS = ("store", "salvage", "database", "log", "transcript", "config", "jobs", "plan", "run")
MOST_BYTES = 8_192


def main() -> int:
    parser = argparse.ArgumentParser(description="Coverage-guided fuzzing.")
    parser.add_argument("targets", nargs="*", default=TARGETS, metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--seed", type=int, default=1, help="another one tries other input")
    parser.add_argument("--record", action="store_true")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child:
        return _fuzz(asked.targets[0], asked.seconds, asked.seed)
    lines, lost = [], 0
    for target in asked.targets:
        began = time.monotonic()
        options = ["--seconds", str(asked.seconds), "--seed", str(asked.seed), "--child"]
        words = [sys.executable, "-m", "tests.torture.fuzz", target, *options]
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        tried = re.search(r"number_of_executed_units: (\d+)", done.stdout)
        covered = re.findall(r"cov: (\d+) ", done.stdout)
        faults = int(done.returncode != 0)
        if faults:
            print(done.stdout[-4_000:])
        figures = (int(tried[1]) if tried else 0, int(covered[-1]) if covered else 0)
        seconds = round(time.monotonic() - began)
        lines.append(f"| {target} | {seconds} | {figures[0]:,} | {figures[1]:,} | {faults} |")
        print(lines[-1], flush=True)
        lost += faults
    if asked.record and not lost:
        from tests.torture.__main__ import record

        head = ["| target | seconds | inputs tried | places covered | lost |", "|---|---|---|---|---|"]
        day = time.strftime("%Y-%m-%d", time.gmtime())
        command = f"python -m tests.torture.fuzz --seconds {asked.seconds} --seed {asked.seed}"
        record("fuzz", [f"`{command}`, {day}:", "", *head, *lines])
    return int(lost > 0)


def _fuzz(target: str, seconds: int, seed: int) -> int:
    import atheris

    with atheris.instrument_imports(include=["gatewaydoctor"]):
        from tests.torture import targets
    place = tempfile.mkdtemp(prefix=f"fuzz-{target}-")
    corpus = Path(place) / "seeds"
    corpus.mkdir()
    made = targets.TARGETS[target](Path(place))
    for number, sown in enumerate(made.seeds):
        (corpus / str(number)).write_bytes(sown)
    options = [f"-max_total_time={seconds}", f"-max_len={MOST_BYTES}", "-timeout=30", "-rss_limit_mb=2000"]
    options += ["-print_final_stats=1", f"-artifact_prefix={place}/", f"-seed={seed}"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], made.take)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
