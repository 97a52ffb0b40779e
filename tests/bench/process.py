"""One finished process with what the operating system says it cost."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of wall clock and processor, and the peak of resident memory in bytes."""

    wall: float
    cpu: float
    peak: int
    code: int


def run(command: Sequence[str]) -> Cost:
    """Run to the end with the output thrown away. Raises FileNotFoundError where there is no such program."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024, process.returncode)


def interleaved(commands: Sequence[Sequence[str]], rounds: int) -> list[list[Cost]]:
    """Each command once a round, in turn, so that a machine that drifts drifts for all; one round is not counted."""
    costs: list[list[Cost]] = [[] for _ in commands]
    for count in range(rounds + 1):
        for place, command in enumerate(commands):
            cost = run(command)
            if count:
                costs[place].append(cost)
    return costs


def middle(costs: Sequence[Cost]) -> Cost:
    return Cost(
        median(cost.wall for cost in costs),
        median(cost.cpu for cost in costs),
        max(cost.peak for cost in costs),
        max(cost.code for cost in costs),
    )
