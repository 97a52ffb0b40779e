"""What only files have, as files of its own: text to read, JSONL and JSON that a gateway of the file era takes."""

from __future__ import annotations

import json
import re
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from gatewaydoctor.examine.databases.migration import knowledge_of, open_transcript
from gatewaydoctor.model.database.migration import JobPlace
from gatewaydoctor.state.cron.jobids import job_id_of, jobs_list
from gatewaydoctor.state.history.content import lines_of
from gatewaydoctor.state.history.events import missing_lines
from gatewaydoctor.storage.jsontext.gateway_json import parse, parse_json5
from gatewaydoctor.storage.jsontext.grammar import Illegal
from gatewaydoctor.system.reading import read_up_to

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.database.migration import AgentMigration, TranscriptPlace
    from gatewaydoctor.system.fs import ReadFs

MOST_JOBS_BYTES = 64 << 20
HIDDEN = "[redacted]"
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_KEPT = frozenset({"type", "role", "version", "timestamp", "stopReason", "api", "provider", "model"})
"""Fields whose text is the gateway's own."""


def recovered(fs: ReadFs, x: Examination, *, redact: bool) -> Iterator[tuple[PurePath, bytes]]:
    """Relative name and content of each file, one transcript in memory at a time. What cannot be read any more is
    left out."""
    for place, agent in enumerate(x.migration.agents, 1):
        folder = PurePath(agent.agent_id if _SAFE.fullmatch(agent.agent_id) and not redact else f"agent-{place}")
        with knowledge_of(fs, agent) as known:
            lost = [each for each in agent.only_in_files if each.holds_people]
            for number, each in enumerate(lost, 1):
                name = each.session_id if _SAFE.fullmatch(each.session_id) and not redact else f"session-{number}"
                # Several archives may be of one session.
                stem = name if sum(other.session_id == each.session_id for other in lost) == 1 else f"{name}-{number}"
                try:
                    with open_transcript(fs, each.path) as stream:
                        text = b"".join(
                            _read_aloud(each, missing_lines(stream, known(each.session_id)), redact=redact)
                        )
                    with open_transcript(fs, each.path) as stream:
                        lines = (line for _, line, length in lines_of(stream) if length == len(line))
                        whole = b"".join(_transcript(each, lines, redact=redact))
                except OSError:
                    continue
                yield folder / f"{stem}.md", text
                yield folder / f"{stem}.jsonl", whole
        if rows := _rows(fs, agent, redact=redact):
            yield folder / "sessions.json", rows
    if jobs := _jobs(fs, x, redact=redact):
        yield PurePath("cron", "jobs.json"), jobs


def _transcript(each: TranscriptPlace, lines: Iterator[bytes], *, redact: bool) -> Iterator[bytes]:
    """Every line that is whole, behind a header: a new one where the file has none."""
    first = True
    for line in lines:
        record = _record(line)
        if record is None:
            continue
        if first:
            first = False
            if record.get("type") != "session" or not isinstance(record.get("id"), str):
                head = {"type": "session", "version": 3, "id": each.session_id, "timestamp": record.get("timestamp")}
                yield json.dumps(head | {"cwd": "/"}).encode() + b"\n"
        if redact:
            yield json.dumps(_hidden(record)).encode() + b"\n"
        else:
            yield line.strip(b"\0 \t\r\n") + b"\n"


def _read_aloud(each: TranscriptPlace, lines: Iterator[bytes], *, redact: bool) -> Iterator[bytes]:
    """Who said what and when, of what no database has."""
    name = HIDDEN if redact else each.session_id
    yield f"# Session {name}\n\nWhat only the file has: {each.missing} of {each.events} events.\n".encode()
    for line in lines:
        record = _record(line)
        if record is None:
            shown = HIDDEN if redact else line[:4096].decode("utf-8", "replace")
            yield f"\n## A line that is cut or damaged\n\n{shown}\n".encode("utf-8", "replace")
            continue
        message = record.get("message")
        if record.get("type") != "message" or not isinstance(message, dict):
            continue
        text = HIDDEN if redact else "\n\n".join(_texts(message.get("content")))
        role, at = message.get("role"), record.get("timestamp")
        yield f"\n## {role}, {at}\n\n{text}\n".encode("utf-8", "replace")


def _texts(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    for part in content if isinstance(content, list) else ():
        if isinstance(part, dict):
            text = part.get("text")
            yield text if isinstance(text, str) else f"({part.get('type')})"


def _record(line: bytes) -> Mapping[str, Any] | None:
    try:
        record = parse(line.strip(b"\0 \t\r\n"))
    except Illegal:
        return None
    return record if isinstance(record, dict) else None


def _hidden(value: Any, field: str = "") -> Any:
    """The same shape without anybody's words, names or ids."""
    match value:
        case dict():
            return {key: _hidden(inner, key) for key, inner in value.items()}
        case list():
            return [_hidden(inner, field) for inner in value]
        case str():
            return value if field in _KEPT else HIDDEN
        case _:
            return value


def _rows(fs: ReadFs, agent: AgentMigration, *, redact: bool) -> bytes:
    """Entries that no database has, byte for byte as they are in the old stores."""
    parts: list[str] = []
    for row in agent.lost_rows:
        start, end = row.span
        try:
            with fs.open(row.path) as stream:
                stream.seek(start)
                raw = stream.read(end - start)
            value = json.dumps(_hidden(parse(raw))) if redact else raw.decode("utf-8", "replace")
        except (OSError, Illegal):
            continue
        name = f"session-{len(parts) + 1}" if redact else row.key
        parts.append(f"  {json.dumps(name)}: {value}")
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode() if parts else b""


def _jobs(fs: ReadFs, x: Examination, *, redact: bool) -> bytes:
    """Definitions of jobs that the gateway does not run, in the shape of jobs.json."""
    missing = {
        job.job_id: job.files for job in x.migration.jobs if job.place in (JobPlace.FILE, JobPlace.QUARANTINED)
    }
    found: dict[str, object] = {}
    for name in sorted({name for files in missing.values() for name in files}):
        try:
            document = parse_json5(read_up_to(fs, x.cron.store.path.with_name(name), MOST_JOBS_BYTES))
        except (OSError, Illegal):
            continue
        for raw in jobs_list(document) or ():
            inner = raw.get("job") if isinstance(raw, dict) and isinstance(raw.get("job"), dict) else raw
            job_id = job_id_of(inner)
            if job_id in missing and job_id is not None:
                found.setdefault(job_id, _hidden(inner) if redact else inner)
    if not found:
        return b""
    return json.dumps({"version": 1, "jobs": list(found.values())}, indent=2).encode() + b"\n"
