"""What one reading of a state directory gave (examiner): every fact in one value, nothing judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from gatewaydoctor.model.database.health import Health
from gatewaydoctor.model.database.migration import Migration
from gatewaydoctor.model.database.reading import DatabaseFault

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.examine.databases.databases import (
        DatabaseFacts,
    )
    from gatewaydoctor.examine.inputs import (
        Inputs,
    )
    from gatewaydoctor.examine.sessions.copies import StoreCopy
    from gatewaydoctor.examine.sessions.parked import Parked
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.examine.world import Depth
    from gatewaydoctor.model.database.legacy import FoundLegacyFile
    from gatewaydoctor.model.database.reading import DatabaseBytes, StateRows
    from gatewaydoctor.model.gateway.config import Config, ConfigHistory
    from gatewaydoctor.model.gateway.cron import Cron
    from gatewaydoctor.model.gateway.era import Eras
    from gatewaydoctor.model.gateway.liveness import GatewayState, HeapLimit, LockVerdict
    from gatewaydoctor.model.gateway.place import Barred, Census, Place
    from gatewaydoctor.model.gateway.queues import DeliveryQueue
    from gatewaydoctor.model.gateway.subagents import SubagentRegistry
    from gatewaydoctor.system.fs import DiskSpace


class Examination(Struct, frozen=True):
    """Everything that was seen at one time."""

    now: int
    """Epoch ms."""
    depth: Depth
    place: Place
    config: Config
    history: ConfigHistory
    eras: Eras
    gateway: GatewayState
    stores: tuple[StoreFacts, ...]
    cron: Cron
    """What the cron directory holds."""
    jobs: Cron
    """The cron jobs the gateway runs: those of the state database, else `cron` itself."""
    subagents: SubagentRegistry
    queues: tuple[DeliveryQueue, ...]
    locks: tuple[LockVerdict, ...]
    """Every lock file found, judged."""
    census: Census
    volumes: tuple[tuple[Path, DiskSpace], ...]
    skipped: tuple[tuple[str, str], ...] = ()
    """What was not examined, and why."""
    complete: bool = True
    """The rows of every store of the tree are among `stores`."""
    left_out: int = 0
    """Stores of other agents, of which only references were read."""
    inputs: Inputs = field(default_factory=dict)
    """The files that told all this, as they were before they were read, but for those of the listings."""
    unsettled: frozenset[Path] = frozenset()
    """Stores that changed while they were read, or since."""
    machine_clock: bool = False
    heap: HeapLimit | None = None
    """None where nothing sets another limit than the usual one."""
    health: Health = field(default_factory=Health)
    databases: tuple[DatabaseFacts, ...] = ()
    """Those of the agents that have one."""
    state: StateRows | DatabaseFault | None = None
    """What the state database tells: None without one, a fault where it could not be read."""
    state_bytes: DatabaseBytes | None = None
    """Where the bytes of the state database are, if that was asked."""
    sentinel: int | None = None
    """When a restart left a note for the next start, epoch ms."""
    paired: bool = False
    """Whether devices are paired."""
    migration: Migration = field(default_factory=Migration)
    barred: tuple[Barred, ...] = ()
    """What the user who owns most of the tree may not read or write."""
    own_uid: int | None = None
    """The user who scans."""
    links: frozenset[Path] = frozenset()
    """The symbolic links below the state directory through which the inputs are reached."""
    parked: tuple[Parked, ...] = ()
    """What `park` has taken out of the gateway's sight."""
    legacy: tuple[FoundLegacyFile, ...] = ()
    """The damaged files of earlier releases that a start would take over."""

    @property
    def unchecked(self) -> tuple[tuple[str, str], ...]:
        """Path and reason of what was read and not compared: indexes of large databases, and copies of a store that
        cannot be read whole."""
        why = "its indexes were not compared with their tables, as it is large; scan --verify compares them"
        large = ((str(each.path), why) for each in self.health.databases if not each.indexes_compared)
        more = (
            (str(copy.path), f"it may have more conversations than the store: {copy.gap}")
            for copy in self.unread_copies
        )
        return (*large, *more)

    @property
    def unread_copies(self) -> tuple[StoreCopy, ...]:
        """Copies next to a store that could not be read whole: what they have more than it is not known."""
        return tuple(copy for store in self.session_stores for copy in store.copies if copy.gap)

    @property
    def state_rows(self) -> StateRows | None:
        """What the state database tells, None where there is none or it could not be read."""
        return None if self.state is None or isinstance(self.state, DatabaseFault) else self.state

    @property
    def startup_migrated(self) -> bool:
        """Whether 2026.9.6 has recorded that its startup migrations are done, in either of two rows, and neither the
        place of the directory nor the config is another one since: the next start of that release passes over them
        (docs/database.md, section 4)."""
        rows = self.state_rows
        version = self.config.release.version
        done = (rows.started, rows.migrated) if rows is not None else ()
        here = not (self.health.moved or self.health.jobs_elsewhere)
        return version is not None and version in done and here and not self._config_changed

    @property
    def _config_changed(self) -> bool:
        """Whether the config is another one than that of the last start, where the state database has that."""
        rows = self.state_rows
        seen = next((each for each in rows.configs if each.path == str(self.config.path)), None) if rows else None
        if rows is None or seen is None:
            return False
        later = None not in (seen.mtime, rows.migrated_at) and (seen.mtime or 0) > (rows.migrated_at or 0)
        return later or seen.digest != self.config.digest

    @property
    def session_stores(self) -> tuple[StoreFacts | DatabaseFacts, ...]:
        """Where sessions are, files first; of an agent with a database only the files that are there."""
        agents = {database.agent_id for database in self.databases}
        files = (each for each in self.stores if each.read.ref.exists or agents.isdisjoint(each.read.ref.agent_ids))
        return (*files, *self.databases)

    def store_of(self, agent_id: str) -> StoreFacts | None:
        return next((store for store in self.stores if agent_id in store.read.ref.agent_ids), None)
