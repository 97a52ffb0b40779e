"""cron: marks of runs that do not run are cleared, and malformed jobs are parked in a file beside. Only on request:
every release that keeps jobs in files deals with the marks itself at start (facts.md section 7)."""

from __future__ import annotations

from codecs import BOM_UTF8
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gatewaydoctor.checks import unread
from gatewaydoctor.model.gateway.cron import CronRead
from gatewaydoctor.model.repair.plan import Copy, Literal, Segment
from gatewaydoctor.model.words import duration
from gatewaydoctor.repair.drafting.draft import literal
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.repairs.cronfile import Span, elements, member_of, members
from gatewaydoctor.repair.writing.errors import OutOfReach
from gatewaydoctor.state.cron.cron import LARGEST
from gatewaydoctor.storage.files.edit import edit
from gatewaydoctor.storage.files.grammar import Illegal
from gatewaydoctor.system.reading import read_up_to

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Set
    from pathlib import Path

    from gatewaydoctor.model.gateway.cron import CronFile, CronJob
    from gatewaydoctor.repair.drafting.draft import Draft

MARK = "runningAtMs"
_FATAL = ("job", "schedule", "payload")
"""A fault in one of these, or below it, keeps a job from ever running. Other faults releases mend by themselves."""

_BY_HAND = "Put it right by hand with the gateway stopped: `gatewaydoctor explain cron-store-unparseable`."


def plan(draft: Draft, *, named: bool) -> None:
    """Jobs come first, for a one-shot job without the mark would fire again: it is off before the mark goes."""
    if not named:
        return
    listed, kept = _opened(draft, draft.x.cron.store), _opened(draft, draft.x.cron.state)
    marked = [job for job in draft.x.cron.jobs if job.state.running_at is not None]
    if kept is None and draft.x.cron.state.read in (CronRead.OK, CronRead.UNREADABLE):
        marked = []  # Which marks count is in a file that cannot be edited.
    if listed is None:
        marked = [job for job in marked if not _once(job)]
    try:
        rows = _cleared_rows(kept, marked) if kept else {}
        beside = {job.index for job in marked if job.job_id in rows}
        places = elements(listed.data, listed.jobs) if listed else []
        parked = _fatal(draft, len(places))
        inside = _jobs(draft, listed, places, marked, parked, beside) if listed else set()
        if kept and rows:
            _states(draft, kept, dict(rows.values()))
            _say_cleared(draft, kept.path, list({job.job_id: job for job in marked if job.index in beside}.values()))
    except (OutOfReach, OSError) as error:
        draft.refuse(Repair.CRON, draft.x.cron.store.path, error)
        return
    cleared = inside | beside
    draft.cron_jobs = tuple(
        _freed(job) if job.index in cleared else job for job in draft.cron_jobs if job.index not in parked
    )


@dataclass(frozen=True, slots=True)
class _Opened:
    """A cron file whose bytes can be edited. `jobs` is where its list of jobs, or its rows by job id, stand."""

    path: Path
    data: bytes
    jobs: Span


def _opened(draft: Draft, file: CronFile) -> _Opened | None:
    """None where it is missing, or cannot be edited: then that is among the refusals."""
    if file.read is CronRead.MISSING:
        return None
    try:
        if file.problem is not None:
            raise OutOfReach(f"It could not be read here: {file.problem.reason}.", unread.by_hand(file.problem))
        if file.reason is not None:
            raise OutOfReach(f"It cannot be used as it is: {file.reason}.", _BY_HAND)
        draft.reach(file.path)
        data = read_up_to(draft.fs, file.path, LARGEST)
        whole = Span(len(data) - len(data.removeprefix(BOM_UTF8).lstrip()), len(data))
        inside = members(data, whole)
        jobs = whole if data[whole.start : whole.start + 1] == b"[" else inside.get("jobs")
        return _Opened(file.path, data, jobs) if jobs else None
    except FileNotFoundError:
        return None
    except Illegal:
        reason = "It holds comments or other JSON5, which cannot be edited in place."
        draft.refuse(Repair.CRON, file.path, OutOfReach(reason, "Edit it by hand."))
    except (OutOfReach, OSError) as error:
        draft.refuse(Repair.CRON, file.path, error)
    return None


def _once(job: CronJob) -> bool:
    return job.schedule.kind == "at"


def _freed(job: CronJob) -> CronJob:
    return replace(job, state=replace(job.state, running_at=None), enabled=job.enabled and not _once(job))


def _jobs(
    draft: Draft,
    listed: _Opened,
    places: list[Span],
    marked: list[CronJob],
    parked: Mapping[int, str],
    beside: Set[int],
) -> set[int]:
    """Malformed jobs leave, marks inside the others go, and one-shot jobs that lose theirs here or `beside`, in the
    state file, are switched off. Returns which lose theirs here. All by index."""
    changes: dict[Span, bytes] = {}
    cleared: list[CronJob] = []
    disabled: list[CronJob] = []
    for job in marked:
        if job.index in parked or job.index >= len(places):
            continue
        place = places[job.index]
        if (value := _without_mark(listed.data, place)) is not None:
            changes[place] = value
            cleared.append(job)
        if _once(job) and job.enabled and (value is not None or job.index in beside):
            changes[place] = _edited(value or listed.data[slice(*place)], {"enabled": b"false"})
            disabled.append(job)
    if not changes and not parked:
        return set()
    _write(draft, listed, list(_without(places, parked, len(listed.data))), changes)
    _say_cleared(draft, listed.path, cleared)
    if disabled:
        draft.step(
            Repair.CRON,
            "disable",
            listed.path,
            f"{'a one-shot job' if len(disabled) == 1 else 'one-shot jobs'} that would fire again without the mark",
            [job.job_id for job in disabled],
            0,
        )
    if parked:
        _park(draft, listed, {index: places[index] for index in parked}, list(parked.values()))
    return {job.index for job in cleared}


