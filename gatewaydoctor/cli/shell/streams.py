"""stdout and stderr as they are found: closed, full, or with a reader that went away."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator


class OutputFailed(Exception):
    """stdout cannot be written to, and not because its reader went away."""


class _Closed(TextIOWrapper):
    """Stands for a stream that was closed before the program began."""

    def write(self, text: str, /) -> int:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


class _Words(TextIOWrapper):
    """A stderr that may be full: what it does not take is lost, and the run goes on."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError:
            _silence(self)
            return len(text)


_SIZES = ("COLUMNS", "LINES")
_SANE_SIZE = range(20, 10_001)


def drop_unusable_sizes() -> None:
    """Forget COLUMNS and LINES where they are not size of a terminal: the size of the terminal counts then, or 80
    columns. Whoever formats text reads them, and fails or fills the memory over 0, `abc` or ten digits."""
    for name in _SIZES:
        text = os.environ.get(name)
        if text is not None and not (text.isascii() and text.isdigit() and int(text[:6]) in _SANE_SIZE):
            del os.environ[name]


def prepare_streams(*, document: bool) -> None:
    """Words about a run may go nowhere; its output may not: a closed stdout takes nothing, like a full one. A stream
    that cannot spell a name must not end the report. A `document` is UTF-8 whatever the locale says."""
    sys.stdout = sys.stdout or _Closed(open(os.devnull, "wb"))  # noqa: SIM115 - open until the end, like the one it replaces
    sys.stderr = sys.stderr or _Words(open(os.devnull, "wb"))  # noqa: SIM115 - likewise
    if sys.stderr is sys.__stderr__ and isinstance(sys.stderr, TextIOWrapper):
        sys.stderr = _Words(sys.stderr.buffer, encoding=sys.stderr.encoding, line_buffering=True)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if document and isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")


def put(text: str) -> None:
    """Text on stdout, at once. Raises OutputFailed."""
    with telling():
        sys.stdout.write(text)


@contextmanager
def telling() -> Iterator[None]:
    """Whatever is written to stdout meanwhile is there afterwards. Raises OutputFailed."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader closed the pipe and wants no more; the exit code still tells the result.
        silence_stdout()
    except OSError as failed:
        raise OutputFailed(failed.strerror or type(failed).__name__) from failed


def silence_stdout() -> None:
    """What is still buffered must not fail once more when the interpreter ends."""
    _silence(sys.stdout)


def _silence(stream: TextIO) -> None:
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
