"""The document behind `--json` and every other format (architecture.md section 5). Field names become
camelCase in JSON.

Sizes are bytes, times epoch ms, durations ms. A reader ignores keys it does not know; within schema 1.x none goes
away.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from gatewaydoctor.model.outcome.finding import SeverityWord  # noqa: TC001 - msgspec resolves it for the schema
from gatewaydoctor.model.outcome.gate import GateInfo  # noqa: TC001 - likewise

SCHEMA_VERSION = "1.0"


class ToolInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    name: str
    version: str


class ErrorInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Why the command could not do its work, and the next step."""

    code: str
    message: str
    hint: str


class GatewayInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    liveness: Literal["live", "dead", "unknown"]
    evidence: tuple[str, ...] = ()


class ConfigInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """`maintenance` maps each setting to its value and where the value comes from."""

    path: str
    readable: bool
    exists: bool
    problem: str | None
    release: str | None
    policy: str | None
    maintenance: dict[str, SettingInfo]
    main_key: str
    port: int


class SettingInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    value: int | str | bool | None
    origin: str


class FaultInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    kind: str
    offset: int
    sentence: str


class Distribution(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    status: dict[str, int]
    kind: dict[str, int]
    cells: tuple[CellInfo, ...] = ()


class CellInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Rows of one kind and status."""

    kind: str
    status: str
    entries: int
    bytes: int


class RunsPerTick(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    median: float
    max: int


class TickInterval(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    median: int
    p10: int
    p90: int


class TimelineInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Runs over time in bins of `step_ms`, the first from `start_at_ms`; the same bins for all jobs of a store."""

    start_at_ms: int
    step_ms: int
    counts: tuple[int, ...]


class CronJobInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The runs of a job. `known` is None where jobs.json could not be read."""

    job_id: str
    name: str | None
    known: bool | None
    runs: int
    status: dict[str, int]
    bytes: int
    first_at: int | None
    last_at: int | None
    span_ms: int | None
    ticks: int
    runs_per_tick: RunsPerTick | None
    tick_interval_ms: TickInterval | None
    stuck: int
    base_status: str | None
    flags: tuple[str, ...]
    timeline: TimelineInfo | None = None


class TranscriptInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    files: int
    bytes: int
    referenced: int
    orphans: int
    orphan_bytes: int
    missing: int


class ClassInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Files of one class in a sessions directory; oldest and newest by name stamp or mtime."""

    files: int
    bytes: int
    oldest_at_ms: int | None
    newest_at_ms: int | None


class StoreInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    agent_id: str
    agent_ids: tuple[str, ...]
    era: Literal["files", "mixed", "sqlite", "none"]
    path: str
    exists: bool
    bytes: int
    entries: int
    readable: Literal["yes", "no", "gateway-empty"]
    layout: Literal["canonical", "other"] | None
    sha256: str | None
    fault: FaultInfo | None
    distribution: Distribution
    field_bytes: dict[str, int]
    cron: tuple[CronJobInfo, ...]
    transcripts: TranscriptInfo
    classes: dict[str, ClassInfo]
    oldest_updated_at: int | None
    newest_updated_at: int | None
    database: DatabaseInfo | None = None
    stuck: int = 0


class DatabaseInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The agent's SQLite database as its header describes it; nothing in it is opened for writing."""

    path: str
    bytes: int
    wal_bytes: int | None
    schema_version: int | None
    note: str | None


class AgentInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One agent and the generation of files it lives in; `reason` names what decided that. An agent may have a
    database and no store."""

    agent_id: str
    era: Literal["files", "mixed", "sqlite"]
    reason: str
    database: DatabaseInfo | None


class SubagentsInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    path: str
    exists: bool
    bytes: int
    readable: bool
    problem: str | None
    runs: int
    by_spawn_mode: dict[str, int]
    by_cleanup: dict[str, int]
    by_state: dict[str, int]
    never_archived: int
    orphaned: int


class FixInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    command: str
    safe: bool


class FindingInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    rule: str
    severity: SeverityWord
    title: str
    message: str
    agent_id: str | None
    path: str | None
    key: str | None
    count: int
    evidence: dict[str, Any]
    consequence: str
    fix: FixInfo | None
    by_hand: str | None
    docs: str


class SkippedInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """Something that was not examined, and why."""

    path: str
    reason: str


class StakeInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What the directory holds, as far as it was read: conversations in its stores, enabled cron jobs, and messages
    that wait to be delivered. `complete` is false where more may be there. `text` is what the screen shows."""

    conversations: int
    jobs: int
    deliveries: int
    complete: bool
    text: str
    without_transcript: int


class StartInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The verdict on the next start, also that of `gate`. `start`: `no` where this release was seen to refuse or to
    die on what was found, `at-risk` where it silently loses data or an estimate has it run out of memory or loop,
    `unknown` where something that decides was not read. `effect` is what decided, null for `yes`: `loses`, `fails`,
    `risks` or `unread`. `rules` are those of the findings that decided."""

    start: Literal["yes", "no", "at-risk", "unknown"]
    effect: Literal["loses", "fails", "risks", "unread"] | None
    reason: str
    cause: str
    stake: StakeInfo
    release: str | None
    release_source: str
    rules: tuple[str, ...]


class NextInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """The next step on the screen; `command` is null where there is nothing to type."""

    command: str | None
    why: str


class ClockInfo(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """A clock that was fixed: by what, and the machine's own time in epoch ms."""

    source: Literal["--now", "GATEWAYDOCTOR_NOW"]
    machine: int


class Document(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """`ok` is false exactly when the exit code is not 0. `worst` is the worst severity among the findings. `gate` is
    there when `scan` or `check` decided; `duration_ms` only in formats that show it; `clock` when `now` is not the
    machine's time."""

    schema_version: str
    tool: ToolInfo
    command: str
    now: int
    state_dir: str | None
    ok: bool
    exit_code: int
    worst: SeverityWord | None
    error: ErrorInfo | None
    verdict: StartInfo | None = None
    next: NextInfo | None = None
    gateway: GatewayInfo | None = None
    config: ConfigInfo | None = None
    agents: tuple[AgentInfo, ...] = ()
    stores: tuple[StoreInfo, ...] = ()
    subagents: SubagentsInfo | None = None
    findings: tuple[FindingInfo, ...] = ()
    findings_total: int = 0
    skipped: tuple[SkippedInfo, ...] = ()
    notices: tuple[str, ...] = ()
    clock: ClockInfo | None = None
    details: dict[str, Any] = {}
    gate: GateInfo | None = None
    duration_ms: int | None = None
