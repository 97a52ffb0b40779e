"""One finished process with what the operating system says it cost."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of wall clock and processor (user and system), and the peak of resident memory in bytes. `code` is the
    exit code."""

    wall: float
    cpu: float
    peak: int
    code: int


def run(command: Sequence[str]) -> Cost:
    """Run to the end with the output thrown away. Raises FileNotFoundError where there is no such program."""
    began = time.perf_counter()
    # Compiled modules are what users have, whatever the environment of this run says.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    # In the root directory no settings file of a checkout is found.
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment, cwd="/"
    )
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, process.returncode)


def best_in_turn(commands: Sequence[Sequence[str]], rounds: int) -> list[Cost]:
    """The best of each command, which run in turn, so that a machine that drifts drifts for all. One more round comes
    first and does not count. Wall clock, processor and peak are each the least, the exit code the largest."""
    costs: list[list[Cost]] = [[] for _ in commands]
    for count in range(rounds + 1):
        for place, command in enumerate(commands):
            cost = run(command)
            if count:
                costs[place].append(cost)
    return [_best(each) for each in costs]


def _best(costs: Sequence[Cost]) -> Cost:
    return Cost(
        min(cost.wall for cost in costs),
        min(cost.cpu for cost in costs),
        min(cost.peak for cost in costs),
        max(cost.code for cost in costs),
    )
