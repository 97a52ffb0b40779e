"""Why a repair was not done, or not to its end. Each class has a code of its own for JSON."""

from __future__ import annotations

from typing import ClassVar

from gatewaydoctor.model.errors import DoctorError, ExitCode


class Refused(DoctorError):
    """Nothing was changed (exit 3)."""

    exit_code: ClassVar[ExitCode] = ExitCode.REFUSED
    code: ClassVar[str] = "refused"


class GatewayLive(Refused):
    code: ClassVar[str] = "gateway-live"


class GatewayUnknown(Refused):
    code: ClassVar[str] = "gateway-unknown"
    by_word: ClassVar[bool] = True


class InputChanged(Refused):
    """A file is not what the plan or the run saw."""

    code: ClassVar[str] = "input-changed"


class FixedClock(Refused):
    """Something that writes would go by a clock that is not the machine's, and that was not named on the command
    line."""

    code: ClassVar[str] = "fixed-clock"


class NoSpace(Refused):
    code: ClassVar[str] = "no-space"


class NotWritable(Refused):
    code: ClassVar[str] = "not-writable"


MOUNT_AGAIN = "Find out why (dmesg names disk faults), mount it read-write, and run this again."
"""What to do where a file system is mounted read-only: no user can write there."""


class OutOfBounds(Refused):
    """A path that leaves the state directory, or goes through a symbolic link."""

    code: ClassVar[str] = "out-of-bounds"


class OutOfReach(Refused):
    """A file that a plan may not touch; the message says why. `store` is the store that can be repaired by itself."""

    code: ClassVar[str] = "out-of-reach"

    def __init__(self, message: str, hint: str, store: str = "") -> None:
        super().__init__(message, hint)
        self.store = store


class BadPlan(Refused):
    """A plan file that cannot be used."""

    code: ClassVar[str] = "bad-plan"


class RunPending(Refused):
    """An earlier run was interrupted, so the directory is between two states."""

    code: ClassVar[str] = "run-pending"


class NoSuchRun(Refused):
    code: ClassVar[str] = "no-such-run"


class VaultDamaged(Refused):
    """The vault does not hold what its manifest says."""

    code: ClassVar[str] = "vault-damaged"


class StoreLocked(Refused):
    """A process holds a store's own lock."""

    code: ClassVar[str] = "store-locked"


class LockUnknown(StoreLocked):
    """Whether a process holds it cannot be told from here."""

    by_word: ClassVar[bool] = True


class DatabaseInUse(Refused):
    """A process has a database open that is to be replaced."""

    code: ClassVar[str] = "database-in-use"


class NotAsPlanned(Refused):
    """The verification found something else than the plan said."""

    code: ClassVar[str] = "not-as-planned"


class DatabaseUnsound(Refused):
    """A private copy of a database does not pass its checks, before or after the edits."""

    code: ClassVar[str] = "database-unsound"


class PutBack(DoctorError):
    """It failed on the way and everything was put back (exit 4)."""

    exit_code: ClassVar[ExitCode] = ExitCode.PUT_BACK
    code: ClassVar[str] = "put-back"


class LeftHalfway(DoctorError):
    """It failed and could not be put back (exit 5). `run_id` names the run to undo."""

    exit_code: ClassVar[ExitCode] = ExitCode.LEFT_HALFWAY
    code: ClassVar[str] = "left-halfway"

    def __init__(self, message: str, hint: str, run_id: str) -> None:
        super().__init__(message, hint)
        self.run_id = run_id


class Stopped(DoctorError):
    """The operator stopped it; the message says whether everything was put back (exit 130)."""

    exit_code: ClassVar[ExitCode] = ExitCode.INTERRUPTED
    code: ClassVar[str] = "interrupted"
