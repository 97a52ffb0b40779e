"""What the rows of an agent's database say besides its sessions."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatewaydoctor.model.gateway.database import DatabaseBytes, Fault
    from gatewaydoctor.model.gateway.era import Database


class Windows(Struct, frozen=True):
    """Transcript generations: one a sessionId. `former` are not the current one of any session; `running_former` of
    those are marked running, which nothing ever clears. `by_status` counts NULL under an empty word."""

    count: int = 0
    former: int = 0
    running_former: int = 0
    by_status: Counter[str] = field(default_factory=Counter)


class Events(Struct, frozen=True):
    """Transcript events: `bytes` as stored, `compressed` how many are zstd. `large` ones have at least 64 KiB, mostly
    pictures and tool results; `large_bytes` are theirs. `newest` is epoch ms."""

    sessions: int = 0
    count: int = 0
    bytes: int = 0
    compressed: int = 0
    large: int = 0
    large_bytes: int = 0
    newest: int | None = None


class Stored(Struct, frozen=True):
    """Rows of one sort and the bytes of their content."""

    count: int = 0
    bytes: int = 0


class AgentRows(Struct, frozen=True):
    """`owner` is the agent the database says it belongs to. `app_version` is the creator's or last migrator's.
    `archives` are transcripts of deleted sessions, `cold` those moved out of the events, `trajectories` telemetry.
    `inputs` counts user inputs by state: a queued one was accepted and never processed. `unjudged` and `cleared` are
    session rows by entry_valid 0 and -1. `silent` sessions have no event; `lost_events` are sessionIds with events
    and no window, which a start refuses; people speak in `lost_of_people` of the first of them, those that cannot be
    unpacked included. `faults` name what could not be read (table -> why)."""

    owner: str | None = None
    app_version: str | None = None
    schema: int | None = None
    windows: Windows = field(default_factory=Windows)
    events: Events = field(default_factory=Events)
    archives: Stored = field(default_factory=Stored)
    cold: Stored = field(default_factory=Stored)
    trajectories: Stored = field(default_factory=Stored)
    inputs: Mapping[str, int] = field(default_factory=dict)
    unjudged: int = 0
    cleared: int = 0
    silent: int = 0
    lost_events: int = 0
    lost_of_people: int = 0
    faults: tuple[tuple[str, Fault], ...] = ()


class OwnerBytes(Struct, frozen=True):
    """What a group of tables is for, and its bytes with all indexes."""

    owner: str
    bytes: int


OWNERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("sessions", ("session_nodes", "session_windows", "session_canonical_", "session_key_", "session_participants")),
    ("transcripts", ("transcript_", "session_transcript_active", "session_transcript_index")),
    ("search index", ("session_transcript_fts",)),
    ("transcript archives", ("session_transcript_archives", "session_transcript_cold")),
    ("trajectories", ("trajectory_",)),
    ("memory", ("memory_", "standing_intents")),
    ("cache", ("cache_entries",)),
    ("run history", ("task_runs", "cron_run_", "flow_runs")),
    ("audit", ("audit_", "diagnostic_")),
)
"""First words of table names by what they are for; the rest is `other`."""


def bytes_by_owner(found: DatabaseBytes) -> tuple[OwnerBytes, ...]:
    """The live bytes of a database by what they are for, most first; the freelist, and the log next to it, last."""
    totals: Counter[str] = Counter()
    for table in found.tables:
        owner = next((owner for owner, words in OWNERS if table.name.startswith(words)), "other")
        totals[owner] += table.total
    totals["other"] += found.live - found.freelist - totals.total()
    ranked = [OwnerBytes(owner, size) for owner, size in totals.most_common() if size > 0]
    beside = (("free pages", found.freelist), ("-wal", found.wal), ("-journal", found.journal))
    return (*ranked, *(OwnerBytes(owner, size) for owner, size in beside if size))


class DatabaseWeight(Struct, frozen=True):
    """Where the bytes of one database are, or why that is not known."""

    database: Database
    found: DatabaseBytes | Fault
