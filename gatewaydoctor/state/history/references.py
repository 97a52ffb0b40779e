"""Which transcripts the indexes of all agents reach, and the topic transcripts of threads without a session. Pure."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from itertools import chain
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar
from urllib.parse import unquote

from gatewaydoctor.model.gateway.entry import Kind
from gatewaydoctor.model.gateway.files import PRIMARY, SIDECARS, FileClass, FileRecord, NodeKind
from gatewaydoctor.model.regex import regex
from gatewaydoctor.state.history.names import classify, parse_name, topic_owners

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gatewaydoctor.model.gateway.entry import Entry


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

    def reaches(self, name: str, cls: FileClass | None = None) -> bool:
        """Whether an entry, a checkpoint, or the session a topic or fork belongs to names this file. `cls` is the
        class of its name where it is known."""
        if self._has(name):
            return True
        match cls or classify(name):
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


T = TypeVar("T")

_THREAD_ID = regex(r".*:(?:thread|topic):(.+)", re.IGNORECASE | re.DOTALL)


def is_transcript_of(name: str, session_id: str | None, key: str) -> bool:
    """Whether this is the topic transcript of a session for the thread that its key names."""
    parts, found = parse_name(name), _THREAD_ID.fullmatch(key)
    if parts.cls is not FileClass.TOPIC or not session_id or parts.session_id != session_id or found is None:
        return False
    return parts.topic is not None and unquote(parts.topic).lower() == found[1].lower()


class Match(NamedTuple):
    """A topic transcript's name, and the session it is of."""

    name: str
    session_id: str


class LooseThreads(Generic[T]):
    """Matches rows without sessionId and sessionFile to topic transcripts that nothing reaches, by the thread id in
    key and file name. Thread ids of several chats may be equal, so one match is made only where a single row of the
    store has the id in its key and a single file has it in its name."""

    def __init__(self, unindexed: Iterable[str]) -> None:
        self._files: defaultdict[str, list[Match]] = defaultdict(list)
        for name in unindexed:
            if "-topic-" not in name:
                continue
            parts = parse_name(name)
            if parts.cls is FileClass.TOPIC and parts.topic and parts.session_id and len(topic_owners(name)) == 1:
                self._files[unquote(parts.topic).lower()].append(Match(name, parts.session_id))
        self._rows: Counter[str] = Counter()
        self._loose: dict[str, T] = {}

    def take(self, entry: Entry, row: T) -> None:
        """Take in one row of the store; `row` is what `matches` gives back for it."""
        if not self._files or entry.kind is not Kind.THREAD or not (found := _THREAD_ID.fullmatch(entry.key)):
            return
        thread = found[1].lower()
        self._rows[thread] += 1
        if entry.valid and not entry.session_id and not entry.session_file:
            self._loose[thread] = row

    def matches(self) -> Iterator[tuple[T, Match]]:
        """Rows and their transcripts, after every row of the store was taken."""
        for thread, row in self._loose.items():
            files = self._files.get(thread, ())
            if len(files) == 1 and self._rows[thread] == 1:
                yield row, files[0]
