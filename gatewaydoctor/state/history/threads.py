"""Rows of threads that have no session, and the topic transcripts that are theirs. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar
from urllib.parse import unquote

from gatewaydoctor.model.gateway.entry import Kind
from gatewaydoctor.model.gateway.files import FileClass
from gatewaydoctor.model.regex import regex
from gatewaydoctor.state.history.names import parse_name, topic_owners

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gatewaydoctor.model.gateway.entry import Entry

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
