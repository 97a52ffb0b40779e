"""What was parked and not put back yet, found by the names of its files next to the stores."""

from __future__ import annotations

from collections import defaultdict
from operator import attrgetter
from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.model.database.reading import DatabaseFault
from gatewaydoctor.model.gateway.files import NodeKind
from gatewaydoctor.model.gateway.parked import ROWS_IN_DATABASE, parked_name
from gatewaydoctor.state.place.agents import homes_of_agents
from gatewaydoctor.storage.files.sessions import read_sessions_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.model.gateway.era import AgentEra
    from gatewaydoctor.storage.entries.sessionset import SessionSet
    from gatewaydoctor.system.fs import ReadFs


class KeptFile(Struct, frozen=True):
    """A file that waits under another name; `path` is where it was."""

    path: Path
    kept: Path
    size: int


class Parked(Struct, frozen=True):
    """One session, or `whole`: all that an agent had. `at` (epoch ms) names it. `rows` is the file with the session's
    row and `sessions` what it holds, None where that cannot be read; both are None of a whole agent."""

    agent_id: str
    at: int
    rows: Path | None
    sessions: SessionSet | None
    files: tuple[KeptFile, ...]

    @property
    def paths(self) -> tuple[Path, ...]:
        """All of its files as they are named now, the session's row first."""
        return (*((self.rows,) if self.rows else ()), *(each.kept for each in self.files))

    @property
    def whole(self) -> bool:
        return self.rows is None

    @property
    def in_database(self) -> bool:
        return self.rows is not None and self.rows.suffix == f".{ROWS_IN_DATABASE}"

    @property
    def key(self) -> str | None:
        """The session's key; None of an agent, and where it cannot be read."""
        if self.sessions is None:
            return None
        return next((entry.key for _, entry in self.sessions.rows()), None)

    @property
    def label(self) -> str:
        """The session's key, or the agent's name; where neither is known the number in the names of its files."""
        return self.key or (self.agent_id if self.whole else str(self.at))

    def answers_to(self, word: str) -> bool:
        """Whether an operator means it: by key or agent, by the name of the directory of a whole agent, or by the
        number in the names of its files."""
        directories = {each.kept.parents[1].name for each in self.files} if self.whole else ()
        return word in (self.label, str(self.at), *directories)


def find_parked(
    fs: ReadFs, state_dir: Path, stores: Iterable[StoreFacts], agents: Iterable[AgentEra], main_key: str
) -> tuple[Parked, ...]:
    """Everything parked next to these stores and the databases of these agents, oldest first. Nothing is raised."""
    rows: dict[tuple[str, int], Path] = {}
    files: defaultdict[tuple[str, int], list[KeptFile]] = defaultdict(list)
    for agent_id, directory, name, size in (*_beside(stores), *_with_databases(fs, state_dir, agents)):
        found = parked_name(name)
        if found is None:
            continue
        at, original = found
        unit = files[agent_id, at]
        if original is not None:
            unit.append(KeptFile(directory / original, directory / name, size))
        else:
            rows[agent_id, at] = directory / name
    parked = (
        Parked(agent_id, at, path, _sessions(fs, path, main_key), tuple(sorted(kept, key=attrgetter("path"))))
        for (agent_id, at), kept in files.items()
        for path in (rows.get((agent_id, at)),)
    )
    return tuple(sorted(parked, key=attrgetter("at", "agent_id")))


def _beside(stores: Iterable[StoreFacts]) -> Iterator[tuple[str, Path, str, int]]:
    for store in stores:
        for record in store.listing.files:
            if record.name.startswith("parked-") and record.node is NodeKind.FILE:
                yield store.agent_id, store.path.parent, record.name, record.size


def _with_databases(fs: ReadFs, state_dir: Path, agents: Iterable[AgentEra]) -> Iterator[tuple[str, Path, str, int]]:
    homes = homes_of_agents(fs, state_dir)
    for agent in agents:
        for home in homes.get(agent.agent_id, ()):
            directory = home / "agent"
            try:
                listed = [(name, stat) for name, stat in fs.entries(directory) if name.startswith("parked-")]
            except OSError:
                continue
            yield from ((agent.agent_id, directory, name, stat.size) for name, stat in listed if stat.is_file)


def _sessions(fs: ReadFs, path: Path | None, main_key: str) -> SessionSet | None:
    if path is None:
        return None
    if path.suffix == f".{ROWS_IN_DATABASE}":
        from gatewaydoctor.storage.database.sessions import read_sessions
        from gatewaydoctor.storage.sqlite.opened import read_database_once

        read = read_database_once(fs, path, lambda opened: read_sessions(opened, main_key, weigh=False))
        return None if isinstance(read, DatabaseFault) else read
    try:
        with fs.open(path) as stream:
            found = read_sessions_file(stream, fs.stat(path).size, main_key)
    except OSError:
        return None
    return found if found.reading.fault is None else None
