"""File systems that refuse: files and directories which the tests cannot make unreadable, for root reads them."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, BinaryIO

from tests.cli.harness import PlainFs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatewaydoctor.system.fs import FileStat


class Failing(PlainFs):
    """Fails with an errno for the paths named; `gone` fails opening only, as for a file that vanishes after it was
    listed."""

    def __init__(self, failures: dict[Path, int], gone: frozenset[Path] = frozenset()) -> None:
        self.failures = failures
        self.gone = gone

    def _check(self, path: Path) -> None:
        code = errno.ENOENT if path in self.gone else self.failures.get(path)
        if code is not None:
            raise OSError(code, os.strerror(code), str(path))

    def open(self, path: Path) -> BinaryIO:
        self._check(path)
        return super().open(path)

    def head_and_tail(self, path: Path, head: int, tail: int) -> tuple[bytes, bytes, int]:
        self._check(path)
        return super().head_and_tail(path, head, tail)

    def names(self, directory: Path) -> Iterator[str]:
        if directory in self.failures:
            self._check(directory)
        return super().names(directory)

    def entries(self, directory: Path) -> Iterator[tuple[str, FileStat]]:
        if directory in self.failures:
            self._check(directory)
        return super().entries(directory)


def in_its_place(how: str, path: Path) -> Failing:
    """Make the file at `path` unreadable in one of the ways files are."""
    if how in ("a directory", "a FIFO"):
        path.unlink()
        (path.mkdir if how == "a directory" else lambda: os.mkfifo(path))()
        return Failing({})
    if how == "gone":
        return Failing({}, frozenset({path}))
    return Failing({path: errno.EACCES if how == "forbidden" else errno.EIO})


WAYS = ("a directory", "a FIFO", "forbidden", "an I/O error")
