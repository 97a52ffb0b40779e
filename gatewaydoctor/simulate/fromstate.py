"""The workload of a real state directory: its jobs, rows, files and cap in place of the incident's figures."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import pairwise
from statistics import median, pstdev
from typing import TYPE_CHECKING, Any, Final

from gatewaydoctor.model.database.reading import DatabaseFault
from gatewaydoctor.model.gateway.config import with_cron_store
from gatewaydoctor.model.gateway.entry import Kind, Status
from gatewaydoctor.model.gateway.files import PRIMARY, FileClass
from gatewaydoctor.simulate import cronexpr
from gatewaydoctor.simulate.kernel import DAY
from gatewaydoctor.simulate.releases import RELEASES
from gatewaydoctor.simulate.scenario import UnknownName, scenario_named
from gatewaydoctor.simulate.scenarios.stuck_cron import CronJob, jobs_text
from gatewaydoctor.simulate.schedule import Job, runs_per_day, schedule_text
from gatewaydoctor.simulate.values import Comparison, Label, Result
from gatewaydoctor.state.config.config import load_config
from gatewaydoctor.state.config.settings import normalize_agent_id
from gatewaydoctor.state.cron.cron import read_cron
from gatewaydoctor.state.databases.cron import kept_store
from gatewaydoctor.state.databases.state import read_state
from gatewaydoctor.state.history.files import list_files
from gatewaydoctor.state.history.usage import count_lines, is_priced, usage_files
from gatewaydoctor.state.place.agents import list_stores
from gatewaydoctor.state.place.era import read_eras
from gatewaydoctor.state.place.locate import locate
from gatewaydoctor.state.place.recognise import require_state
from gatewaydoctor.state.registry.subagents import read_subagents
from gatewaydoctor.storage.database.sessions import read_sessions
from gatewaydoctor.storage.database.transcripts import Transcripts
from gatewaydoctor.storage.entries.table import EntryTable
from gatewaydoctor.storage.files.sessions import read_sessions_file
from gatewaydoctor.storage.sqlite.opened import read_database_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from gatewaydoctor.model.database.reading import StateRows
    from gatewaydoctor.model.gateway.config import Config
    from gatewaydoctor.model.gateway.cron import CronJob as StoredJob
    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.model.gateway.era import Database
    from gatewaydoctor.model.gateway.files import FileRecord
    from gatewaydoctor.model.gateway.place import Place, StoreRef
    from gatewaydoctor.storage.sqlite.opened import Opened
    from gatewaydoctor.system.fs import ReadFs

TICK_GAP_MS: Final = 5_000
"""Runs closer together than this belong to one tick of the scheduler."""

SHORTEST: Final = 2.0
"""Seconds: the scheduler's own gap between two firings of a job (docs/gateway.md section 7)."""

_LOOK_BACK: Final = 3 * DAY
_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_MADE_A_FILE: Final = PRIMARY | {FileClass.ARCHIVE_DELETED}
_WORDS: Final = {Status.RUNNING: "running", Status.DONE: "done", Status.UNKNOWN: "none"}


@dataclass(frozen=True, slots=True)
class Workload:
    """Options taken from a directory. `taken` names those options; `observed` are figures as the directory shows
    them, by the key of the figure they stand beside."""

    scenario: str
    options: Any
    policy: str
    taken: tuple[str, ...]
    observed: Mapping[str, float]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Directory:
    """What was read: config, jobs, and the store with most rows together with its directory's files."""

    fs: ReadFs
    place: Place
    config: Config
    stores: tuple[StoreRef, ...]
    jobs: tuple[StoredJob, ...]
    rows: EntryTable
    store_bytes: int
    files: tuple[FileRecord, ...]
    redact: bool
    databases: tuple[Path, ...]
    state: StateRows | None
    gaps: tuple[str, ...]

    def job_name(self, job_id: str, number: int) -> str:
        """A job's name or id without blanks and control characters, or its number."""
        if self.redact:
            return f"job-{number}"
        named = next((job.name for job in self.jobs if job.job_id == job_id), None)
        return _NAME.sub("-", named or job_id)[:40].strip("-") or f"job-{number}"


