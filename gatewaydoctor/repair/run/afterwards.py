"""What became of a run once the gateway is up again. Writes nothing, and works while the gateway runs."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.examine.cron.jobs import RAPID_RUNS
from gatewaydoctor.examine.cron.ticks import ticks
from gatewaydoctor.model.gateway.cron import answers_to, word_for
from gatewaydoctor.model.gateway.entry import Kind, Status
from gatewaydoctor.model.gateway.liveness import Liveness
from gatewaydoctor.model.repair.aftermath import Aspect, Standing
from gatewaydoctor.model.repair.receipt import Receipt
from gatewaydoctor.model.words import duration, plural
from gatewaydoctor.repair.run.kept import KeptSession, kept_list, lengths
from gatewaydoctor.repair.vault.codec import read_part, read_plan
from gatewaydoctor.repair.vault.layout import spell

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.gateway.entry import Entry
    from gatewaydoctor.model.repair.plan import Plan, StartEvent
    from gatewaydoctor.repair.vault.layout import RunPlace
    from gatewaydoctor.system.fs import ReadFs


class Done(Struct, frozen=True):
    """A run that was applied: its plan, and when it ended (epoch ms). `kept` are the sessions it left in stores, None
    where it did not list them; `lengths` are those of the transcripts of its conversations now, by store and session
    id."""

    run_id: str
    plan: Plan
    finished_at: int
    kept: tuple[KeptSession, ...] | None
    lengths: dict[str, dict[str, int]]

    @property
    def sessions(self) -> tuple[KeptSession, ...]:
        return self.kept or ()


def read_done(fs: ReadFs, place: RunPlace, x: Examination) -> Done:
    """Raises OSError, BadPlan and VaultDamaged where the run's vault cannot be read."""
    plan = read_plan(fs, place.plan)
    receipt = read_part(fs, place.receipt, Receipt)
    kept = kept_list(fs, place)
    now = _now(x)
    same: defaultdict[str, list[Entry]] = defaultdict(list)
    for each in kept or ():
        entry = now.get(each.key.lower())
        if each.length and entry is not None and entry.session_id == each.session_id:
            same[each.store].append(entry)
    there = {store: lengths(fs, place.at(store), entries) for store, entries in same.items()}
    return Done(place.run_id, plan, receipt.finished_at, kept, there)


def afterwards(x: Examination, done: Done) -> tuple[Aspect, ...]:
    """How everything stands that the run was to bring about. Pure."""
    return (_live(x), *_sessions(x, done), *_transcripts(done), _burst(x, done), *_jobs(x, done), *_foretold(x, done))


def _live(x: Examination) -> Aspect:
    told = next((each.text for each in x.gateway.evidence if each.says is x.gateway.liveness), "")
    match x.gateway.liveness:
        case Liveness.LIVE:
            return Aspect("gateway", Standing.OK, f"the gateway is running: {told.removesuffix('.')}")
        case Liveness.DEAD:
            return Aspect("gateway", Standing.BAD, "the gateway is not running")
        case Liveness.UNKNOWN:
            return Aspect("gateway", Standing.OPEN, f"cannot tell if the gateway runs: {told.removesuffix('.')}")


def _now(x: Examination) -> dict[str, Entry]:
    """Every session row there is, by key in lower case."""
    rows = [entry for store in x.stores if store.sessions for _, entry in store.sessions.rows()]
    rows += [entry for database in x.databases if database.sessions for _, entry in database.sessions.rows()]
    return {entry.key.lower(): entry for entry in rows}