def _fatal(draft: Draft, count: int) -> dict[int, str]:
    """Jobs that can never run, by index, with the reason."""
    found: dict[int, str] = {}
    for problem in draft.x.cron.problems:
        lost_id = problem.field == "id" and problem.job_id is None
        if problem.index < count and (problem.field.split(".")[0] in _FATAL or lost_id):
            found.setdefault(problem.index, f"{problem.field}: {problem.reason}")
    return found


def _without(places: list[Span], parked: Mapping[int, str], size: int) -> Iterator[Span]:
    """The file's ranges without the parked elements; each goes with what separates it from the one before."""
    kept = [index for index in range(len(places)) if index not in parked]
    yield Span(0, places[0].start)
    for index in kept:
        if index != kept[0]:
            yield Span(places[index - 1].end, places[index].start)
        yield places[index]
    yield Span(places[-1].end, size)


def _write(draft: Draft, file: _Opened, ranges: list[Span], changes: dict[Span, bytes]) -> None:
    import hashlib

    number = draft.fingerprint(file.path, hashlib.sha256(file.data).hexdigest())
    segments: list[Segment] = []
    for place in ranges:
        if place in changes:
            segments.append(Literal(changes[place]))
        elif segments and isinstance(last := segments[-1], Copy) and last.end == place.start:
            segments[-1] = Copy(number, last.start, place.end)
        elif place.start != place.end:
            segments.append(Copy(number, *place))
    size = sum(each.end - each.start if isinstance(each, Copy) else len(each.data) for each in segments)
    draft.rewrite(number, tuple(segments), size)


def _without_mark(data: bytes, place: Span) -> bytes | None:
    """The job, or the row of the state file, without the mark in its `state`; None where there is none."""
    state = member_of(data, place, "state")
    if state is None or MARK not in members(data, state):
        return None
    return data[place.start : state.start] + _edited(data[slice(*state)], {MARK: None}) + data[state.end : place.end]


def _edited(value: bytes, edits: dict[str, bytes | None]) -> bytes:
    return b"".join(piece if isinstance(piece, bytes) else value[slice(*piece)] for piece in edit(value, edits))


def _cleared_rows(kept: _Opened, marked: list[CronJob]) -> dict[str, tuple[Span, bytes]]:
    """Rows of the file that keeps run state since 2026.4.20: where each stands, and it without its mark."""
    rows = members(kept.data, kept.jobs)
    return {
        job.job_id: (row, value)
        for job in marked
        if (row := rows.get(job.job_id)) and (value := _without_mark(kept.data, row)) is not None
    }


def _states(draft: Draft, kept: _Opened, changes: dict[Span, bytes]) -> None:
    bounds = sorted(changes)
    gaps = zip([0, *(each.end for each in bounds)], [*(each.start for each in bounds), len(kept.data)], strict=True)
    _write(draft, kept, sorted([Span(*gap) for gap in gaps] + bounds), changes)


def _say_cleared(draft: Draft, path: Path, cleared: list[CronJob]) -> None:
    if not cleared:
        return
    oldest = max(draft.x.now - (job.state.running_at or 0) for job in cleared)
    age = duration(max(0, oldest))
    left = f"left by a run that began {age} ago" if len(cleared) == 1 else f"left by runs that began up to {age} ago"
    draft.step(Repair.CRON, "clear the mark", path, left, [job.job_id for job in cleared], 0)


def _park(draft: Draft, listed: _Opened, places: dict[int, Span], reasons: list[str]) -> None:
    """The parked jobs go, byte for byte, into a file that no release reads."""
    path = listed.path
    beside = path.with_name(f"{path.name.removesuffix('.json')}-parked.json")
    jobs = b",\n    ".join(listed.data[slice(*place)] for place in places.values())
    content = b'{\n  "version": 1,\n  "jobs": [\n    ' + jobs + b"\n  ]\n}\n"
    number = draft.fingerprint(path)
    attempt = 1
    while _exists(draft, beside):
        attempt += 1
        beside = path.with_name(f"{path.name.removesuffix('.json')}-parked-{attempt}.json")
    draft.create(beside, *literal(content), like=number)
    jobs_are = "a malformed job" if len(places) == 1 else "malformed jobs"
    draft.step(
        Repair.CRON,
        "park",
        beside,
        f"{jobs_are} that cannot run: " + "; ".join(sorted(set(reasons))[:3]),
        [f"job {index + 1} in the file" for index in places],
        sum(place.end - place.start for place in places.values()),
    )


def _exists(draft: Draft, path: Path) -> bool:
    try:
        draft.fs.lstat(draft.real(path))
    except FileNotFoundError:
        return False
    return True
