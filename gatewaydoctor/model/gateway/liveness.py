"""Whether a gateway still works on a state directory, in three values, with the evidence (architecture.md
section 6), and how large its heap may grow."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from pathlib import Path


class Liveness(StrEnum):
    """`unknown` is an answer: something was seen that cannot be checked from here."""

    LIVE = "live"
    DEAD = "dead"
    UNKNOWN = "unknown"


class Witness(StrEnum):
    LOCK = "lock"
    PROCESS = "process"
    LEASE = "lease"
    PORT = "port"
    STORE = "store"


class Evidence(Struct, frozen=True):
    """What one source says. `dead` here means: it was asked and shows no gateway. `text` is a whole sentence."""

    witness: Witness
    says: Liveness
    text: str
    pid: int | None = None
    path: Path | None = None


class GatewayState(Struct, frozen=True):
    """The verdict over all evidence: `live` if any source proves it, else `unknown` if any could not be checked, else
    `dead`. Sources after the first proof of life are not asked."""

    liveness: Liveness
    evidence: tuple[Evidence, ...]


class LockPayload(Struct, frozen=True):
    """What a lock file names. `start_time` is field 22 of the owner's /proc stat line (clock ticks since boot),
    whichever way the lock spells it. `created_at` in epoch ms. Fields a lock does not have are None."""

    pid: int | None = None
    start_time: int | None = None
    created_at: int | None = None
    config_path: str | None = None
    state_dir: str | None = None
    port: int | None = None
    role: str | None = None


class LockVerdict(Struct, frozen=True):
    """Whether a lock's owner still runs. `reason` completes "`path` is stale/held/undecided because …". `age` in ms
    since it was made, by its own date, else by its mtime; None when neither is known. `pid` is a live owner's as seen
    here."""

    path: Path
    liveness: Liveness
    reason: str
    payload: LockPayload | None = None
    age: int | None = None
    pid: int | None = None


class HeapLimit(Struct, frozen=True):
    """Bytes, and what sets them in a few words."""

    bytes: int
    source: str
