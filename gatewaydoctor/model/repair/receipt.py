"""What a run did and where it put things: the vault's manifest, the state of a run, and the receipt at its end."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal as OneOf

import msgspec

from gatewaydoctor.model.repair.plan import Note, Step  # noqa: TC001 - msgspec needs them to read a receipt

RECEIPT_SCHEMA_VERSION = "1.0"


class RunState(StrEnum):
    """How far a run came, as its journal tells. Before `acting` nothing in the state directory was changed.
    `pruned`: its originals are being deleted, or could not be deleted whole."""

    PREPARING = "preparing"
    VAULTED = "vaulted"
    ACTING = "acting"
    APPLIED = "applied"
    DONE = "done"
    PUTTING_BACK = "putting-back"
    PUT_BACK = "put-back"
    UNDOING = "undoing"
    UNDONE = "undone"
    PRUNED = "pruned"

    @property
    def settled(self) -> bool:
        """Nothing is left to do. Any other state means that the run was interrupted, or is at work now."""
        return self in (RunState.DONE, RunState.PUT_BACK, RunState.UNDONE, RunState.PRUNED)

    @property
    def over(self) -> bool:
        """There is nothing to undo: it was undone, or its originals were deleted on purpose."""
        return self.settled and self is not RunState.DONE


BEFORE_ACTING = (RunState.PREPARING, RunState.VAULTED)


class Kept(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One file as it was, and where the vault has its bytes: `stored` is relative to the run's directory. `moved`:
    the file itself lies there, so its place in the state directory is empty; else it is a copy, without the extended
    `attributes` of the original: an access list would open the vault to others."""

    path: str
    stored: str
    sha256: str
    size: int
    mode: int
    uid: int
    gid: int
    mtime_ns: int
    dev: int
    ino: int
    moved: bool
    attributes: dict[str, bytes] = {}


class Manifest(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What the vault holds for one run. Item n belongs to act n of the plan, None where that act replaces nothing.
    `directories` are the mtimes (ns) that the directories of the targets had."""

    run_id: str
    plan_id: str
    state_dir: str
    created_at: int
    items: tuple[Kept | None, ...]
    directories: dict[str, int] = msgspec.field(default_factory=dict)


class Result(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One act as it came out. `sha256` is of the new content, or of the file that left."""

    target: str
    action: OneOf["rewritten", "created", "vaulted"]
    bytes: int
    sha256: str


class Verified(StrEnum):
    """What a verification was of: a store with the rows of its plan, a file with the bytes that were written, or
    something else."""

    STORE = "store"
    WRITTEN = "written"
    OTHER = "other"


class Receipt(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The end of a run. `verified` are sentences, one per verification, and `verified_of` is what each is of; it
    is empty in receipts of earlier versions. `undo` is the command that takes the run back.
    `gateway_stopped_by_word`: liveness was unknown and the operator asserted that the gateway is stopped.
    `fixed_clock` is the time that --now gave, by which ages were measured; None for the machine's own clock.
    `gateway_afterwards` is what was found when everything was written, None in receipts of earlier versions.
    `cautions` are those of its plan: what stays in the vault alone, among others."""

    schema_version: str = RECEIPT_SCHEMA_VERSION
    run_id: str
    plan_id: str
    state_dir: str
    vault: str
    outcome: OneOf["done", "put-back", "undone"]
    started_at: int
    finished_at: int
    steps: tuple[Step, ...]
    results: tuple[Result, ...]
    verified: tuple[str, ...]
    verified_of: tuple[Verified, ...] = ()
    evidence: tuple[str, ...] = ()
    gateway_stopped_by_word: bool = False
    fixed_clock: int | None = None
    gateway_afterwards: OneOf["live", "dead", "unknown"] | None = None
    evidence_afterwards: tuple[str, ...] = ()
    cautions: tuple[Note, ...] = ()
    undo: str | None = None
