"""The releases: how they are told apart, and what each does where they differ, as one value per release."""

from __future__ import annotations

from enum import Enum, StrEnum

from msgspec import Struct
from msgspec.structs import replace

from gatewaydoctor.model.gateway.files import PRIMARY, FileClass
from gatewaydoctor.model.regex import regex

MIB = 1024 * 1024

_NUMBERS = regex(r"v?([0-9]{4})\.([0-9]{1,2})\.([0-9]{1,3})(?![0-9])")


class Policy(StrEnum):
    """Which release's rules and defaults a directory lives under. Each means the releases up to the next one."""

    V2026_3_28 = "2026.3.28"
    V2026_4_25 = "2026.4.25"
    V2026_5_22 = "2026.5.22"
    V2026_9_6 = "2026.9.6"


class Cut(Enum):
    """When a store in files is cut to `maxEntries` in mode enforce."""

    AT_A_SAVE = "at a save"
    AT_LOAD = "at load"
    ABOVE_HIGH_WATER = "at the first save above the high-water mark"
    NEVER = "never: sessions are in a database"


class Resumes(Enum):
    """Which rows a start resumes beside the children of the subagent registry."""

    NOTHING = "nothing"
    INTERRUPTED = "rows marked as aborted, and running rows whose transcript has a lock"
    RUNNING = "running rows"


class Fires(Enum):
    """When the jobs that are overdue at a start run."""

    AT_ONCE = "at once"
    EVENTS_AT_ONCE = "system events at once, agent turns once it is up"
    DEFERRED = "once it is up"


class Behaviour(Struct, frozen=True, kw_only=True):
    """What a release does where releases differ (docs/gateway.md). Sizes in bytes; None: no such limit."""

    since: tuple[int, int, int]
    """The first release that does so."""
    telltales: tuple[str, ...]
    """Files that no release before it makes; that they are missing says nothing."""
    # Defaults of its config
    maintenance_mode: str
    max_entries: int
    rotate_bytes: int | None
    """Where this is None the setting has no effect, even when given: rotation was removed in 2026.4.27."""
    max_disk_bytes: int | None
    keeps_reset_archives: bool
    cron_slots: int
    # Its config
    config_exit: int | None
    """With which exit code a start ends because of a refused config."""
    restores_config: bool
    """Whether a start puts the last good copy back over a config that its validation refuses (2026.4.25, seen)."""
    cron_beside_config: bool
    """Whether the cron store defaults to the directory of a config that the environment names."""
    stamps_config: bool
    no_retention_is_off: bool
    """Whether `cron.sessionRetention` of no time at all switches the reaper off."""
    refuses_unwritable: bool
    """Whether it does not start where it cannot read or write its state, beside the config."""
    # Session stores
    sessions_in_database: bool
    keeps_case: bool
    """Whether keys of rooms are looked up with their case."""
    keeps_unscoped_keys: bool
    merges_keys: bool
    """Whether a start keeps one of the sessions whose keys are the same to it."""
    cut: Cut
    preserves_conversations: bool
    """Whether age limit and cap pass over conversations."""
    takes_store_lock: bool
    learns_from_locks: bool
    """Whether the next start reads the locks of transcripts to know which sessions were interrupted."""
    coerces_times: bool
    """Whether an `updatedAt` that is not a number is one to it as JavaScript makes one."""
    loads_deep_rows: bool
    heap_ratio: int
    heap_ratio_most: int
    """Bytes of heap per byte of a store that is loaded, or of the rows of a database. Measured with 185 MB: 2026.3.28
    ran out of memory at 2.1 GB of heap and not at 2.4 GB, 2026.4.25 at 4.2 GB, 2026.5.22 at 3.7 GB, 2026.9.6 at
    734 MB and not at 1.05 GB (gateway.md section 14). At most: for files as reported in 61633, 185 MB and about 33 GB
    (docs/incidents.md)."""
    deletes_archives: bool
    usage_classes: frozenset[FileClass]
    """Classes of files that a usage call reads."""
    # Runs, jobs and what waits
    resumes: Resumes
    copies_status: bool
    """Whether a cron run's row is saved with the status of its job row."""
    reruns_one_shots: bool
    """Whether a one-shot job whose run was broken off runs again after a start."""
    fires: Fires
    resets_main: bool
    """Whether main begins a new session before a system event once its day is over."""
    catches_up: bool
    """Whether a start looks for times of a schedule that passed since a job's last run."""
    prunes_stale_runs: bool
    keeps_ended_runs: bool
    """Whether ended subagent runs without an archive date stay forever."""
    spares_kept_runs: bool
    settles_open_runs: bool
    """Whether a start ends and announces subagent runs that had not ended."""
    gives_up_old_results: bool
    """Whether results of subagents that waited for hours are no longer announced."""
    reaps_soon: bool
    """Whether old rows of cron runs were gone within a minute of a start."""
    answers_sentinel: bool
    """Whether the text of a restart sentinel is put into main, with a model turn."""
    keeps_unsent: bool
    """Whether a message without a working channel stays in its queue, counted as failed once more."""
    sweeps_open_runs: bool
    """Whether the sweep of subagents takes a run past its archive date that has not ended."""
    moves_job_state: bool
    """Whether the state of jobs moves from jobs.json to jobs-state.json at a start."""


_ARCHIVED = frozenset({FileClass.ARCHIVE_DELETED, FileClass.ARCHIVE_RESET})

