"""What the releases with sessions in databases were seen to make of damage: the exit code of each, or that it starts.

Every code is of a real start on a damaged directory (tests/conformance, docs/database.md section 4)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

NEWEST = "2026.9.6"
"""The newest release that was tried. What only it was seen to do is told with its name."""
STARTS = 0
"""In place of an exit code: the gateway comes up."""
APART = -1
"""The gateway comes up without what it cannot read, and leaves the file as it is."""
_MIXED = "2026.7.1"
"""The release that was tried of those with sessions in files and jobs in a database."""


class Damage(StrEnum):
    """Kinds of damage. `agent`, `state`: a database with a garbage header or a zeroed page, or cut in half;
    `state-page`: the latter two of the state database, in tables other than its own record. `empty`,
    `no-table`, `missing`: an agent's; `state-gone`: the state database of 0 bytes or missing; `unused`: missing,
    of an agent that the config does not have. `tables`: tables are missing that a start makes again. `index`: it
    lacks rows, or a page of it is malformed. `side-file`: a link in place of the -wal, not a regular file in place of
    the -shm. `blocked`: a file in place of the directory of a database. `locks`: the file of a lock is no database.
    `journal`: a rollback journal of an unfinished transaction next to an agent's. `registered`: the registry has it
    under another agent, too. `doubled`: a second directory of the agent has the same sessions. `database-lease`: a
    process runs that may have an agent's open. `old-file`: a file of the file era that no database has taken.
    `disk-full`: the volume of the state directory has no byte left. `legacy`: a small old file cannot be taken over.
    `legacy-older`: one that 2026.8.1 takes over, too. `credentials`: one with credentials is still there, and the
    gateway comes up and ends within half a minute; `credentials-before-agents`: one in the directory that was there
    before agents, which a start moves to `main`; `torn-credentials`: those in an agent's database,
    `torn-plugins`, `torn-shared-store`: the record of installed plugins in the state database, of where the
    credentials are, `device-key`: of the identity of this device.
    `jobs-file`: a jobs.json that cannot be parsed, `cron-store`: that of `cron.store` in the config, which a start
    moves to the state database. `approvals`: the record that approvals of desktops were moved is not marked as
    completed."""

    AGENT = "agent"
    STATE = "state"
    STATE_PAGE = "state-page"
    EMPTY = "empty"
    NO_TABLE = "no-table"
    MISSING = "missing"
    STATE_GONE = "state-gone"
    UNUSED = "unused"
    LEFTOVER = "leftover"
    OLD_FILE = "old-file"
    DISK_FULL = "disk-full"
    OWNER = "owner"
    REGISTERED = "registered"
    DOUBLED = "doubled"
    NEWER = "newer"
    VERSIONS = "versions"
    NO_VERSION = "no-version"
    STATE_NO_VERSION = "state-no-version"
    FOREIGN_KEYS = "foreign-keys"
    SCHEMA = "schema"
    TABLES = "tables"
    ENTRIES = "entries"
    QUARANTINED = "quarantined"
    QUARANTINE_STORE = "quarantine-store"
    QUARANTINED_STATE = "quarantined-state"
    QUARANTINE_NEWER = "quarantine-newer"
    QUARANTINE_EMPTY = "quarantine-empty"
    INDEX = "index"
    CONSTRAINTS = "constraints"
    READ_ONLY = "read-only"
    SIDE_FILE = "side-file"
    STATE_LOG_LINKED = "state-log-linked"
    LOCKS = "locks"
    BLOCKED = "blocked"
    JOURNAL = "journal"
    FOREIGN_LOG = "foreign-log"
    NO_LOG = "no-log"
    OWNER_LEASE = "owner-lease"
    MAINTENANCE_LEASE = "maintenance-lease"
    DATABASE_LEASE = "database-lease"
    CONFIG = "config"
    LEGACY = "legacy"
    LEGACY_OLDER = "legacy-older"
    CREDENTIALS = "credentials"
    CREDENTIALS_BEFORE_AGENTS = "credentials-before-agents"
    TORN_CREDENTIALS = "torn-credentials"
    TORN_PLUGINS = "torn-plugins"
    TORN_SHARED_STORE = "torn-shared-store"
    DEVICE_KEY = "device-key"
    JOBS_FILE = "jobs-file"
    CRON_STORE = "cron-store"
    APPROVALS = "approvals"


CODES: Mapping[Damage, Mapping[str, int]] = {
    Damage.AGENT: {"2026.8.1": 1, "2026.9.3": 1, "2026.9.5": APART, NEWEST: 78},
    Damage.STATE: {_MIXED: 1, "2026.8.1": 1, "2026.9.3": 1, "2026.9.5": 1, NEWEST: 78},
    Damage.STATE_PAGE: {_MIXED: APART, "2026.8.1": 1, "2026.9.3": 1, "2026.9.5": 78, NEWEST: 78},
    Damage.EMPTY: {"2026.8.1": STARTS, "2026.9.3": STARTS, NEWEST: STARTS},
    Damage.NO_TABLE: {"2026.8.1": STARTS, "2026.9.3": STARTS, NEWEST: STARTS},
    Damage.MISSING: {"2026.8.1": STARTS, "2026.9.3": STARTS, NEWEST: STARTS},
    Damage.STATE_GONE: {_MIXED: STARTS, "2026.8.1": STARTS, "2026.9.3": STARTS, NEWEST: STARTS},
    Damage.UNUSED: {NEWEST: STARTS},
    Damage.LEFTOVER: {"2026.8.1": 1, "2026.9.3": 78, "2026.9.5": 78, NEWEST: 78},
    Damage.OLD_FILE: {"2026.8.1": STARTS, "2026.9.3": 78, "2026.9.5": 78, NEWEST: 78},
    Damage.DISK_FULL: {NEWEST: 1},
    Damage.OWNER: {"2026.8.1": 1, "2026.9.3": 1, "2026.9.5": 78, NEWEST: 78},
    Damage.REGISTERED: {NEWEST: 78},
    Damage.DOUBLED: {NEWEST: 1},
    Damage.NEWER: {_MIXED: 1, "2026.8.1": 78, "2026.9.3": 78, "2026.9.5": 78, NEWEST: 78},
    Damage.VERSIONS: {NEWEST: 78},
    Damage.NO_VERSION: {NEWEST: 78},
    Damage.STATE_NO_VERSION: {NEWEST: 1},
    Damage.FOREIGN_KEYS: {"2026.8.1": 1, "2026.9.3": 1, "2026.9.5": APART, NEWEST: 78},
    Damage.SCHEMA: {"2026.8.1": 1, "2026.9.3": 1, "2026.9.5": APART, NEWEST: 78},
    Damage.TABLES: {"2026.8.1": STARTS, "2026.9.3": STARTS, NEWEST: STARTS},
    Damage.ENTRIES: {"2026.8.1": STARTS, "2026.9.3": STARTS, "2026.9.5": 1, NEWEST: 1},
    Damage.QUARANTINED: {NEWEST: 1},
    Damage.QUARANTINED_STATE: {NEWEST: 78},
    Damage.QUARANTINE_STORE: {"2026.9.5": STARTS, NEWEST: 1},
    Damage.QUARANTINE_NEWER: {NEWEST: 1},
    Damage.QUARANTINE_EMPTY: {NEWEST: STARTS},
    Damage.INDEX: {"2026.8.1": 1, "2026.9.3": 1, "2026.9.5": APART, NEWEST: 78},
    Damage.CONSTRAINTS: {"2026.9.3": STARTS, "2026.9.5": 1, NEWEST: 1},
    Damage.READ_ONLY: {NEWEST: 1},
    Damage.SIDE_FILE: {NEWEST: 1},
    Damage.STATE_LOG_LINKED: {NEWEST: 78},
    Damage.LOCKS: {NEWEST: 1},
    Damage.BLOCKED: {NEWEST: 78},
    Damage.JOURNAL: {NEWEST: 1},
    Damage.FOREIGN_LOG: {"2026.8.1": 1, "2026.9.3": 1, "2026.9.5": 78, NEWEST: 78},
    Damage.NO_LOG: {"2026.8.1": STARTS, "2026.9.3": STARTS, NEWEST: STARTS},
    Damage.OWNER_LEASE: {"2026.8.1": STARTS, "2026.9.3": STARTS, NEWEST: 1},
    Damage.MAINTENANCE_LEASE: {"2026.8.1": 1, "2026.9.3": 1, NEWEST: 1},
    Damage.DATABASE_LEASE: {NEWEST: 78},
    Damage.CONFIG: {_MIXED: 1, "2026.8.1": 1, "2026.9.3": 1, NEWEST: 1},
    Damage.LEGACY: {"2026.8.1": STARTS, "2026.9.3": STARTS, "2026.9.5": STARTS, NEWEST: STARTS},
    Damage.LEGACY_OLDER: {"2026.8.1": STARTS, "2026.9.3": STARTS, "2026.9.5": STARTS, NEWEST: STARTS},
    Damage.CREDENTIALS: {"2026.8.1": 1, "2026.9.3": STARTS, "2026.9.5": 1, NEWEST: 1},
    Damage.CREDENTIALS_BEFORE_AGENTS: {"2026.8.1": STARTS, "2026.9.3": STARTS, NEWEST: STARTS},
    Damage.TORN_CREDENTIALS: {"2026.8.1": 1, "2026.9.3": 1, "2026.9.5": 1, NEWEST: 1},
    Damage.TORN_PLUGINS: {"2026.9.3": 78, NEWEST: 78},
    Damage.TORN_SHARED_STORE: {NEWEST: 1},
    Damage.DEVICE_KEY: {"2026.9.3": 1, NEWEST: 1},
    Damage.JOBS_FILE: {"2026.8.1": STARTS, "2026.9.3": STARTS, "2026.9.5": STARTS, NEWEST: STARTS},
    Damage.CRON_STORE: {NEWEST: 78},
    Damage.APPROVALS: {NEWEST: 1},
}
"""Exit code by release, of a start that passes over its startup migrations, as they are done."""

DUE: Mapping[Damage, Mapping[str, int]] = {
    Damage.EMPTY: {NEWEST: 78},
    Damage.LEGACY: {NEWEST: 78},
    Damage.LEGACY_OLDER: {"2026.8.1": 1, NEWEST: 78},
    Damage.CREDENTIALS_BEFORE_AGENTS: {"2026.8.1": 1, NEWEST: 1},
    Damage.JOBS_FILE: {"2026.8.1": 1},
    Damage.STATE_NO_VERSION: {NEWEST: 78},
    Damage.ENTRIES: {NEWEST: STARTS},
    Damage.QUARANTINED: {NEWEST: 78},
    Damage.QUARANTINE_STORE: {NEWEST: 78},
    Damage.CONSTRAINTS: {NEWEST: 78},
    Damage.READ_ONLY: {NEWEST: 78},
    Damage.DISK_FULL: {NEWEST: 78},
    Damage.MAINTENANCE_LEASE: {NEWEST: 78},
}
"""Those that differ while the startup migrations are due."""

ISOLATED = frozenset(
    {
        Damage.AGENT,
        Damage.OWNER,
        Damage.VERSIONS,
        Damage.FOREIGN_KEYS,
        Damage.SCHEMA,
        Damage.INDEX,
        Damage.FOREIGN_LOG,
    }
)
"""Those with which 2026.9.6 starts where the database is of an agent that its config has and that is neither its
default nor `main`: the sessions of that agent stay closed, and the file as it is."""


class SeenStart(Struct, frozen=True):
    """What a start makes of one damage. `release` is the one that was seen, `untried` the one in use where that was
    not. `isolates`: it starts without what it cannot read, such as the sessions of the agent."""

    release: str
    code: int
    untried: str | None = None
    isolates: bool = False

    @property
    def who(self) -> str:
        return f"A {self.release} gateway"

    @property
    def hedge(self) -> str:
        return f"; {self.untried} was not tried" if self.untried else ""

    @property
    def refuses(self) -> bool:
        return self.code != STARTS


def seen_start(damage: Damage, release: str | None, *, due: bool = False, apart: bool = False) -> SeenStart:
    """`release` is the one in use, `due` whether its startup migrations are, `apart` whether the database is of an
    agent that a start can do without."""
    codes = {**CODES[damage], **DUE.get(damage, {})} if due else CODES[damage]
    if release is not None and release != NEWEST and release in codes:
        alone = codes[release] == APART
        return SeenStart(release, STARTS if alone else codes[release], isolates=alone)
    untried = None if release == NEWEST else release
    if apart and damage in ISOLATED:
        return SeenStart(NEWEST, STARTS, untried, isolates=True)
    return SeenStart(NEWEST, codes[NEWEST], untried)
