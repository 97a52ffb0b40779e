"""An agent's database besides its session rows (schemas 4 to 23)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gatewaydoctor.model.database.reading import AgentRows, Events, Stored, Windows
from gatewaydoctor.model.gateway.entry import Status
from gatewaydoctor.model.gateway.transcript import ContentClass
from gatewaydoctor.state.history.content import content_of_lines
from gatewaydoctor.storage.database.select import Tables, integer, text
from gatewaydoctor.storage.database.transcripts import Transcripts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from gatewaydoctor.storage.sqlite.opened import Opened

MOST_LOST = 1_000
"""Transcripts of no session that are read for whose words they hold."""

LARGE = 64 * 1024
"""Bytes from which an event counts as large."""


def read_agent(database: Opened) -> AgentRows:
    """Counts and sizes; no content is read. What could not be read is in `faults`."""
    tables = Tables(database)
    owner, version, schema = _meta(tables)
    validity = _validity(tables)
    return AgentRows(
        owner,
        version,
        schema,
        _windows(tables),
        _events(tables),
        _stored(tables, "session_transcript_archives", "archive_blob"),
        _stored(tables, "session_transcript_cold_archives", "archive_bytes"),
        _stored(tables, "trajectory_runtime_events", "event_json"),
        _inputs(tables),
        validity[0],
        validity[-1],
        _silent(tables),
        *_lost_events(tables),
        tuple(tables.faults),
    )


def _meta(tables: Tables) -> tuple[str | None, str | None, int | None]:
    columns = ("meta_key", "agent_id", "app_version", "schema_version")
    for key, owner, version, schema in tables.rows("schema_meta", columns):
        if key in ("primary", None):
            return text(owner), text(version), integer(schema)
    return None, None, None


def _validity(tables: Tables) -> Counter[int]:
    found: Counter[int] = Counter()
    if tables.has("session_nodes", "entry_valid"):
        statement = "SELECT entry_valid, count(*) FROM session_nodes WHERE entry_valid <> 1 GROUP BY 1"
        for value, count in tables.ask("session_nodes", statement):
            found[integer(value) or 0] += integer(count) or 0
    return found


def _windows(tables: Tables) -> Windows:
    if not tables.has("session_windows", "session_id", "session_key") or not tables.has("session_nodes"):
        return Windows()
    status = "coalesce(w.status, '')" if tables.has("session_windows", "status") else "''"
    # Sums by word: grouping would sort the windows in memory, however many there are.
    words = ("", *(each.value for each in Status))
    sums = ", ".join(f"sum({status} = '{word}')" for word in words)
    statement = (
        f"SELECT count(*), sum(n.session_key IS NULL), sum(n.session_key IS NULL AND {status} = 'running'), {sums} "
        "FROM session_windows w "
        "LEFT JOIN session_nodes n ON n.session_key = w.session_key AND n.current_session_id = w.session_id"
    )
    for total, former, running_former, *counts in tables.ask("session_windows", statement):
        by_status = Counter({word: integer(count) or 0 for word, count in zip(words, counts, strict=True) if count})
        if by_status.total() < (integer(total) or 0):
            by_status.update(_other_words(tables, words))
        return Windows(integer(total) or 0, integer(former) or 0, integer(running_former) or 0, by_status)
    return Windows()


def _other_words(tables: Tables, known: Sequence[str]) -> dict[str, int]:
    """Statuses that no release writes."""
    listed = ", ".join(f"'{word}'" for word in known)
    statement = f"SELECT status, count(*) FROM session_windows WHERE status NOT IN ({listed}) GROUP BY 1"
    return {str(word): integer(count) or 0 for word, count in tables.ask("session_windows", statement)}


def _events(tables: Tables) -> Events:
    if not tables.has("transcript_events", "event_json"):
        return Events()
    size = "coalesce(octet_length(event_json), 0)"
    compressed = "0"
    if tables.has("transcript_events", "event_zstd"):
        size, compressed = f"{size} + coalesce(octet_length(event_zstd), 0)", "event_zstd IS NOT NULL"
    statement = (
        "SELECT (SELECT count(*) FROM (SELECT DISTINCT session_id FROM transcript_events)), count(*), sum(size), "
        f"sum(packed), sum(size >= {LARGE}), "
        f"sum(CASE WHEN size >= {LARGE} THEN size END), max(created_at) FROM "
        f"(SELECT session_id, {size} AS size, {compressed} AS packed, created_at FROM transcript_events)"
    )
    for row in tables.ask("transcript_events", statement):
        sessions, count, total, packed, large, large_bytes, newest = (integer(value) for value in row)
        return Events(sessions or 0, count or 0, total or 0, packed or 0, large or 0, large_bytes or 0, newest)
    return Events()


def _stored(tables: Tables, table: str, content: str) -> Stored:
    if not tables.has(table, content):
        return Stored()
    size = content if content.endswith("_bytes") else f"octet_length({content})"
    for count, total in tables.ask(table, f"SELECT count(*), sum({size}) FROM {table}"):
        return Stored(integer(count) or 0, integer(total) or 0)
    return Stored()


def _inputs(tables: Tables) -> Mapping[str, int]:
    if not tables.has("session_pending_inputs", "state"):
        return {}
    statement = "SELECT state, count(*) FROM session_pending_inputs GROUP BY 1"
    rows = tables.ask("session_pending_inputs", statement)
    return {text(state) or "": integer(count) or 0 for state, count in rows}


def _silent(tables: Tables) -> int:
    """Sessions whose current transcript has no event."""
    if not tables.has("session_nodes", "current_session_id") or not tables.has("transcript_events", "session_id"):
        return 0
    statement = (
        "SELECT count(*) FROM session_nodes n WHERE NOT EXISTS "
        "(SELECT 1 FROM transcript_events e WHERE e.session_id = n.current_session_id)"
    )
    return next((integer(count) or 0 for (count,) in tables.ask("session_nodes", statement)), 0)


def _lost_events(tables: Tables) -> tuple[int, int]:
    """How many transcripts belong to no session, and in how many of them people speak."""
    if not tables.has("session_windows", "session_id") or not tables.has("transcript_events", "session_id", "seq"):
        return 0, 0
    statement = (
        "SELECT session_id FROM (SELECT DISTINCT session_id FROM transcript_events) e WHERE NOT EXISTS "
        "(SELECT 1 FROM session_windows w WHERE w.session_id = e.session_id)"
    )
    lost = [text(session_id) or "" for (session_id,) in tables.ask("transcript_events", statement)]
    reader = Transcripts(tables.database)
    return len(lost), sum(_people_speak(reader, session_id) for session_id in lost[:MOST_LOST])


def _people_speak(reader: Transcripts, session_id: str) -> bool:
    """What cannot be read or unpacked counts as people's."""
    torn = 0

    def lines() -> Iterator[bytes]:
        nonlocal torn
        for event in reader.events(session_id):
            torn += event.problem is not None
            yield event.json

    return content_of_lines(lines()).content is ContentClass.HUMAN or torn > 0 or reader.fault is not None
