"""Exit codes and the one error root. main() turns each of these into words and a code (architecture.md section 4)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterable


class ExitCode(IntEnum):
    OK = 0
    FINDINGS = 1
    CANNOT_EXAMINE = 2
    REFUSED = 3
    PUT_BACK = 4
    LEFT_HALFWAY = 5
    BUG = 70
    DO_NOT_START = 78
    INTERRUPTED = 130


EXIT_MEANINGS = {
    ExitCode.OK: "clean, or done and verified, or nothing to do",
    ExitCode.FINDINGS: "findings at or above the threshold (`check`, `scan --fail-on`, `fixtures validate`); a file "
    "left out or different (`snapshot`, `snapshot verify`, `runs verify`)",
    ExitCode.CANNOT_EXAMINE: "usage error, or it could not examine (no such directory, unreadable)",
    ExitCode.REFUSED: "refused before anything was written, or not confirmed",
    ExitCode.PUT_BACK: "failed on the way and put back: the directory is as it was",
    ExitCode.LEFT_HALFWAY: "failed and not put back: the message names the run to `undo`",
    ExitCode.BUG: "a bug in gatewaydoctor: one line and how to report it; traceback only with `--debug`",
    ExitCode.DO_NOT_START: "`gate` only: do not start this gateway",
    ExitCode.INTERRUPTED: "interrupted",
}
"""What a code says, for README and the manual page."""


class DoctorError(Exception):
    """A failure the user can act on: one sentence and the next step. `code` is stable text for JSON. `by_word`: the
    operator may know better, and --gateway-stopped says so."""

    exit_code: ClassVar[ExitCode] = ExitCode.CANNOT_EXAMINE
    code: ClassVar[str] = "error"
    by_word: ClassVar[bool] = False

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(DoctorError):
    code: ClassVar[str] = "usage"


class CannotExamine(DoctorError):
    """The directory or file could not be opened or is not there."""

    code: ClassVar[str] = "cannot-examine"


_FEW = 6
"""So many choices are listed next to the nearest."""


def unknown_word(what: str, word: str, known: Iterable[str], otherwise: str | None = None) -> UsageError:
    """The error for a word that is none of the `known`: with the nearest of them, else `otherwise`, else all."""
    words = tuple(known)
    near = nearest(word, words)
    choices = f"Use one of: {', '.join(words)}."
    if near is None:
        return UsageError(f"Unknown {what} {word!r}.", otherwise or choices)
    hint = f"Did you mean {near}?" + (f" {choices}" if len(words) <= _FEW else "")
    return UsageError(f"Unknown {what} {word!r}.", hint)


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was most likely meant, in any case of letters, or the only one that begins so; None where
    none is near."""
    from difflib import get_close_matches

    # The dashes of options would make any two of them alike.
    spelled = {each.lower().lstrip("-"): each for each in known}
    typed = word.strip().lower().lstrip("-")
    near = get_close_matches(typed, spelled, n=1, cutoff=0.55)
    longer = [each for each in spelled if each.startswith(typed)] if len(typed) > 1 else []
    return spelled[near[0]] if near else spelled[longer[0]] if len(longer) == 1 else None
