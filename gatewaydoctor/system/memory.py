"""How much memory a process here may have: that of the machine, or the limit of its control group."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNLIMITED = 1 << 60
"""Version 1 control groups spell no limit as a number near 2**63."""


def host_memory(proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> int | None:
    """Bytes: the least of the machine's memory and of every limit above this process; None where nothing tells."""
    found = [*_machine(proc), *_limits(proc, groups)]
    return min(found, default=None)


def _machine(proc: Path) -> Iterator[int]:
    for line in _text(proc / "meminfo").splitlines():
        words = line.split()
        if words[:1] == ["MemTotal:"] and len(words) > 1 and words[1].isdigit():
            yield 1024 * int(words[1])


def _limits(proc: Path, groups: Path) -> Iterator[int]:
    """The limits of this process's group and of each one above it."""
    for line in _text(proc / "self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            root, name = groups, "memory.max"
        elif "memory" in controllers.split(","):
            root, name = groups / "memory", "memory.limit_in_bytes"
        else:
            continue
        inside = PurePosixPath(path.lstrip("/"))
        for group in (inside, *inside.parents):
            limit = _text(root / group / name).strip()
            if limit.isdigit() and int(limit) < _UNLIMITED:
                yield int(limit)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
