"""The repairs, and what the operator can say about each. Every default is the cautious one."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct, field

from gatewaydoctor.model.gateway.entry import Status

if TYPE_CHECKING:
    from gatewaydoctor.model.gateway.entry import Kind
    from gatewaydoctor.model.gateway.transcript import PathMap


class Repair(StrEnum):
    """The repairs, in the order in which they are listed."""

    SALVAGE = "salvage"
    TRIM = "trim"
    MISSING = "missing"
    PATHS = "paths"
    EXPIRE = "expire"
    SLIM = "slim"
    TRANSCRIPTS = "transcripts"
    ORPHANS = "orphans"
    LOCKS = "locks"
    TEMPS = "temps"
    CRON = "cron"
    SUBAGENTS = "subagents"
    LEFTOVER = "leftover"
    LOGS = "logs"
    QUARANTINE = "quarantine"
    SCHEMA = "schema"
    JOBS = "jobs"
    COMPACT = "compact"
    IMPORT = "import"
    QUEUES = "queues"
    PARK = "park"
    UNPARK = "unpark"
    SPACE = "space"


class RepairSpec(Struct, frozen=True):
    """`purpose` in one line. A plan without names examines what is `recommended`, and adds it only where a finding
    calls for it. A repair that `edits_rows` is refused while the store is damaged, since not all rows are known."""

    purpose: str
    recommended: bool = True
    edits_rows: bool = False


REPAIRS = {
    Repair.SALVAGE: RepairSpec("Recover every complete session of a damaged store."),
    Repair.TRIM: RepairSpec("Remove rows of runs that are over; no conversation.", edits_rows=True),
    Repair.MISSING: RepairSpec("Re-point sessions whose transcript is elsewhere.", edits_rows=True),
    Repair.PATHS: RepairSpec("Rewrite session paths of another host.", recommended=False, edits_rows=True),
    Repair.EXPIRE: RepairSpec("Set an end status on stuck sessions.", edits_rows=True),
    Repair.SLIM: RepairSpec("Drop fields the gateway rebuilds.", edits_rows=True),
    Repair.TRANSCRIPTS: RepairSpec("Repair cut tails and headers of transcripts."),
    Repair.ORPHANS: RepairSpec("Move unindexed transcripts without a conversation to the vault.", recommended=False),
    Repair.LOCKS: RepairSpec("Move locks of ended processes to the vault.", recommended=False),
    Repair.TEMPS: RepairSpec("Move old temp files to the vault."),
    Repair.CRON: RepairSpec("Clear marks of runs; park, disable, enable jobs.", recommended=False),
    Repair.SUBAGENTS: RepairSpec("Remove ended subagent runs that nothing archives."),
    Repair.LEFTOVER: RepairSpec(
        "Remove from a leftover sessions.json what the database has; move damaged old files to the vault."
    ),
    Repair.LOGS: RepairSpec("Move the log of another database to the vault; rebuild a log's damaged header."),
    Repair.QUARANTINE: RepairSpec("Remove quarantine records of sound databases."),
    Repair.SCHEMA: RepairSpec("Put triggers back; drop rows that refer to nothing."),
    Repair.JOBS: RepairSpec("File cron jobs under the path the directory has now.", recommended=False),
    Repair.COMPACT: RepairSpec("Rebuild databases without their free pages.", recommended=False),
    Repair.IMPORT: RepairSpec("Put back what an import lost, for the next start to import."),
    Repair.QUEUES: RepairSpec("Move messages that wait for more than a day to the vault.", recommended=False),
    Repair.PARK: RepairSpec("Hide the session or agent named by --name from the next start.", recommended=False),
    Repair.UNPARK: RepairSpec("Put back what was parked.", recommended=False),
    Repair.SPACE: RepairSpec("Move what can be made again to a vault on another disk.", recommended=False),
}

ENDINGS = (Status.FAILED, Status.TIMEOUT, Status.KILLED)
"""What `expire` may set, the usual one first."""


class TrimOptions(Struct, frozen=True):
    """Which run rows go. `kinds` come on top of cron runs. `older_than` (ms) takes the place of the configured
    retention. `keep_per_job` None switches that limit off. `statuses` and `jobs` (ids, lower case) restrict what may
    go."""

    kinds: frozenset[Kind] = frozenset()
    older_than: int | None = None
    keep_per_job: int | None = 1
    max_entries: int | None = None
    statuses: frozenset[Status] = frozenset()
    jobs: frozenset[str] = frozenset()
    vault_transcripts: bool = True


class CronOptions(Struct, frozen=True):
    """Jobs by id, by name, or as #N by their place in the file. `drop` lets parked jobs go, and notes of disabled
    ones."""

    disable: frozenset[str] = frozenset()
    enable: frozenset[str] = frozenset()
    park: frozenset[str] = frozenset()
    unpark: frozenset[str] = frozenset()
    drop: frozenset[str] = frozenset()

    @property
    def empty(self) -> bool:
        return not (self.disable or self.enable or self.park or self.unpark or self.drop)

    def words(self) -> dict[str, str]:
        """Each option as it is kept in a plan."""
        said = {
            "disableJobs": self.disable,
            "enableJobs": self.enable,
            "parkJobs": self.park,
            "unparkJobs": self.unpark,
            "dropJobs": self.drop,
        }
        return {name: ",".join(sorted(words)) for name, words in said.items()}


class Options(Struct, frozen=True):
    """`names` are session keys or file names that were named one by one: only these lose protection. `end_as` is the
    status that stuck rows get. `older_than` (ms) is for temp files and subagent runs, None their own default.
    `path_maps` are those given. `disable_retrying`: jobs that retry without end are disabled if runs of them go.
    `drop_parked`: what `names` names goes to the vault, not back."""

    trim: TrimOptions = field(default_factory=TrimOptions)
    names: frozenset[str] = frozenset()
    end_as: Status = Status.FAILED
    older_than: int | None = None
    path_maps: tuple[PathMap, ...] = ()
    cron: CronOptions = field(default_factory=CronOptions)
    disable_retrying: bool = False
    drop_parked: bool = False

    def words(self) -> dict[str, str]:
        """The options that differ from the defaults, for the plan."""
        own = Options()
        trim, default = self.trim, own.trim
        said = {
            "kinds": ",".join(sorted(trim.kinds)),
            "trimOlderThanMs": "" if trim.older_than is None else str(trim.older_than),
            "keepPerJob": "" if trim.keep_per_job == default.keep_per_job else str(trim.keep_per_job),
            "maxEntries": "" if trim.max_entries is None else str(trim.max_entries),
            "statuses": ",".join(sorted(trim.statuses)),
            "jobs": ",".join(sorted(trim.jobs)),
            "transcripts": "" if trim.vault_transcripts else "leave",
            "names": ",".join(sorted(self.names)),
            "endAs": "" if self.end_as is own.end_as else self.end_as.value,
            "olderThanMs": "" if self.older_than is None else str(self.older_than),
            "pathMaps": ",".join(each.text for each in self.path_maps),
            "disableRetrying": "yes" if self.disable_retrying else "",
            "dropParked": "yes" if self.drop_parked else "",
            **self.cron.words(),
        }
        return {name: text for name, text in said.items() if text}
