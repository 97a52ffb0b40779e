"""Files written on request: report, plan, baseline, picture, snippet, expectation. Each is written atomically, never
through a symbolic link, and never inside the state directory that is examined."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, ClassVar

from gatewaydoctor.model.errors import DoctorError, UsageError
from gatewaydoctor.system.fs import OsReadFs
from gatewaydoctor.system.links import without_links

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.repair.writing.fs import WriteFs

PUBLIC = 0o644
PRIVATE = 0o600


class CannotWrite(DoctorError):
    """An output file could not be written; what was there before still is."""

    code: ClassVar[str] = "output"


def places_of(x: Examination) -> tuple[Path, ...]:
    """Directories of an examination in which nothing may be written."""
    return x.place.real_dir, *(Path(os.path.realpath(store.read.ref.sessions_dir)) for store in x.stores)


def target(spelled: str, option: str, protected: Iterable[Path]) -> Path:
    """Where an output file will be, the links of its directory resolved. Raises UsageError where that is not a file
    one may write: inside a protected directory, or a symbolic link, directory, device or pipe."""
    if not spelled.strip() or "\0" in spelled:
        raise UsageError(f"{option} needs a path.", f"Try {option} FILE.")
    path = real_place(spelled)
    for directory in protected:
        if path.is_relative_to(directory):
            raise UsageError(
                f"{option} {spelled} is inside the state directory, which gatewaydoctor only reads.",
                "Use a file elsewhere.",
            )
    if path.is_symlink():
        raise UsageError(
            f"{option} {spelled} is a symbolic link, and links are not followed for writing.",
            f"Name the file itself: {option} {quote(os.path.realpath(path))}",
        )
    if path.exists() and not path.is_file():
        raise UsageError(
            f"{option} {spelled} is not a regular file.", "Use a regular file, or omit the option for stdout."
        )
    return path


def target_directory(spelled: str, option: str, protected: Iterable[Path]) -> Path:
    """A new or empty directory for output files, made where it is not there (0700). Raises UsageError for one inside
    a protected directory, for a symbolic link, and for one that holds anything; CannotWrite where it cannot be
    made."""
    if not spelled.strip() or "\0" in spelled:
        raise UsageError(f"{option} needs a path.", f"Give a directory after {option}.")
    path = real_place(spelled)
    if any(path.is_relative_to(directory) for directory in protected):
        raise UsageError(
            f"{option} {spelled} is inside the state directory, which gatewaydoctor only reads.",
            "Use a directory elsewhere.",
        )
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise UsageError(f"{option} {spelled} is not a directory.", "Name a new directory.")
    try:
        if path.exists() and any(path.iterdir()):
            raise UsageError(f"{option} {spelled} is not empty.", "Name a new directory.")
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CannotWrite(f"{path} could not be made: {reason}.", "Name a directory you may write to.") from error
    return path


def real_place(spelled: str) -> Path:
    """The path with the links of its directory resolved, and its last name as it is. Raises UsageError for a link of
    another user."""
    path = Path(spelled)
    whole = path.name in ("", "..")
    try:
        directory = without_links(OsReadFs(), path if whole else path.parent)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise UsageError(
            f"Cannot write {spelled}: {reason}.", "Name the directory itself, without a link."
        ) from error
    return directory if whole else directory / path.name


def report_mode(path: Path, form: str) -> int:
    """The mode of a report: a collector of metrics runs as another user. Any other holds session keys, and stays as
    private as the file it replaces, or as the umask wants it."""
    return PUBLIC if form == "prometheus" else kept_mode(path, 0o666 & ~_umask())


def kept_mode(path: Path, otherwise: int) -> int:
    """The mode of the regular file that is there."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return otherwise
    return stat.S_IMODE(mode) & 0o777 if stat.S_ISREG(mode) else otherwise


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def write(path: Path, content: str | bytes, mode: int, fs: WriteFs | None = None) -> None:
    """Replace a file by one with this content: written and synced next to it, then renamed over it. The directory's
    path has its links resolved; one that is swapped for a link meanwhile is not followed. Raises CannotWrite, and
    then the old file is as it was."""
    from gatewaydoctor.repair.writing.fs import OsWriteFs
    from gatewaydoctor.repair.writing.stream import FileAttributes, write_whole

    fs = fs or OsWriteFs()
    # The name must not end in .prom: a collector reads those at any moment.
    beside = path.with_name(f".{path.name}.{os.getpid()}.gatewaydoctor-new")
    try:
        with suppress(FileNotFoundError):
            fs.unlink(beside)
        data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
        write_whole(fs, beside, data, FileAttributes(mode=mode))
        try:
            fs.rename(beside, path)
        except BaseException:
            with suppress(OSError):
                fs.unlink(beside)
            raise
    except OSError as error:
        reason = error.strerror or type(error).__name__
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        hint = (
            "Free space there, or name a file on another disk."
            if full
            else "Name a file in a directory you may write to."
        )
        kept = "The old file is unchanged." if os.path.lexists(path) else hint
        raise CannotWrite(f"Cannot write {path}: {reason}.", kept) from error
    # The new file is there, whole; without this a power cut might restore the old one, whole as well.
    with suppress(OSError):
        fs.fsync_dir(path.parent)


def append(path: Path, text: str) -> None:
    """Add text to a file that others add to as well. Raises OSError."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(path, flags, 0o644), "ab") as stream:
        stream.write(text.encode(errors="backslashreplace"))
