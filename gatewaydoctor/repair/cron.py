"""cron: marks of runs that do not run are cleared, and malformed jobs are parked in a file beside. Only on request:
every release that keeps jobs in files deals with the marks itself at start (facts.md section 7)."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from gatewaydoctor.model.cron import CronRead
from gatewaydoctor.model.plan import Copy, Literal, Segment
from gatewaydoctor.model.words import duration
from gatewaydoctor.repair.cronfile import Span, elements, member_of, members
from gatewaydoctor.repair.draft import literal
from gatewaydoctor.repair.errors import OutOfReach
from gatewaydoctor.repair.options import Repair
from gatewaydoctor.state.cron import LARGEST, state_path
from gatewaydoctor.state.reading import read_up_to
from gatewaydoctor.store.edit import edit
from gatewaydoctor.store.grammar import Illegal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatewaydoctor.model.cron import CronJob
    from gatewaydoctor.repair.draft import Draft

MARK = "runningAtMs"
_FATAL = ("job", "schedule", "payload")
"""A fault in one of these, or below it, keeps a job from ever running. Other faults releases mend by themselves."""


def plan(draft: Draft, *, named: bool) -> None:
    if not named or draft.x.cron.store.read is not CronRead.OK:
        return
    store = draft.x.cron.store.path
    for path, work in ((store, _jobs), (state_path(store), _states)):
        try:
            draft.reach(path)
            data = read_up_to(draft.fs, path, LARGEST)
            work(draft, path, data)
        except FileNotFoundError:
            continue
        except Illegal:
            draft.refuse(
                Repair.CRON,
                path,
                OutOfReach(
                    f"{path} holds comments or other JSON5, which cannot be edited in place.", "Edit it by hand."
                ),
            )
        except (OutOfReach, OSError) as error:
            draft.refuse(Repair.CRON, path, error)


def _marked(draft: Draft) -> list[CronJob]:
    return [job for job in draft.x.cron.jobs if job.state.running_at is not None]


def _jobs(draft: Draft, path: Path, data: bytes) -> None:
    whole = Span(len(data) - len(data.lstrip()), len(data.rstrip()))
    jobs = whole if data[whole.start : whole.start + 1] == b"[" else member_of(data, whole, "jobs")
    if jobs is None:
        return
    places = elements(data, jobs)
    parked = _fatal(draft, len(places))
    marked = {job.index: job for job in _marked(draft)}
    changes: dict[Span, bytes] = {}
    cleared: list[CronJob] = []
    for index, place in enumerate(places):
        if index in marked and index not in parked and (changed := _cleared(data, place, marked[index])):
            changes[place] = changed
            cleared.append(marked[index])
    if not changes and not parked:
        return
    _write(draft, path, data, list(_without(places, parked, len(data))), changes)
    _say_cleared(draft, path, cleared)
    if parked:
        _park(draft, path, data, [places[index] for index in parked], list(parked.values()))


def _fatal(draft: Draft, count: int) -> dict[int, str]:
    """Jobs that can never run, by index, with the reason."""
    found: dict[int, str] = {}
    for problem in draft.x.cron.problems:
        lost_id = problem.field == "id" and problem.job_id is None
        if problem.index < count and (problem.field.split(".")[0] in _FATAL or lost_id):
            found.setdefault(problem.index, f"{problem.field}: {problem.reason}")
    return found


def _without(places: list[Span], parked: dict[int, str], size: int) -> Iterator[Span]:
    """The file's ranges without the parked elements; each goes with what separates it from the one before."""
    kept = [index for index in range(len(places)) if index not in parked]
    yield Span(0, places[0].start)
    for index in kept:
        if index != kept[0]:
            yield Span(places[index - 1].end, places[index].start)
        yield places[index]
    yield Span(places[-1].end, size)


def _write(draft: Draft, path: Path, data: bytes, ranges: list[Span], changes: dict[Span, bytes]) -> None:
    import hashlib

    number = draft.fingerprint(path, hashlib.sha256(data).hexdigest())
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


def _cleared(data: bytes, place: Span, job: CronJob) -> bytes | None:
    """The job without the mark inside it; a one-shot job is switched off too, as 2026.4.25 does."""
    state = member_of(data, place, "state")
    if state is None or member_of(data, state, MARK) is None:
        return None
    value = data[place.start : place.end]
    inner = _edited(data[state.start : state.end], {MARK: None})
    value = value[: state.start - place.start] + inner + value[state.end - place.start :]
    return _edited(value, {"enabled": b"false"}) if job.schedule.kind == "at" else value


def _edited(value: bytes, edits: dict[str, bytes | None]) -> bytes:
    return b"".join(piece if isinstance(piece, bytes) else value[slice(*piece)] for piece in edit(value, edits))


def _states(draft: Draft, path: Path, data: bytes) -> None:
    """The same mark in the file that keeps run state since 2026.4.20."""
    whole = Span(len(data) - len(data.lstrip()), len(data.rstrip()))
    changes: dict[Span, bytes] = {}
    cleared: list[CronJob] = []
    rows = member_of(data, whole, "jobs")
    places = members(data, rows) if rows else {}
    for job_id, job in {job.job_id: job for job in _marked(draft)}.items():
        row = places.get(job_id)
        place = member_of(data, row, "state") if row else None
        if place is not None and member_of(data, place, MARK) is not None:
            changes[place] = _edited(data[place.start : place.end], {MARK: None})
            cleared.append(job)
    if changes:
        bounds = sorted(changes)
        gaps = zip([0, *(each.end for each in bounds)], [*(each.start for each in bounds), len(data)], strict=True)
        ranges = sorted([Span(*gap) for gap in gaps] + bounds)
        _write(draft, path, data, ranges, changes)
        _say_cleared(draft, path, cleared)


def _say_cleared(draft: Draft, path: Path, cleared: list[CronJob]) -> None:
    if not cleared:
        return
    ages: defaultdict[bool, list[CronJob]] = defaultdict(list)
    for job in cleared:
        ages[job.schedule.kind == "at"].append(job)
    for once, jobs in ages.items():
        oldest = max(draft.x.now - (job.state.running_at or draft.x.now) for job in jobs)
        draft.step(
            Repair.CRON,
            "clear the mark and disable" if once else "clear the mark",
            path,
            f"marked as running for up to {duration(oldest)}, and nothing runs",
            [job.job_id for job in jobs],
            0,
        )


def _park(draft: Draft, path: Path, data: bytes, places: list[Span], reasons: list[str]) -> None:
    """The parked jobs go, byte for byte, into a file that no release reads."""
    beside = path.with_name(f"{path.name.removesuffix('.json')}-parked.json")
    jobs = b",\n    ".join(data[place.start : place.end] for place in places)
    content = b'{\n  "version": 1,\n  "jobs": [\n    ' + jobs + b"\n  ]\n}\n"
    number = draft.fingerprint(path)
    attempt = 1
    while _exists(draft, beside):
        attempt += 1
        beside = path.with_name(f"{path.name.removesuffix('.json')}-parked-{attempt}.json")
    draft.create(beside, *literal(content), like=number)
    draft.step(
        Repair.CRON,
        "park",
        beside,
        "malformed jobs that cannot run: " + "; ".join(sorted(set(reasons))[:3]),
        [f"job {index + 1} in the file" for index in range(len(places))],
        sum(place.end - place.start for place in places),
    )


def _exists(draft: Draft, path: Path) -> bool:
    try:
        draft.fs.lstat(draft.real(path))
    except FileNotFoundError:
        return False
    return True
