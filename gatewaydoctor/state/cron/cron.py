"""Reading the cron directory: jobs, their state, copies that hold more jobs, and run logs (gateway.md section 7)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gatewaydoctor.model.gateway.cron import (
    UNDEFINED,
    Cron,
    CronFile,
    CronRead,
    DisabledJob,
    LostJob,
    ParkedJob,
    RunLog,
)
from gatewaydoctor.model.gateway.files import FileRecord, NodeKind, Obstacle, Unreadable
from gatewaydoctor.model.gateway.release import UNKNOWN_RELEASE, Release
from gatewaydoctor.state.cron.jobids import job_id_of, jobs_list, string
from gatewaydoctor.state.cron.jobs import read_jobs, schedule_of, whole_number
from gatewaydoctor.state.history.files import list_files, unreadable
from gatewaydoctor.storage.jsontext.gateway_json import TooMuch, parse, parse_json5
from gatewaydoctor.storage.jsontext.grammar import Illegal
from gatewaydoctor.system.reading import read_up_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from gatewaydoctor.model.gateway.cron import CronJob
    from gatewaydoctor.system.fs import ReadFs

LARGEST = 64 * 1024 * 1024
"""A cron file beyond this is not read: real ones have some KB a job."""

MOST_COPIES = 20
LOG_WINDOWS = (4096, 256 * 1024)


def read_cron(fs: ReadFs, store: Path, release: Release = UNKNOWN_RELEASE) -> Cron:
    """Everything next to and in the cron store `store` (`…/cron/jobs.json`), judged as `release` takes it. Nothing is
    raised."""
    store_file, document = _load(fs, store)
    state_file, states = _load_states(fs, state_path(store))
    if release.behaviour.sessions_in_database and _has_no_folder(fs, store):
        # Seen with 2026.9.6: it runs the jobs of its database, as where there is no such directory.
        store_file, state_file = (CronFile(each, CronRead.MISSING) for each in (store, state_path(store)))
    raw_jobs = jobs_list(document)
    if store_file.read is CronRead.OK and raw_jobs is None:
        store_file = CronFile(store, CronRead.EMPTY_FOR_GATEWAY, store_file.bytes)
    # The gateway passes over null and the like (3.28: falsy values, 5.22: anything but objects).
    jobs, problems = read_jobs(raw_jobs or [], states, release)
    beside = list_files(fs, store.parent).files
    copies = sorted((record for record in beside if _is_copy(record, store.name)), key=lambda each: -each.mtime)
    parked = tuple(_parked(fs, store, beside))
    aside = jobs_list(_load(fs, _sibling(store, "quarantine"))[1]) or []
    cron = Cron(
        store_file,
        state_file,
        jobs,
        problems,
        copies=tuple(each.name for each in copies),
        migrated=tuple(sorted(each.name for each in copies if each.name.startswith(f"{store.name}.migrated"))),
        quarantined=len(aside),
        set_aside=tuple(_set_aside(_sibling(store, "quarantine").name, aside)),
        temps=tuple(each for each in beside if each.name.endswith(".tmp") and each.node is NodeKind.FILE),
        run_logs=tuple(_run_logs(fs, store.parent / "runs")),
        parked=parked,
        disabled=tuple(_disabled(fs, store, jobs)),
    )
    known = {*cron.known_ids, *(job.job_id for job in parked if job.job_id)}
    return replace(cron, lost=_lost(fs, store, known, copies[:MOST_COPIES], states))


def jobs_of_copy(fs: ReadFs, copy: Path, beside: Cron, release: Release = UNKNOWN_RELEASE) -> tuple[CronJob, ...]:
    """The jobs of a copy of jobs.json as they would be in its place: with the state inside, or that of the jobs of
    `beside` where a state file lies next to those. Nothing is raised."""
    jobs, _ = read_jobs(jobs_list(_load(fs, copy)[1]) or [], None, release)
    if not beside.state.bytes:
        return jobs
    states = {job.job_id: job.state for job in beside.jobs}
    return tuple(replace(job, state=states.get(job.job_id, job.state)) for job in jobs)


def state_path(store: Path) -> Path:
    """`X.json` has its run state in `X-state.json`."""
    return _sibling(store, "state")


def parked_path(store: Path, number: int = 1) -> Path:
    """Where jobs are kept that were taken out of `store`; no release reads such a file."""
    return _sibling(store, "parked" if number == 1 else f"parked-{number}")


def disabled_path(store: Path) -> Path:
    """Where it is kept which jobs this program disabled; no release reads such a file."""
    return _sibling(store, "disabled")


def _sibling(store: Path, word: str) -> Path:
    return store.with_name(f"{_stem(store)}-{word}.json")


def _stem(store: Path) -> str:
    return re.sub(r"\.json\Z", "", store.name)


def _parked(fs: ReadFs, store: Path, beside: Iterable[FileRecord]) -> Iterator[ParkedJob]:
    pattern = re.compile(re.escape(_stem(store)) + r"-parked(?:-[0-9]{1,4})?\.json")
    for name in sorted(record.name for record in beside if pattern.fullmatch(record.name)):
        for index, raw in enumerate(jobs_list(_load(fs, store.with_name(name))[1]) or ()):
            job = raw if isinstance(raw, dict) else {}
            yield ParkedJob(name, index, job_id_of(raw), string(job.get("name")), schedule_of(job))


def _set_aside(name: str, raw_jobs: Iterable[object]) -> Iterator[LostJob]:
    """Each is wrapped as {"reason": ..., "job": {...}}."""
    for raw in raw_jobs:
        inner = raw.get("job") if isinstance(raw, dict) else None
        job = inner if isinstance(inner, dict) else raw
        if isinstance(job, dict) and (job_id := job_id_of(job)):
            yield LostJob(job_id, string(job.get("name")), (name,))


def _disabled(fs: ReadFs, store: Path, jobs: Iterable[CronJob]) -> Iterator[DisabledJob]:
    """Those on the list that are in the file and still disabled; any other was settled."""
    off = [job for job in jobs if not job.enabled]
    ids, names = {job.job_id for job in off}, {job.name for job in off if job.job_id == UNDEFINED}
    for raw in jobs_list(_load(fs, disabled_path(store))[1]) or ():
        if not isinstance(raw, dict):
            continue
        job_id, name = job_id_of(raw), string(raw.get("name"))
        if (job_id in ids) if job_id else (name in names):
            yield DisabledJob(job_id, name, whole_number(raw.get("disabledAtMs")))


def _has_no_folder(fs: ReadFs, store: Path) -> bool:
    """Whether something that is not a directory is in place of the store's."""
    try:
        return not fs.stat(store.parent).is_dir
    except OSError:
        return False


