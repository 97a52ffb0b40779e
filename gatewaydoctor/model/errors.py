"""Exit codes and the one error root. main() turns each of these into words and a code (design section 4)."""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    OK = 0
    FINDINGS = 1
    CANNOT_EXAMINE = 2
    REFUSED = 3
    PUT_BACK = 4
    LEFT_HALFWAY = 5
    BUG = 70
    INTERRUPTED = 130


class DoctorError(Exception):
    """A failure the user can act on: one sentence and the next step. `code` is stable text for JSON."""

    exit_code: ClassVar[ExitCode] = ExitCode.CANNOT_EXAMINE
    code: ClassVar[str] = "error"

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(DoctorError):
    code: ClassVar[str] = "usage"


class CannotExamine(DoctorError):
    """The directory or file could not be opened or is not there."""

    code: ClassVar[str] = "cannot-examine"