def _sessions(x: Examination, done: Done) -> Iterator[Aspect]:
    if done.kept is None and done.plan.after.stores:
        text = "cannot tell whether what the run kept is there: an earlier version applied it, which kept no list"
        yield Aspect("sessions", Standing.OPEN, text)
    if not done.kept:
        return
    if unread := [each for each in _unread(x) if each in {kept.store for kept in done.kept}]:
        yield Aspect("sessions", Standing.OPEN, "cannot tell what the run's stores hold now", tuple(unread))
        return
    now = _now(x)
    wanted = {each.key.lower(): each for each in done.kept}
    people = {key for key, each in wanted.items() if each.of_people}
    lost = sorted(each.key for key, each in wanted.items() if key not in now)
    lost_people = sorted(wanted[key].key for key in people if key not in now)
    new = sum(key not in wanted and _begun(entry) > done.finished_at for key, entry in now.items())
    told = (
        f"{len(people) - len(lost_people):,} of {plural(len(people), 'conversation')}, "
        f"{len(wanted) - len(lost):,} of {plural(len(wanted), 'kept session')} are there; {new:,} new"
    )
    if lost_people:
        yield Aspect("sessions", Standing.BAD, told, tuple(lost_people))
    elif lost:
        runs = all(wanted[key.lower()].kind is Kind.CRON_RUN for key in lost)
        how = " (run rows that were due to be removed)" if runs else ""
        yield Aspect("sessions", Standing.OK if runs else Standing.OPEN, f"{told}{how}", tuple(lost))
    else:
        yield Aspect("sessions", Standing.OK, told)


def _begun(entry: Entry) -> int:
    return entry.started_at or entry.updated_at or 0


def _unread(x: Examination) -> Iterator[str]:
    """Databases whose rows are not known."""
    yield from (spell(each.path, x.place.state_dir) for each in x.databases if each.sessions is None)


def _transcripts(done: Done) -> Iterator[Aspect]:
    """The transcripts of conversations that go on under the same session id, where their length can be told."""
    gone, shorter, compared = [], [], 0
    for each in done.sessions:
        now = done.lengths.get(each.store, {}).get(each.session_id or "")
        if each.length and now is not None:
            compared += 1
            gone += [each.key] if not now else []
            shorter += [each.key] if 0 < now < each.length else []
    if gone:
        which = plural(len(gone), "transcript is", "transcripts are")
        yield Aspect("transcripts", Standing.BAD, f"{which} gone", tuple(gone))
    if shorter:
        which = plural(len(shorter), "transcript is shorter", "transcripts are shorter")
        yield Aspect("transcripts", Standing.OPEN, f"{which} than when the run ended", tuple(shorter))
    if compared and not gone and not shorter:
        which = plural(compared, "transcript holds", "transcripts hold")
        yield Aspect("transcripts", Standing.OK, f"{which} at least what they did when the run ended")


