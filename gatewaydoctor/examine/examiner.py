"""examine(): one reading of a state directory, step by step. It judges nothing and writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from gatewaydoctor.examine.databases.databases import (
    DatabaseFacts,
    Read,
    cron_of,
    database_facts,
    gaps_of,
    read_agent_database,
    rows_of_main,
    state_facts,
    weigh,
)
from gatewaydoctor.examine.examination import Examination
from gatewaydoctor.examine.found import find
from gatewaydoctor.examine.gateway import gateway_of
from gatewaydoctor.examine.inputs import (
    files_beside_stores,
    identities,
    links_on_the_way,
    registry_path,
    store_inputs,
)
from gatewaydoctor.examine.sessions.activity import ListedTimes
from gatewaydoctor.examine.sessions.parked import find_parked
from gatewaydoctor.examine.sessions.stores import StoreFacts, StoreRead, read_store
from gatewaydoctor.examine.sessions.tree import Tree, store_facts
from gatewaydoctor.examine.world import Depth, NoProgress, Progress, Where, World
from gatewaydoctor.model.database.health import Health
from gatewaydoctor.model.database.migration import Migration
from gatewaydoctor.model.gateway.config import with_cron_store
from gatewaydoctor.model.gateway.files import FileClass
from gatewaydoctor.model.gateway.liveness import Liveness
from gatewaydoctor.state.alive.heap import heap_limit
from gatewaydoctor.state.alive.locks import LockJudge
from gatewaydoctor.state.config.history import config_history
from gatewaydoctor.state.config.settings import normalize_agent_id
from gatewaydoctor.state.cron.cron import read_cron
from gatewaydoctor.state.history.files import list_files
from gatewaydoctor.state.history.pathmap import parse_path_map
from gatewaydoctor.state.history.references import References
from gatewaydoctor.state.place.agents import list_stores
from gatewaydoctor.state.place.census import barred, disk_space, needed, take_census
from gatewaydoctor.state.place.era import read_eras
from gatewaydoctor.state.registry.queues import read_queues
from gatewaydoctor.state.registry.sentinel import is_paired, read_sentinel
from gatewaydoctor.state.registry.subagents import read_subagents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from gatewaydoctor.model.database.legacy import FoundLegacyFile
    from gatewaydoctor.model.database.reading import DatabaseFault, StateRows
    from gatewaydoctor.model.gateway.config import Config
    from gatewaydoctor.model.gateway.cron import Cron
    from gatewaydoctor.model.gateway.era import AgentEra, Database, Eras
    from gatewaydoctor.model.gateway.files import Listing
    from gatewaydoctor.model.gateway.liveness import LockVerdict
    from gatewaydoctor.model.gateway.place import Place, StoreRef
    from gatewaydoctor.system.fs import FileStat


def examine(world: World, where: Where, depth: Depth, progress: Progress | None = None) -> Examination:
    """Look at a state directory. What is damaged or unreadable becomes a fact; only a directory that cannot be found
    or opened at all, or an option that makes no sense, raises DoctorError."""
    return _Examiner(world, where, depth, progress or NoProgress()).examine()


class _Examiner:
    def __init__(self, world: World, where: Where, depth: Depth, progress: Progress) -> None:
        self.world = world
        self.where = where
        self.depth = depth
        self.progress = progress
        self.fs = world.fs
        self.skipped: list[tuple[str, str]] = []

    def examine(self) -> Examination:
        world, where = self.world, self.where
        maps = tuple(parse_path_map(text, world.cwd) for text in where.path_maps)
        found = find(world, where)
        place, refs = found.place, found.stores
        eras = read_eras(self.fs, place.state_dir, refs)
        config = self._config(found.config, eras)
        inputs = identities(self.fs, files_beside_stores(place, config, eras))
        liveness = gateway_of(world, where, found)
        cron = read_cron(self.fs, config.cron.store.value, config.release)
        references = References()
        reads = self._read_stores(refs, references, config.main_key.value)
        # A transcript is called unreferenced only against the stores of all agents, examined or not.
        others = self._refer_to_others(place, config, refs, references)
        self._note_gaps(reads)
        read_databases = self._read_databases(eras, references, config.main_key.value)
        is_known = _key_test(reads, read_databases)
        state = state_facts(self.fs, eras.state, str(config.cron.store.value), is_known)
        jobs = cron_of(eras.state, state, cron)
        state_bytes = weigh(self.fs, eras.state) if self.depth.weigh else None
        live = liveness.liveness is Liveness.LIVE
        databases = self._databases(read_databases, jobs, is_known, live=live)
        known = (
            self._agents_listed(place)
            and all(read.whole for read in (*reads, *others))
            and all(database.whole or database.is_empty for database in databases)
        )
        listings = self._list(refs, eras)
        times = ListedTimes(listings.values())
        tree = Tree(
            config=config,
            eras=eras,
            cron=jobs,
            references=references,
            stores=tuple(ref.path for ref in refs),
            listings=listings,
            times=times,
            maps=maps,
            known=known,
            is_known=is_known,
            live=live,
        )
        stores = tuple(store_facts(self.fs, read, tree, self.depth, world.now, self.progress) for read in reads)
        health = self._health(place, config, eras, stores)
        if foreign := health.beside_foreign_logs:
            read_databases = [
                (agent, each, self._main_of(each, read, config) if each.path in foreign else read)
                for agent, each, read in read_databases
            ]
            databases = self._databases(read_databases, jobs, is_known, live=live)
        self.skipped += gaps_of(databases, state)
        inputs |= store_inputs(self.fs, place, (*reads, *others))
        inputs |= {each.path: None for each in health.missing}
        self.progress.phase("reading archives, locks and registries", None)
        seen = Examination(
            now=world.now,
            depth=self.depth,
            place=place,
            config=config,
            history=config_history(self.fs, config),
            eras=eras,
            gateway=liveness,
            stores=stores,
            cron=cron,
            subagents=read_subagents(self.fs, registry_path(place), is_known, now=world.now),
            queues=read_queues(self.fs, place.state_dir),
            locks=self._locks(stores),
            census=take_census(self.fs, place.state_dir, listings),
            volumes=tuple(disk_space(self.fs, (place.state_dir, *(ref.path.parent for ref in refs))).values()),
            complete=known and not others,
            left_out=sum(read.ref.exists for read in others),
            inputs=inputs,
            links=links_on_the_way(self.fs, place.state_dir, inputs),
            sentinel=read_sentinel(self.fs, place.state_dir),
            paired=is_paired(self.fs, place.state_dir),
            heap=heap_limit(self.fs, place, world.env, world.memory),
            health=health,
            databases=databases,
            state=state,
            jobs=jobs,
            state_bytes=state_bytes,
            machine_clock=world.machine_clock,
            own_uid=world.processes.own_uid,
            migration=self._migration(place, config, eras, state, cron, health),
            legacy=self._legacy(place, config, eras),
            parked=find_parked(self.fs, place.state_dir, stores, self._agents(eras), config.main_key.value),
        )
        unsettled = self._unsettled(reads)
        denied = barred(self.fs, seen.census, needed(place, config, refs, eras)) if place.store is None else ()
        return replace(seen, skipped=tuple(self.skipped), unsettled=unsettled, barred=denied)

    def _config(self, config: Config, eras: Eras) -> Config:
        """With what the state database keeps of it."""
        if eras.state is None:
            return config
        from gatewaydoctor.state.databases.cron import kept_store

        return with_cron_store(config, kept_store(self.fs, eras.state))

    def _health(self, place: Place, config: Config, eras: Eras, stores: tuple[StoreFacts, ...]) -> Health:
        if not eras.has_databases:
            return Health()
        from gatewaydoctor.examine.databases.health import read_health
        from gatewaydoctor.examine.databases.legacyfiles import workspace_files

        cron, verify = str(config.cron.store.value), self.depth.verify
        found = read_health(self.fs, self.world.processes, place.state_dir, eras, stores, cron, verify=verify)
        maps = tuple(parse_path_map(text, self.world.cwd) for text in self.where.path_maps)
        return replace(found, workspace_files=tuple(workspace_files(self.fs, place.state_dir, config, maps)))

    def _legacy(self, place: Place, config: Config, eras: Eras) -> tuple[FoundLegacyFile, ...]:
        if self.where.store is not None or not (eras.has_databases and config.release.behaviour.sessions_in_database):
            return ()
        from gatewaydoctor.examine.databases.legacyfiles import legacy_files

        return tuple(legacy_files(self.fs, place.state_dir, self.skipped))

    def _migration(
        self,
        place: Place,
        config: Config,
        eras: Eras,
        state: StateRows | DatabaseFault | None,
        cron: Cron,
        health: Health,
    ) -> Migration:
        where = self.where
        if where.store is not None:
            return Migration()
        if not eras.has_databases:
            return Migration(whole=self.depth.audit)
        from gatewaydoctor.examine.databases.migration import audit

        return audit(
            self.fs,
            place.state_dir,
            eras,
            state,
            cron,
            config.main_key.value,
            health.leftovers,
            whole=self.depth.audit,
            wanted=lambda agent: where.agent is None or normalize_agent_id(where.agent) == agent,
            progress=self.progress.advance,
        )

    def _agents(self, eras: Eras) -> Iterator[AgentEra]:
        """The agents that were asked for, as far as they may have a database."""
        if self.where.store is None:
            for agent in eras.agents:
                if self.where.agent is None or normalize_agent_id(self.where.agent) == agent.agent_id:
                    yield agent

    def _read_databases(
        self, eras: Eras, references: References, main_key: str
    ) -> list[tuple[AgentEra, Database, Read | DatabaseFault]]:
        """The databases of the agents that were asked for. What the rows of all reference is kept."""
        found = []
        for agent in eras.agents:
            # A store named on the command line is a file.
            if self.where.store is not None:
                continue
            depth = self.depth
            read = read_agent_database(self.fs, agent, main_key, references, weigh=depth.weigh, verify=depth.verify)
            if read is None:
                continue
            database, rows = read
            if self.where.agent is None or normalize_agent_id(self.where.agent) == agent.agent_id:
                found.append((agent, database, rows))
        return found

    def _main_of(self, database: Database, read: Read | DatabaseFault, config: Config) -> Read | DatabaseFault:
        return rows_of_main(self.fs, database.path, read, config.main_key.value, weigh=self.depth.weigh)

    def _databases(
        self,
        found: list[tuple[AgentEra, Database, Read | DatabaseFault]],
        jobs: Cron,
        is_known: Callable[[str], bool],
        *,
        live: bool,
    ) -> tuple[DatabaseFacts, ...]:
        facts = (
            database_facts(
                agent.agent_id,
                database,
                read,
                jobs,
                now=self.world.now,
                stuck_after=self.depth.stuck_after,
                gateway_live=live,
            )
            for agent, database, read in found
        )
        return tuple(
            self._with_copies(each, agent, is_known) for each, (agent, _, _) in zip(facts, found, strict=True)
        )

    def _with_copies(self, facts: DatabaseFacts, agent: AgentEra, is_known: Callable[[str], bool]) -> DatabaseFacts:
        if not (self.depth.copies and facts.whole and agent.leftovers):
            return facts
        from gatewaydoctor.examine.databases.setaside import conversations_in_renamed

        copies = conversations_in_renamed(self.fs, facts.path, agent.agent_id, agent.leftovers, is_known)
        return replace(facts, copies=copies)

    def _read_stores(self, refs: tuple[StoreRef, ...], references: References, main_key: str) -> list[StoreRead]:
        total = sum(self._size(ref) for ref in refs)
        self.progress.phase("reading stores", total)
        advance, hashed = self.progress.advance, self.depth.hashed
        return [read_store(self.fs, ref, references, main_key, advance, hashed=hashed) for ref in refs]

    def _size(self, ref: StoreRef) -> int:
        try:
            return self.fs.stat(ref.path).size
        except OSError:
            return 0

    def _refer_to_others(
        self, place: Place, config: Config, refs: tuple[StoreRef, ...], references: References
    ) -> list[StoreRead]:
        if self.where.agent is None and self.where.store is None:
            return []
        seen = {ref.path for ref in refs}
        everywhere = list_stores(self.fs, replace(place, store=None), config)
        return [
            read_store(self.fs, ref, references, config.main_key.value, None, hashed=False)
            for ref in everywhere
            if ref.path not in seen
        ]

    def _agents_listed(self, place: Place) -> bool:
        """Whether the agents of the tree could be listed: there may be more of them than were found."""
        directory = place.state_dir / "agents"
        try:
            next(self.fs.names(directory), None)
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError as error:
            self.skipped.append((str(directory), error.strerror or type(error).__name__))
            return False
        return True

    def _note_gaps(self, reads: list[StoreRead]) -> None:
        for read in reads:
            for gap in read.gaps:
                self.skipped.append((str(read.ref.path), gap))

    def _unsettled(self, reads: list[StoreRead]) -> frozenset[Path]:
        """Stores that changed while they were read, or since."""
        later = {
            read.ref.path
            for read in reads
            if read.stat is not None and not read.changed and self._has_changed(read.ref.path, read.stat)
        }
        self.skipped += [(str(path), "it changed after it was read; scan again") for path in sorted(later)]
        return frozenset(later | {read.ref.path for read in reads if read.changed})

    def _has_changed(self, path: Path, seen: FileStat) -> bool:
        try:
            now = self.fs.stat(path)
        except OSError:
            return True
        return (now.size, now.mtime_ns, now.ino) != (seen.size, seen.mtime_ns, seen.ino)

    def _list(self, refs: tuple[StoreRef, ...], eras: Eras) -> dict[Path, Listing]:
        """Each directory, classed for one of the stores in it. What is in place of one has nothing in it; next to a
        database a start passes over that (seen with 2026.9.6)."""
        unneeded = {
            agent.database.path.parents[1] / "sessions" for agent in eras.agents if agent.database is not None
        }
        names = {ref.sessions_dir: ref.path.name for ref in refs}
        listings = {directory: list_files(self.fs, directory, store) for directory, store in names.items()}
        for listing in listings.values():
            problem = listing.problem
            if problem is None or problem.missing or (problem.path in unneeded and self._is_file(problem.path)):
                continue
            self.skipped.append((str(problem.path), problem.reason))
        return listings

    def _is_file(self, path: Path) -> bool:
        try:
            return self.fs.lstat(path).is_file
        except OSError:
            return False

    def _locks(self, stores: tuple[StoreFacts, ...]) -> tuple[LockVerdict, ...]:
        found = (
            store.listing.directory / record.name
            for store in stores
            for record in store.listing.files
            if record.cls is FileClass.LOCK
        )
        judge = LockJudge(self.fs, self.world.processes, self.world.now)
        return tuple(judge.judge(path) for path in dict.fromkeys(found))


def _key_test(
    stores: list[StoreRead], databases: list[tuple[AgentEra, Database, Read | DatabaseFault]]
) -> Callable[[str], bool]:
    """Whether any store has a key, compared as the gateway looks keys up. Built on the first question only."""
    known: set[int] | None = None

    def is_known(key: str) -> bool:
        nonlocal known
        if known is None:
            tables = [store.sessions.table for store in stores if store.sessions]
            tables += [read.sessions.table for _, _, read in databases if isinstance(read, Read) and read.sessions]
            known = {hash(each.lower()) for table in tables for each in table.all_keys()}
        return hash(key.lower()) in known

    return is_known