def _load(fs: ReadFs, path: Path) -> tuple[CronFile, object]:
    try:
        data = read_up_to(fs, path, LARGEST + 1)
        if len(data) > LARGEST:
            problem = Unreadable(path, f"it has more than {LARGEST:,} bytes", Obstacle.BEYOND_LIMIT)
            return CronFile(path, CronRead.UNREADABLE, len(data), problem=problem), None
        return CronFile(path, CronRead.OK, len(data)), parse_json5(data)
    except FileNotFoundError:
        return CronFile(path, CronRead.MISSING), None
    except OSError as error:
        return CronFile(path, CronRead.UNREADABLE, problem=unreadable(path, error)), None
    except TooMuch as much:
        problem = Unreadable(path, much.fault.detail, Obstacle.BEYOND_LIMIT)
        return CronFile(path, CronRead.UNREADABLE, len(data), problem=problem), None
    except Illegal as illegal:
        return CronFile(path, CronRead.UNPARSEABLE, len(data), illegal.fault), None


def _load_states(fs: ReadFs, path: Path) -> tuple[CronFile, Mapping[str, object] | None]:
    """The state file and its rows; None where the gateway ignores it."""
    file, document = _load(fs, path)
    if file.read is not CronRead.OK:
        return file, None
    rows = document.get("jobs") if isinstance(document, dict) and document.get("version") == 1 else None
    if not isinstance(rows, dict):
        return CronFile(path, CronRead.EMPTY_FOR_GATEWAY, file.bytes), None
    return file, rows


def _is_copy(record: FileRecord, store_name: str) -> bool:
    """A backup or retired original of the store, whatever it is called."""
    name = record.name
    return record.node is NodeKind.FILE and name.startswith(f"{store_name}.") and not name.endswith((".tmp", ".lock"))


def _lost(
    fs: ReadFs, store: Path, known: set[str], copies: Iterable[FileRecord], states: Mapping[str, object] | None
) -> tuple[LostJob, ...]:
    names: dict[str, str | None] = {}
    sources: dict[str, list[str]] = {}
    for job_id, name, source in _mentions(fs, store, copies, states):
        if job_id not in known:
            names[job_id] = names.get(job_id) or name
            sources.setdefault(job_id, []).append(source)
    return tuple(LostJob(job_id, names[job_id], tuple(sources[job_id])) for job_id in sources)


def _mentions(
    fs: ReadFs, store: Path, copies: Iterable[FileRecord], states: Mapping[str, object] | None
) -> Iterator[tuple[str, str | None, str]]:
    """Job id, name and file of every job named outside of jobs.json, each id once per file."""
    for copy in copies:
        found: dict[str, str | None] = {}
        for raw in jobs_list(_load(fs, store.with_name(copy.name))[1]) or ():
            if (job_id := job_id_of(raw)) and isinstance(raw, dict):
                found[job_id] = string(raw.get("name"))
        yield from ((job_id, name, copy.name) for job_id, name in found.items())
    yield from ((job_id, None, state_path(store).name) for job_id in states or ())


def _run_logs(fs: ReadFs, directory: Path) -> Iterator[RunLog]:
    for record in list_files(fs, directory).files:
        if record.node is NodeKind.FILE and record.name.endswith(".jsonl"):
            last = _last_line(fs, directory / record.name)
            yield RunLog(
                record.name.removesuffix(".jsonl"),
                record.size,
                record.mtime,
                whole_number(last.get("ts")),
                string(last.get("status")),
                whole_number(last.get("durationMs")),
            )


def _last_line(fs: ReadFs, path: Path) -> Mapping[str, object]:
    """The last line that is a JSON object, within the last 256 KiB; empty where there is none."""
    for window in LOG_WINDOWS:
        try:
            _, tail, size = fs.head_and_tail(path, 0, window)
        except OSError:
            return {}
        lines = tail.split(b"\n")
        for line in reversed(lines if len(tail) >= size else lines[1:]):
            if found := _object_line(line):
                return found
        if len(tail) >= size:
            break
    return {}


def _object_line(line: bytes) -> Mapping[str, object]:
    try:
        record = parse(line) if line.strip() else None
    except Illegal:
        return {}
    return record if isinstance(record, dict) else {}