def read_workload(
    name: str,
    fs: ReadFs,
    env: Mapping[str, str],
    *,
    state_dir: str | None = None,
    config: str | None = None,
    profile: str | None = None,
    store: str | None = None,
    agent: str | None = None,
    redact: bool = False,
) -> Workload:
    """The options of scenario `name` as this directory suggests them, the defaults where it is silent.

    Job names keep harmless characters only; `redact` numbers the jobs instead. Nothing is written. Raises
    UnknownName for a scenario that leaves nothing on disk, DoctorError where the directory cannot be found or opened.
    """
    scenario = scenario_named(name)
    take = _TAKERS.get(name)
    if take is None:
        raise UnknownName(f"{name} leaves nothing on disk; --from-state-dir supports {', '.join(_TAKERS)}")
    place = locate(fs, env, state_dir=state_dir, config=config, profile=profile, store=store)
    directory = _read(fs, env, place, agent, redact=redact)
    changes, observed, notes = take(directory)
    notes += directory.gaps
    release = directory.config.release.policy
    policy = release.value if release and release.value in RELEASES else scenario.policy
    if release is None or release.value != policy:
        notes.append(f"the directory does not show which of the known releases wrote it; treated as {policy}")
    options = replace(scenario.options(), **changes)
    return Workload(name, options, policy, tuple(changes), observed, tuple(notes))


def against(result: Result, workload: Workload) -> Result:
    """The result with the directory's figures in the incident's place, and its numbers labelled as measured, but for
    those that were set by hand after all."""
    taken = {name.replace("_", "-"): getattr(workload.options, name) for name in workload.taken}
    figures = (replace(each, given=workload.observed.get(each.key), tolerance=None) for each in result.figures)
    inputs = (
        replace(each, label=Label.MEASURED, source="read from the state directory")
        if each.name in taken and each.value == taken[each.name]
        else each
        for each in result.inputs
    )
    notes = (*workload.notes, *result.notes)
    return replace(result, figures=tuple(figures), inputs=tuple(inputs), notes=notes, given_by="directory")


def comparison_against(comparison: Comparison, workload: Workload) -> Comparison:
    """The same for every run of a comparison."""
    results = {label: against(result, workload) for label, result in comparison.results.items()}
    return replace(comparison, results=results)


def _read(fs: ReadFs, env: Mapping[str, str], place: Place, agent: str | None, *, redact: bool) -> _Directory:
    config = load_config(fs, place, env)
    stores = list_stores(fs, place, config, agent)
    if place.store is None and not any(store.exists for store in stores):
        require_state(fs, place.state_dir)
    eras = read_eras(fs, place.state_dir, stores)
    config = with_cron_store(config, kept_store(fs, eras.state))
    inside = {
        each.agent_id: each.database.path for each in eras.agents if each.era.sessions_in_database and each.database
    }
    databases = tuple(path for name, path in inside.items() if agent is None or name == normalize_agent_id(agent))
    gaps: list[str] = []
    state = _state(fs, eras.state, str(config.cron.store.value), gaps)
    jobs = read_cron(fs, config.cron.store.value).jobs if state is None else state.jobs
    # What a database keeps is no longer in a file that lies beside it.
    outside = [ref for ref in stores if not set(ref.agent_ids) & inside.keys()]
    ref, rows, size = _largest(fs, outside, config.main_key.value)
    for path in databases:
        found, count = _rows_inside(fs, path, config.main_key.value, gaps)
        if len(found) > len(rows):
            rows, size = found, count
    files = list_files(fs, ref.path.parent).files if ref else ()
    return _Directory(
        fs, place, config, tuple(outside), jobs, rows, size, files, redact, databases, state, tuple(gaps)
    )


def _state(fs: ReadFs, database: Database | None, store_key: str, gaps: list[str]) -> StateRows | None:
    """What the state database tells; None without one, or where it cannot be read, which `gaps` then says."""
    if database is None:
        return None
    found = read_database_once(fs, database.path, lambda opened: read_state(opened, store_key, lambda _: True))
    if isinstance(found, DatabaseFault):
        gaps.append(f"jobs and subagent runs are not known: {found.reason}")
        return None
    return found


def _rows_inside(fs: ReadFs, path: Path, main_key: str, gaps: list[str]) -> tuple[EntryTable, int]:
    """The session rows of a database and their bytes."""
    found = read_database_once(fs, path, lambda opened: read_sessions(opened, main_key))
    if isinstance(found, DatabaseFault) or found is None:
        reason = found.reason if isinstance(found, DatabaseFault) else "it has no sessions"
        gaps.append(f"the sessions of a database are not known: {reason}")
        return EntryTable(), 0
    return found.table, sum(row.end - row.value_start for _, row in found.rows())