_V2026_3_28 = Behaviour(
    since=(0, 0, 0),
    telltales=(),
    maintenance_mode="warn",
    max_entries=500,
    rotate_bytes=10 * MIB,
    max_disk_bytes=None,
    keeps_reset_archives=False,
    cron_slots=1,
    config_exit=1,
    restores_config=False,
    cron_beside_config=False,
    stamps_config=True,
    no_retention_is_off=False,
    refuses_unwritable=False,
    sessions_in_database=False,
    keeps_case=False,
    keeps_unscoped_keys=True,
    merges_keys=False,
    cut=Cut.AT_A_SAVE,
    preserves_conversations=False,
    takes_store_lock=True,
    learns_from_locks=False,
    coerces_times=True,
    loads_deep_rows=False,
    heap_ratio=12,
    heap_ratio_most=180,
    deletes_archives=True,
    # It knows neither checkpoints nor trajectories by name, so any that a later release left there count.
    usage_classes=PRIMARY | _ARCHIVED | {FileClass.CHECKPOINT, FileClass.TRAJECTORY},
    resumes=Resumes.NOTHING,
    copies_status=True,
    reruns_one_shots=True,
    fires=Fires.AT_ONCE,
    resets_main=True,
    catches_up=True,
    prunes_stale_runs=False,
    keeps_ended_runs=True,
    spares_kept_runs=False,
    settles_open_runs=False,
    gives_up_old_results=True,
    reaps_soon=True,
    answers_sentinel=True,
    keeps_unsent=False,
    sweeps_open_runs=True,
    moves_job_state=False,
)
_V2026_4_25 = replace(
    _V2026_3_28,
    restores_config=True,
    since=(2026, 4, 20),  # when enforce became the default mode
    telltales=("cron/jobs-state.json", "tasks/runs.sqlite"),
    maintenance_mode="enforce",
    keeps_unscoped_keys=False,
    merges_keys=True,
    cut=Cut.AT_LOAD,
    learns_from_locks=True,
    loads_deep_rows=True,
    usage_classes=PRIMARY | _ARCHIVED | {FileClass.TRAJECTORY},
    resumes=Resumes.INTERRUPTED,
    copies_status=False,
    reruns_one_shots=False,
    resets_main=False,
    catches_up=False,
    prunes_stale_runs=True,
    keeps_ended_runs=False,
    reaps_soon=False,
    answers_sentinel=False,
    sweeps_open_runs=False,
    moves_job_state=True,
    heap_ratio=23,
)
_V2026_5_22 = replace(
    _V2026_4_25,
    restores_config=False,
    since=(2026, 4, 27),  # when rotation went
    telltales=("gateway-instance-id",),
    rotate_bytes=None,
    cron_beside_config=True,
    keeps_case=True,
    cut=Cut.ABOVE_HIGH_WATER,
    preserves_conversations=True,
    takes_store_lock=False,
    coerces_times=False,
    heap_ratio=20,
    usage_classes=PRIMARY | _ARCHIVED,
    fires=Fires.EVENTS_AT_ONCE,
    catches_up=True,
    spares_kept_runs=True,
    settles_open_runs=True,
    gives_up_old_results=False,
    answers_sentinel=True,
    keeps_unsent=True,
)
_V2026_9_6 = replace(
    _V2026_5_22,
    since=(2026, 7, 2),  # when sessions moved into SQLite, with 2026.7.2-beta.1
    telltales=("session-sqlite-migration-runs", "config-journal-fingerprint.key"),
    max_entries=5000,
    max_disk_bytes=10 * 1024 * MIB,
    keeps_reset_archives=True,
    cron_slots=8,
    config_exit=78,
    stamps_config=False,
    no_retention_is_off=True,
    refuses_unwritable=True,
    sessions_in_database=True,
    merges_keys=False,
    cut=Cut.NEVER,
    preserves_conversations=False,
    learns_from_locks=False,
    heap_ratio=4,
    heap_ratio_most=8,
    deletes_archives=False,
    usage_classes=frozenset(),
    resumes=Resumes.RUNNING,
    reruns_one_shots=True,
    fires=Fires.DEFERRED,
    prunes_stale_runs=False,
    settles_open_runs=False,
    gives_up_old_results=True,
    moves_job_state=False,
)

BEHAVIOURS: dict[Policy, Behaviour] = {
    Policy.V2026_3_28: _V2026_3_28,
    Policy.V2026_4_25: _V2026_4_25,
    Policy.V2026_5_22: _V2026_5_22,
    Policy.V2026_9_6: _V2026_9_6,
}

UNKNOWN = replace(
    _V2026_3_28,
    config_exit=None,
    keeps_unscoped_keys=False,
    coerces_times=False,
    loads_deep_rows=True,
    deletes_archives=False,
    usage_classes=_V2026_5_22.usage_classes,
    resumes=Resumes.RUNNING,
    copies_status=False,
    reruns_one_shots=False,
    resets_main=False,
    catches_up=False,
    reaps_soon=False,
)
"""What is taken for granted where nothing tells the release: the defaults of 2026.3.28, whatever any release resumes,
and nothing of what only some releases do."""


class Release(Struct, frozen=True):
    """The release that last wrote here, as far as the directory tells. `version` is its own text, where there is one;
    `policy` None means nothing tells, and then defaults are those of 2026.3.28 and marked as assumed."""

    version: str | None = None
    policy: Policy | None = None
    evidence: str = "nothing in the directory names the release"
    stamped: bool = False
    """Whether the config names it, and nothing names a later one."""

    @property
    def known(self) -> bool:
        return self.policy is not None

    @property
    def behaviour(self) -> Behaviour:
        return UNKNOWN if self.policy is None else BEHAVIOURS[self.policy]


UNKNOWN_RELEASE = Release()


def numbers(version: str | None) -> tuple[int, int, int] | None:
    """The numbers at the start of a version text such as `2026.4.25` or `v2026.7.2-beta.1`; None for other text."""
    found = _NUMBERS.match((version or "").strip())
    return (int(found[1]), int(found[2]), int(found[3])) if found else None
