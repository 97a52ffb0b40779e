"""Reading subagents/runs.json as a stream, whatever its size (docs/gateway.md section 8)."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, BinaryIO

from gatewaydoctor.model.gateway.files import Obstacle, Unreadable
from gatewaydoctor.model.gateway.store import UNREADABLE_FROM_BYTES, JsonFault, JsonFaultKind
from gatewaydoctor.model.gateway.subagents import (
    READ_VERSIONS,
    RegistryRead,
    SubagentRegistry,
    SubagentRun,
    SubagentState,
)
from gatewaydoctor.model.regex import regex
from gatewaydoctor.state.cron.jobids import string
from gatewaydoctor.state.cron.jobs import LAST_MOMENT
from gatewaydoctor.state.history.files import unreadable
from gatewaydoctor.storage.jsontext.gateway_json import Cleaned, parse
from gatewaydoctor.storage.jsontext.grammar import Automaton, Illegal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gatewaydoctor.system.fs import ReadFs

BLOCK = 1024 * 1024
MOST_DIGITS = 4_000
_ENDLESS = regex(rb"[0-9]{%d}" % MOST_DIGITS)
"""Bytes read at a time. yajl reads a string again with every piece of it, so smaller pieces would cost far more."""

LISTED = 1000


def read_subagents(
    fs: ReadFs,
    path: Path,
    is_known: Callable[[str], bool],
    listed: int | None = LISTED,
    now: int | None = None,
) -> SubagentRegistry:
    """Count the runs of the registry at `path`. `is_known` says whether any index has a session key. `listed` bounds
    the rows kept (None: all); `now` (epoch ms) tells whose archive date has passed. Memory is that of the largest
    run and the rows. Nothing is raised."""
    tally = _Tally(is_known, listed, now)
    try:
        size = fs.stat(path).size
        with fs.open(path) as stream:
            if _has_endless_number(stream):
                endless = Unreadable(path, "a number in it is endless", Obstacle.BEYOND_LIMIT)
                return _unread(endless, size)
            fault = _read(stream, size, tally)
            reason = fault.sentence if fault else tally.refused() or _too_long(size)
    except (FileNotFoundError, NotADirectoryError):
        return SubagentRegistry(path, RegistryRead.MISSING)
    except OSError as error:
        return _unread(unreadable(path, error))
    read = RegistryRead.GATEWAY_EMPTY if reason else RegistryRead.OK
    return tally.result(path, size, read, reason, fault.offset if fault else None)


def _unread(problem: Unreadable, size: int = 0) -> SubagentRegistry:
    return SubagentRegistry(problem.path, RegistryRead.UNREADABLE, size, reason=problem.reason, problem=problem)


def _read(stream: BinaryIO, size: int, tally: _Tally) -> JsonFault | None:
    if size <= BLOCK:
        try:
            tally.take_document(parse(stream.read(size)))
            return None
        except Illegal:
            pass  # runs before the fault count
    import ijson  # which most registries are too small for

    try:
        tally.take(stream)
        return None
    except ijson.IncompleteJSONError as error:
        if "premature EOF" in str(error):
            return JsonFault(JsonFaultKind.CUT_SHORT, size, "the file ends before the document does")
    except (ijson.JSONError, UnicodeDecodeError):
        pass
    if fault := _fault(stream):
        return fault
    # The gateway takes it, ijson does not: bytes that are not UTF-8, or half a surrogate pair in an escape.
    tally.restart()
    tally.take(Cleaned(stream))  # type: ignore[arg-type]
    return None


def _fault(stream: BinaryIO) -> JsonFault | None:
    automaton = Automaton()
    stream.seek(0)
    try:
        while block := stream.read(BLOCK):
            automaton.feed(block)
        automaton.finish()
    except Illegal as illegal:
        return illegal.fault
    return None


def _has_endless_number(stream: BinaryIO) -> bool:
    """Whether digits follow each other without end. The gateway reads such a number; Python refuses to, and ijson
    (3.6) takes the whole process down with it."""
    carry = b""
    while block := stream.read(BLOCK):
        if _ENDLESS.search(carry + block):
            return True
        carry = block[-MOST_DIGITS:]
    stream.seek(0)
    return False


def _too_long(size: int) -> str | None:
    return "too large for the gateway's runtime to read" if size >= UNREADABLE_FROM_BYTES else None


class _Tally:
    def __init__(self, is_known: Callable[[str], bool], listed: int | None, now: int | None) -> None:
        self._is_known = is_known
        self._listed = listed
        self._now = now
        self.restart()

    def restart(self) -> None:
        self._version: object = None
        self._shape: str | None = None
        self._runs = self._invalid = self._never = self._orphaned = 0
        self._unended_orphans = self._attachments = self._notable = 0
        self._modes: Counter[str] = Counter()
        self._cleanups: Counter[str] = Counter()
        self._states: Counter[SubagentState] = Counter()
        self._oldest: int | None = None
        self._newest: int | None = None
        self._rows: list[SubagentRun] = []
        self._open_children: set[str] = set()
        self._timed_out: set[str] = set()
        self._overdue: set[str] = set()

    def take(self, stream: BinaryIO) -> None:
        """Count a whole document. Raises ijson's errors."""
        import ijson

        stream.seek(0)
        # What is at the top: without it, a document of another shape would only look empty.
        for prefix, event, value in ijson.parse(stream, buf_size=BLOCK):
            if prefix == "version" and event != "map_key":
                self._version = value
            if prefix == "runs" or (not prefix and event not in ("start_map", "map_key")):
                self._shape = event if prefix else None
                break
        if self._shape == "start_map":
            stream.seek(0)
            for run_id, raw in ijson.kvitems(stream, "runs", buf_size=BLOCK):
                self._run(run_id, raw)
        if self._version is None:
            stream.seek(0)
            self._version = next(iter(ijson.items(stream, "version", buf_size=BLOCK)), None)

    def take_document(self, document: object) -> None:
        """The same of one that is in memory."""
        found = document if isinstance(document, dict) else {}
        self._version, runs = found.get("version"), found.get("runs")
        if isinstance(runs, dict):
            self._shape = "start_map"
            for run_id, raw in runs.items():
                self._run(run_id, raw)
        elif "runs" in found:
            self._shape = "another"

    def _run(self, run_id: str, raw: object) -> None:
        if not isinstance(raw, dict) or string(raw.get("runId")) is None:
            self._invalid += 1
            return
        run = subagent_run(run_id, raw, self._is_known)
        self._runs += 1
        self._modes[run.spawn_mode] += 1
        self._cleanups[run.cleanup] += 1
        self._states[run.state] += 1
        self._never += run.never_archived
        self._orphaned += run.orphaned
        self._unended_orphans += run.orphaned and run.state is SubagentState.RUNNING
        self._attachments += string(raw.get("attachmentsDir")) is not None
        self._child(run, raw)
        if run.created_at is not None:
            self._oldest = min(run.created_at, self._oldest or run.created_at)
            self._newest = max(run.created_at, self._newest or run.created_at)
        if run.never_archived or run.orphaned or run.state is SubagentState.RUNNING:
            self._notable += 1
            if self._listed is None or len(self._rows) < self._listed:
                self._rows.append(run)

    def _child(self, run: SubagentRun, raw: Mapping[str, object]) -> None:
        if run.child_key is None:
            return
        key = run.child_key.lower()
        if run.state is SubagentState.RUNNING:
            self._open_children.add(key)
        elif _timed_out(raw):
            self._timed_out.add(key)
        # The gateway takes 0 for no date.
        if self._now is not None and run.archive_at and run.archive_at <= self._now and not run.orphaned:
            self._overdue.add(key)

    def refused(self) -> str | None:
        """Why the gateway would take a legal document for an empty registry."""
        if self._shape is None:
            return "it holds no runs"
        if self._shape != "start_map":
            return "runs is not an object"
        version = _time(self._version)
        return None if version in READ_VERSIONS else "its version is not 1 or 2"

    def result(
        self, path: Path, size: int, read: RegistryRead, reason: str | None = None, fault_at: int | None = None
    ) -> SubagentRegistry:
        return SubagentRegistry(
            path,
            read,
            size,
            version=_time(self._version),
            reason=reason,
            fault_at=fault_at,
            runs=self._runs,
            invalid=self._invalid,
            by_spawn_mode=dict(self._modes),
            by_cleanup=dict(self._cleanups),
            by_state=dict(self._states),
            never_archived=self._never,
            orphaned=self._orphaned,
            unended_orphans=self._unended_orphans,
            with_attachments=self._attachments,
            oldest=self._oldest,
            newest=self._newest,
            notable=self._notable,
            rows=tuple(self._rows),
            open_children=frozenset(self._open_children),
            timed_out_children=frozenset(self._timed_out),
            overdue_children=frozenset(self._overdue),
        )


