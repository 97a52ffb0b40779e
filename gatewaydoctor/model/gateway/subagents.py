"""The subagent registry, subagents/runs.json, as counts and compact rows (docs/gateway.md section 8)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gatewaydoctor.model.gateway.files import Unreadable


class RegistryRead(StrEnum):
    """`gateway-empty`: the gateway takes it for an empty registry and overwrites it. Up to 2026.3.28 it is written in
    place, so a torn one is what a crash leaves."""

    OK = "ok"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    GATEWAY_EMPTY = "gateway-empty"


class SubagentState(StrEnum):
    RUNNING = "running"
    ENDED = "ended"


class SubagentRun(NamedTuple):
    """One run; times in epoch ms. A tuple, for there may be hundreds of thousands. `orphaned`: no index knows the
    child session. `never_archived`: it ended, and no sweep of 2026.3 will ever take it."""

    run_id: str
    child_key: str | None
    requester_key: str | None
    spawn_mode: str
    cleanup: str
    state: SubagentState
    created_at: int | None
    ended_at: int | None
    archive_at: int | None
    cleanup_completed_at: int | None
    never_archived: bool
    orphaned: bool


READ_VERSIONS = (1, 2)


class SubagentRegistry(Struct, frozen=True):
    """What runs.json holds. With a fault the counts are of the whole runs before it, but perhaps for the last one.
    `rows` are the runs worth a look (running, never archived or orphaned), at most as many as were asked for;
    `notable` is how many there are. `reason` says why the gateway would not take it; `problem` is set where it could
    not be read here. `fault_at` is a byte offset. Times are epoch ms. `open_children` are the children's keys, in
    lower case, of all runs that have not ended, `timed_out_children` of those that ended by a timeout, and
    `overdue_children` of those that some index knows and whose archive date has passed."""

    path: Path
    read: RegistryRead
    bytes: int = 0
    version: int | None = None
    reason: str | None = None
    fault_at: int | None = None
    runs: int = 0
    invalid: int = 0
    by_spawn_mode: Mapping[str, int] = field(default_factory=dict)
    by_cleanup: Mapping[str, int] = field(default_factory=dict)
    by_state: Mapping[SubagentState, int] = field(default_factory=dict)
    never_archived: int = 0
    orphaned: int = 0
    unended_orphans: int = 0
    with_attachments: int = 0
    oldest: int | None = None
    newest: int | None = None
    notable: int = 0
    rows: tuple[SubagentRun, ...] = ()
    problem: Unreadable | None = None
    open_children: frozenset[str] = frozenset()
    timed_out_children: frozenset[str] = frozenset()
    overdue_children: frozenset[str] = frozenset()

    @property
    def version_is_read(self) -> bool:
        """Whether the gateway reads registries of this version; of any other it sees nothing (gateway.md
        section 8)."""
        return self.version in READ_VERSIONS
