"""Links on the way to a place that was named for writing."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatewaydoctor.system.fs import FileStat, ReadFs

MOST = 40
"""Links followed on one path; the limit of Linux."""


class ForeignLink(OSError):
    """A link of neither root nor this user: whoever made it would decide what is written where."""

    def __init__(self, link: Path, uid: int) -> None:
        super().__init__(errno.ELOOP, f"{link} is a symbolic link of another user (uid {uid})")


def without_links(fs: ReadFs, path: Path) -> Path:
    """The real path of `path`, whose end need not exist. Raises ForeignLink, and OSError for links that go round.

    What is swapped for a link after this is not in the result, and is not followed.
    """
    path = path.absolute()
    reached, waiting, links = Path(path.anchor), list(reversed(path.parts[1:])), 0
    while waiting:
        name = waiting.pop()
        step = reached.parent if name == ".." else reached / name
        stat = _stat(fs, step)
        if stat is None or not stat.is_symlink:
            reached = step
            continue
        if stat.uid not in (0, os.geteuid()):
            raise ForeignLink(step, stat.uid)
        links += 1
        if links > MOST:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
        to = Path(fs.readlink(step))
        reached = Path(to.anchor) if to.is_absolute() else reached
        waiting += reversed(to.parts[1:] if to.is_absolute() else to.parts)
    return reached


def _stat(fs: ReadFs, path: Path) -> FileStat | None:
    try:
        return fs.lstat(path)
    except (OSError, ValueError):
        return None