def _largest(fs: ReadFs, stores: Sequence[StoreRef], main_key: str) -> tuple[StoreRef | None, EntryTable, int]:
    """The store with most rows, its rows and its size in bytes; no store without one. One that cannot be read has no
    rows."""
    best: tuple[StoreRef | None, EntryTable, int] = (stores[0] if stores else None), EntryTable(), 0
    for ref in stores:
        try:
            expected = fs.stat(ref.path).size
            with fs.open(ref.path) as stream:
                found = read_sessions_file(stream, expected, main_key)
        except OSError:
            continue
        if len(found.table) > len(best[1]):
            best = ref, found.table, found.reading.bytes
    return best


_Taken = tuple[dict[str, Any], dict[str, float], list[str]]


def _cap_storm(directory: _Directory) -> _Taken:
    rows, maintenance = len(directory.rows), directory.config.maintenance
    jobs, notes = _schedule(directory.jobs)
    made = sorted(record.mtime for record in directory.files if record.cls in _MADE_A_FILE)
    run_times = [row.updated_at for row in directory.rows if row.kind is Kind.CRON_RUN and row.updated_at is not None]
    seen = max(_a_day(made), _a_day(sorted(run_times)))
    rest = seen - runs_per_day(jobs)
    if rest > 0.1 * seen and rest >= 1:
        jobs.append(Job(max(SHORTEST, round(DAY / rest)), own_phase=True))
        notes.append(f"{rest:,.0f} sessions a day that no schedule explains come one by one, evenly spread")
    changes: dict[str, Any] = {
        "schedule": schedule_text(sorted(jobs, key=lambda job: job.interval)),
        "max_entries": maintenance.max_entries.value,
        "mode": maintenance.mode.value,
        "start_rows": rows,
    }
    if rows:
        changes["entry_bytes"] = max(1, round(directory.store_bytes / rows))
    observed = {"sessionsPerDay": seen, "rows": float(rows), "transcripts": float(_recent(made))}
    return changes, observed, notes


def _stuck_cron(directory: _Directory) -> _Taken:
    piles: dict[str, _Pile] = {}
    for row in directory.rows:
        if row.kind is Kind.CRON_RUN and row.job_id is not None:
            piles.setdefault(row.job_id, _Pile()).add(row)
    ordered = enumerate(sorted(piles.items()), start=1)
    jobs = [pile.job(directory.job_name(job_id, number)) for number, (job_id, pile) in ordered]
    others = sum(row.kind not in {Kind.CRON_RUN, Kind.CRON_BASE} for row in directory.rows)
    rows = len(directory.rows)
    changes: dict[str, Any] = {"jobs": jobs_text(jobs), "conversations": others, "jitter": 0.0}
    if jobs:
        changes["duration"] = max(job.ticks * job.interval for job in jobs)
    if rows:
        changes["entry_bytes"] = max(1, round(directory.store_bytes / rows))
    observed = {
        "rows": float(rows),
        "runs": float(sum(pile.statuses.total() for pile in piles.values())),
        "fileBytes": float(directory.store_bytes),
    }
    return changes, observed, []


def _subagent_maps(directory: _Directory) -> _Taken:
    if directory.state is not None:
        return _subagents_inside(directory.state)
    path = directory.place.state_dir / "subagents" / "runs.json"
    registry = read_subagents(directory.fs, path, lambda _: True, None)
    created = sorted(row.created_at for row in registry.rows if row.created_at is not None)
    changes: dict[str, Any] = {"tickets": registry.runs, "sessions_per_ticket": 1}
    if registry.runs:
        changes["record_bytes"] = registry.bytes / registry.runs
    if len(created) > 1:
        changes["pace"] = (created[-1] - created[0]) / 1000 / (len(created) - 1)
        changes["duration"] = max(DAY, changes["pace"] * registry.runs + 3600)
    observed = {"sessions": float(registry.runs), "registryPeak": float(registry.notable)}
    return changes, observed, [f"subagents/runs.json holds {registry.runs:,} runs"]


def _subagents_inside(state: StateRows) -> _Taken:
    """A database has rows of its own for each run: no file grows, and the bytes of a record stay assumed."""
    found = state.subagents
    created = sorted(row.created_at for row in found.rows if row.created_at is not None)
    changes: dict[str, Any] = {"tickets": found.count, "sessions_per_ticket": 1}
    if len(created) > 1:
        changes["pace"] = (created[-1] - created[0]) / 1000 / (len(created) - 1)
        changes["duration"] = max(DAY, changes["pace"] * found.count + 3600)
    return changes, {"sessions": float(found.count)}, [f"the state database holds {found.count:,} subagent runs"]


