"""SIGINT, SIGTERM and SIGHUP while something is written: noted when they come, acted on at a safe step."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import FrameType

    from gatewaydoctor.examine.world import Progress

_ENDING = ("SIGTERM", "SIGHUP")
_NOTICE = b"\nStopping at the next safe step ...\n"


@contextmanager
def endings_interrupt() -> Iterator[None]:
    """SIGTERM and SIGHUP raise KeyboardInterrupt, as SIGINT does, so that what was begun is cleared away."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handled_by(interrupt, _ENDING):
        yield


@contextmanager
def held_back() -> Iterator[Callable[[], None]]:
    """No signal interrupts; the function given raises KeyboardInterrupt, once, where one has come. Later ones change
    nothing: by then everything is on its way back."""
    came = told = False

    def note(_number: int, _frame: FrameType | None) -> None:
        nonlocal came
        if not came and sys.stderr is not None:
            with suppress(OSError, ValueError):
                if sys.stderr.isatty():
                    os.write(2, _NOTICE)
        came = True

    def check() -> None:
        nonlocal told
        if came and not told:
            told = True
            raise KeyboardInterrupt

    with _handled_by(note, ("SIGINT", *_ENDING)):
        yield check


@contextmanager
def _handled_by(handler: Callable[[int, FrameType | None], None], names: Iterable[str]) -> Iterator[None]:
    """With `handler` for these signals. One that is ignored, as under nohup, stays ignored. Outside of the main
    thread nothing is changed."""
    before = {}
    with suppress(ValueError):
        for number in (getattr(signal, name) for name in names if hasattr(signal, name)):
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)


class StoppableProgress:
    """Progress of work that can be stopped at every block it copies or reads."""

    def __init__(self, shown: Progress, check: Callable[[], None]) -> None:
        self._shown = shown
        self._check = check

    def phase(self, name: str, total: int | None) -> None:
        self._check()
        self._shown.phase(name, total)

    def advance(self, amount: int) -> None:
        self._check()
        self._shown.advance(amount)
