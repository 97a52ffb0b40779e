"""Work that may crash, hang or run out of memory without taking its caller along."""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

_BLOCK = 65536


class NoAnswer(Exception):
    """The work did not end in time, or its process died; the text completes a sentence."""


def in_child(work: Callable[[], bytes], seconds: float) -> bytes:
    """What `work` returns, computed in a process of its own, which is killed after so many seconds. Raises NoAnswer;
    `work` raises nothing. A child that the kernel holds in a read is left behind, not waited for."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _answer(work, writing)
    os.close(writing)
    try:
        answer = _read(reading, time.monotonic() + seconds, seconds)
    finally:
        os.close(reading)
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(child, os.WNOHANG)
    if not answer:
        raise NoAnswer("the check ended without an answer")
    return answer


def _answer(work: Callable[[], bytes], writing: int) -> NoReturn:
    """Write the answer and end at once: buffers and handlers of this process are those of its parent."""
    try:
        left = memoryview(work())
        while left:
            left = left[os.write(writing, left) :]
    finally:
        os._exit(0)


def _read(reading: int, until: float, seconds: float) -> bytes:
    parts: list[bytes] = []
    while (left := until - time.monotonic()) > 0:
        if not select.select([reading], [], [], left)[0]:
            break
        part = os.read(reading, _BLOCK)
        if not part:
            return b"".join(parts)
        parts.append(part)
    raise NoAnswer(f"no answer within {seconds:g} s")