def _usage_scan(directory: _Directory) -> _Taken:
    classes = directory.config.release.behaviour.usage_classes
    lines: list[int] = []
    size = stores = unread = 0
    for folder in dict.fromkeys(ref.path.parent for ref in directory.stores):
        counted = usage_files(list_files(directory.fs, folder).files, classes)
        counts = [count_lines(directory.fs, folder / record.name) for record in counted]
        known = [count for count in counts if count is not None]
        lines += [count.usage_lines for count in known]
        size += sum(count.bytes for count in known)
        unread += len(counts) - len(known)
        stores += any(count.usage_lines for count in known)
    for path in directory.databases:
        inside = read_database_once(directory.fs, path, _usage_inside)
        if isinstance(inside, DatabaseFault):
            continue
        lines += [count for count, _ in inside]
        size += sum(count for _, count in inside)
        stores += any(count for count, _ in inside)
    priced = sum(lines)
    changes: dict[str, Any] = {"sessions": len(lines), "stores": max(1, stores), "lines": priced}
    if priced:
        changes["line_bytes"] = size / priced
        changes["spread"] = pstdev([math.log(count) for count in lines if count])
    notes = [f"{len(lines):,} transcripts with {priced:,} usage lines in {size:,} bytes"]
    notes += [f"{unread:,} transcripts could not be read and are left out"] if unread else []
    return changes, {}, notes


def _usage_inside(opened: Opened) -> list[tuple[int, int]]:
    """Usage lines and bytes of each session's events in a database."""
    if "transcript_events" not in opened.tables:
        return []
    reader, found = Transcripts(opened), []
    for session_id in list(reader.sessions()):
        lines = size = 0
        for event in reader.events(session_id):
            lines, size = lines + is_priced(event.json), size + len(event.json)
        found.append((lines, size))
    return found


_TAKERS: Final[Mapping[str, Callable[[_Directory], _Taken]]] = {
    "cap-storm": _cap_storm,
    "stuck-cron": _stuck_cron,
    "subagent-maps": _subagent_maps,
    "usage-scan": _usage_scan,
}


def _schedule(stored: Iterable[StoredJob]) -> tuple[list[Job], list[str]]:
    """The jobs that make a new session at every run, and what was left out."""
    jobs: list[Job] = []
    left_out = Counter[str]()
    for job in stored:
        made = _job(job)
        if not job.enabled:
            left_out["disabled"] += 1
        elif job.session_target != "isolated":
            left_out["with a session of their own"] += 1
        elif made is None:
            left_out["that fire once, or on a schedule this model cannot read"] += 1
        else:
            jobs.append(made)
    return jobs, [f"{count} cron jobs {what} are left out" for what, count in left_out.items()]


def _job(stored: StoredJob) -> Job | None:
    schedule = stored.schedule
    if schedule.kind == "every" and schedule.every_ms:
        return Job(max(SHORTEST, schedule.every_ms / 1000), own_phase=True)
    rate = cronexpr.runs_per_day(schedule.expr) if schedule.kind == "cron" and schedule.expr else None
    if not rate or not schedule.expr:
        return None
    return Job(max(SHORTEST, round(DAY / rate)), own_phase=cronexpr.at_full_hour(schedule.expr))


def _a_day(times: Sequence[int]) -> float:
    """How many of these (epoch ms, ascending) fall on a day, over at most three; the oldest 5 % say nothing."""
    if len(times) < 2:
        return float(len(times))
    recent = times[len(times) // 20 :]
    span = min(_LOOK_BACK, max(3600.0, (recent[-1] - recent[0]) / 1000))
    return sum(at > recent[-1] - span * 1000 for at in recent) / span * DAY


def _recent(times: Sequence[int]) -> int:
    return sum(at >= times[-1] - _LOOK_BACK * 1000 for at in times) if times else 0


@dataclass(slots=True)
class _Pile:
    """The runs of one job: their times (epoch ms) and how many of each status."""

    times: list[int] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)

    def add(self, row: Entry) -> None:
        self.statuses[_WORDS.get(row.status, "failed")] += 1
        if row.updated_at is not None:
            self.times.append(row.updated_at)

    def job(self, name: str) -> CronJob:
        """Its runs as ticks, with a base row that turned from its earlier status to `running`."""
        times = sorted(self.times)
        starts = times[:1] + [after for before, after in pairwise(times) if after - before > TICK_GAP_MS]
        gaps = [(after - before) / 1000 for before, after in pairwise(starts)]
        interval = round(median(gaps), 1) if gaps else DAY
        runs, running = self.statuses.total(), self.statuses["running"]
        others = [word for word, _ in self.statuses.most_common() if word != "running"]
        before, after = (others or ["none"])[0], "running" if running else (others or ["none"])[0]
        return CronJob(name, max(1, len(starts)), max(0.1, interval), runs, before, after, runs - running)