def subagent_run(run_id: str, raw: Mapping[str, object], is_known: Callable[[str], bool]) -> SubagentRun:
    """A run as the registry or a row of the state database holds it."""
    # The gateway reads any other spawnMode as run; keep is the only cleanup that is not delete.
    mode = "session" if raw.get("spawnMode") == "session" else "run"
    cleanup = "keep" if raw.get("cleanup") == "keep" else "delete"
    ended, archive = _time(raw.get("endedAt")), _time(raw.get("archiveAtMs"))
    child = string(raw.get("childSessionKey"))
    return SubagentRun(
        run_id,
        child,
        string(raw.get("requesterSessionKey")),
        mode,
        cleanup,
        SubagentState.RUNNING if ended is None else SubagentState.ENDED,
        _time(raw.get("createdAt")),
        ended,
        archive,
        _time(raw.get("cleanupCompletedAt")),
        ended is not None and archive is None and (mode == "session" or cleanup == "keep"),
        child is None or not is_known(child),
    )


def _timed_out(raw: Mapping[str, object]) -> bool:
    outcome = raw.get("outcome")
    return isinstance(outcome, dict) and outcome.get("status") == "timeout"


def _time(value: object) -> int | None:
    """A number as a whole one. ijson gives Decimal for fractions and exponents."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    return int(value) if -LAST_MOMENT <= value <= LAST_MOMENT else None
