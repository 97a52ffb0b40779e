"""Which transcripts the indexes of all agents reach. Pure."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from itertools import chain
from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.files import PRIMARY, SIDECARS, FileClass, FileRecord, NodeKind
from gatewaydoctor.state.history.names import classify, parse_name, topic_owners

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LONGEST_NAME = 255


class References:
    """Every transcript name that some agent's entry means. Names count across all agents and whatever directory
    a pointer gives, so that a tree seen from another host or through another path loses nothing: a file is only
    called unreferenced when no entry anywhere names it. Ask only after every store was added; where one could not
    be read, what it referenced is unknown. Memory is 8 bytes a name,
    and for a moment 20 more when the first is asked for."""

    def __init__(self) -> None:
        # Hashes in place of names, for memory. A collision would call one orphan referenced, which is the safe side.
        self._names = array("q")
        self._in_order = True
        self._agents: set[str] = set()

    def add(
        self,
        agent_id: str,
        session_id: str | None,
        session_file: str | None = None,
        checkpoint_files: Iterable[str] = (),
    ) -> None:
        """Take in one entry: its session id, its sessionFile as stored, and the files its checkpoints name."""
        self._agents.add(agent_id)
        if session_id:
            self._add_name(f"{session_id}.jsonl")
        if session_file:
            self._add_name(basename(session_file))
        for name in checkpoint_files:
            self._add_name(basename(name))

    def _add_name(self, name: str) -> None:
        # No file has a longer name.
        if len(name) <= LONGEST_NAME:
            self._names.append(hash(name))
            self._in_order = False

    def _has(self, name: str) -> bool:
        if not self._in_order:
            # A quarter at a time, by the two highest bits: a list of all would take five times the memory.
            quarters = (sorted(name for name in self._names if name >> 62 == high) for high in range(-2, 2))
            self._names = array("q", chain.from_iterable(quarters))
            self._in_order = True
        wanted = hash(name)
        place = bisect_left(self._names, wanted)
        return place < len(self._names) and self._names[place] == wanted

    @property
    def agents(self) -> frozenset[str]:
        return frozenset(self._agents)

    def reaches(self, name: str) -> bool:
        """Whether an entry, a checkpoint, or the session a topic or fork belongs to names this file."""
        if self._has(name):
            return True
        match classify(name):
            case FileClass.TOPIC:
                return any(self.knows(owner) for owner in topic_owners(name))
            case FileClass.FORK:
                return self.owns(name)
            case _:
                return False

    def owns(self, name: str) -> bool:
        """Whether the session (or the file) that a sidecar, archive or lock belongs to is still referenced."""
        parts = parse_name(name)
        if parts.session_id is not None and self.knows(parts.session_id):
            return True
        return parts.base != name and self.reaches(parts.base)

    def knows(self, session_id: str) -> bool:
        return self._has(f"{session_id}.jsonl")


def basename(path: str) -> str:
    """The last component of a path of any system: trimmed as the gateway trims it, Windows separators included."""
    return path.strip().replace("\\", "/").rpartition("/")[2]


def unindexed(files: Iterable[FileRecord], references: References) -> Iterator[FileRecord]:
    """Primary transcripts, regular files only, that nothing reaches: history no index shows, or noise."""
    for record in files:
        if record.cls in PRIMARY and record.node is NodeKind.FILE and not references.reaches(record.name):
            yield record


def unowned(files: Iterable[FileRecord], references: References) -> Iterator[FileRecord]:
    """Checkpoints, trajectories and their pointers whose session no entry names any more."""
    for record in files:
        if record.cls in SIDECARS and not references.reaches(record.name) and not references.owns(record.name):
            yield record