def _burst(x: Examination, done: Done) -> Aspect:
    times: defaultdict[str, list[int]] = defaultdict(list)
    before = {each.key.lower(): each.updated_at for each in done.sessions}
    for key, entry in _now(x).items():
        at = entry.updated_at or entry.started_at
        if key in before and before[key] == entry.updated_at:
            continue
        if entry.kind is Kind.CRON_RUN and entry.job_id and at is not None and at > done.finished_at:
            times[entry.job_id.lower()].append(at)
    since = duration((x.now - done.finished_at) // 1_000 * 1_000)
    bursts = sorted(job for job, each in times.items() if ticks(each).per_tick_max >= RAPID_RUNS)
    runs = sum(map(len, times.values()))
    if bursts:
        text = f"{plural(len(bursts), 'job starts', 'jobs start')} in bursts again: {plural(runs, 'run')} in {since}"
        return Aspect("burst", Standing.BAD, text, tuple(_name(x, job) for job in bursts))
    return Aspect("burst", Standing.OK, f"no burst: {plural(runs, 'cron run')} in {since}")


def _name(x: Examination, job_id: str) -> str:
    """What to type for the job, its bare id where jobs.json no longer has it."""
    return next((word_for(job, x.jobs.jobs) for job in x.jobs.jobs if job.job_id.lower() == job_id), job_id)


def _jobs(x: Examination, done: Done) -> Iterator[Aspect]:
    named = [name for step in done.plan.steps if step.disables for name in step.sample]
    if not named:
        return
    jobs = {name: job for name in named for job in x.jobs.jobs if answers_to(job, name)}
    off = [name for name in named if name in jobs and not jobs[name].enabled]
    on = [name for name in named if name in jobs and jobs[name].enabled]
    if off:
        text = f"{plural(len(off), 'job is', 'jobs are')} still disabled"
        yield Aspect("jobs", Standing.OPEN, text, tuple(off))
    if on:
        yield Aspect("jobs", Standing.OK, f"{plural(len(on), 'job is', 'jobs are')} enabled again", tuple(on))


def _foretold(x: Examination, done: Done) -> Iterator[Aspect]:
    """What became of each event that the forecast of the plan named, where the directory tells."""
    for event in done.plan.start_after:
        match event.kind:
            case "fires" | "catches-up":
                yield from _fired(x, done, event)
            case "resumes":
                yield from _resumed(x, done, event)
            case "reaps" | "evicts":
                yield from _removed(x, done, event)
            case "sends" | "gives-up":
                yield from _sent(x, event)
            case _:
                pass


def _fired(x: Examination, done: Done, event: StartEvent) -> Iterator[Aspect]:
    """Jobs that were to fire: which have, which are late, and which are not due yet."""
    jobs = {word: job for job in x.jobs.jobs for word in (job.job_id, job.name) if word}
    ran = [name for name in event.who if name in jobs and (jobs[name].state.last_run_at or 0) > done.finished_at]
    late = tuple(name for name in event.who if name in jobs and name not in ran)
    if ran:
        text = f"{plural(len(ran), 'job')} fired"
        yield Aspect("forecast", Standing.AS_FORECAST, text, tuple(ran))
    if not late:
        return
    wait = done.finished_at + (event.at_ms or 0) - x.now
    if wait > 0 and not ran:
        text = f"{plural(len(late), 'job is', 'jobs are')} not due yet; the first is in {duration(wait)}"
    else:
        text = f"{plural(len(late), 'job has', 'jobs have')} not fired yet, of those the forecast named"
    yield Aspect("forecast", Standing.OPEN, text, late)


def _resumed(x: Examination, done: Done, event: StartEvent) -> Iterator[Aspect]:
    now = _now(x)
    there = {key: now[key.lower()] for key in event.who if key.lower() in now}
    waiting = tuple(
        key
        for key, entry in there.items()
        if entry.status is Status.RUNNING and (entry.updated_at or 0) <= done.finished_at
    )
    taken = tuple(key for key in there if key not in waiting)
    if taken:
        yield Aspect("forecast", Standing.AS_FORECAST, f"{plural(len(taken), 'session')} resumed", taken)
    if waiting:
        text = f"{plural(len(waiting), 'session is', 'sessions are')} not resumed yet"
        yield Aspect("forecast", Standing.OPEN, text, waiting)


def _removed(x: Examination, done: Done, event: StartEvent) -> Iterator[Aspect]:
    """Kept rows of machines that went since: as many as the forecast named, or not yet."""
    now = _now(x)
    gone = [each.key for each in done.sessions if not each.of_people and each.key.lower() not in now]
    if gone:
        told = f"{len(gone):,} of {plural(event.how_many, 'session')} that the forecast named"
        yield Aspect("forecast", Standing.AS_FORECAST, f"{told} were removed", tuple(gone))
    elif done.kept and event.certain:
        text = f"{plural(event.how_many, 'session')} that the forecast named are not removed yet"
        yield Aspect("forecast", Standing.OPEN, text)


def _sent(x: Examination, event: StartEvent) -> Iterator[Aspect]:
    waiting = sum(queue.pending.files for queue in x.queues)
    if not waiting:
        text = f"{plural(event.how_many, 'message')} of the forecast: none waits any more"
        yield Aspect("forecast", Standing.AS_FORECAST, text)
    else:
        yield Aspect("forecast", Standing.OPEN, f"{plural(waiting, 'message')} waiting to be sent")
