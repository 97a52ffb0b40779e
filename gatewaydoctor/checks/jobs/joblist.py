"""Rules about the jobs of jobs.json: what the release in use makes of each, and what this program did with some."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gatewaydoctor.checks.boot import NextBoot, a_gateway
from gatewaydoctor.checks.registry import EXAMPLES, REGISTRY, Family, Rule
from gatewaydoctor.model.database.refusals import NEWEST
from gatewaydoctor.model.gateway.cron import NOT_JSON, Fate
from gatewaydoctor.model.gateway.era import KNOWN_SCHEMA, DatabaseRole
from gatewaydoctor.model.outcome.finding import Harm, Severity
from gatewaydoctor.model.words import ago, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.database.reading import StateRows
    from gatewaydoctor.model.gateway.cron import JobProblem
    from gatewaydoctor.model.outcome.finding import Finding

UNRUNNABLE = Rule(
    id="cron-job-cannot-run",
    family=Family.CRON,
    severity=Severity.WARNING,
    title="Cron jobs that this release does not run",
    meaning="A job in jobs.json or the state database has a shape that the release in use never runs, removes from "
    "its jobs, or cannot start its scheduler with. The evidence names field, reason and effect of each. Error if "
    "the start deletes a job or sets it aside, or no job runs at all; info if the release is not known, or was not "
    "tried with such a job.",
    cause="Jobs written by hand or by a script, or by a release with other names for the fields: jobId for id, "
    "schedule.cron for schedule.expr, a schedule as text.",
    gateway="A job without schedule or payload can stop the scheduler for all jobs up to 2026.4.25, in 2026.4.1 to "
    "2026.4.15 one without state, too, and in 2026.4.27 to 2026.4.29 one whose schedule is text or lacks its time, "
    "even if disabled. 2026.5.22 deletes such a job from jobs.json about 3 minutes after its start, and seconds "
    "later from jobs.json.bak. A schedule that cannot be computed fails silently in the list of "
    "jobs; after three tries the job is disabled.",
    remedy="Correct the field named in the evidence, with the gateway stopped. `repair cron` takes the job out of "
    "jobs.json into cron/jobs-parked.json, which no release reads: there it is safe and does not run. Correct it "
    "there and put it back with `repair cron --unpark JOB`.",
    repair="cron",
)

SHARED = Rule(
    id="cron-job-shares-state",
    family=Family.CRON,
    severity=Severity.WARNING,
    title="Cron jobs that keep their state under one id",
    meaning="Jobs without an id of their own, or with the id of another job, run, but their marks, last and next "
    "runs, session rows and run log are kept together, under `undefined` if there is no id. A mark runningAtMs is "
    "then never cleared after a run, or is cleared on another job, and jobs fire again or not at all.",
    cause="Jobs written by hand or by a script without id, or with the old name jobId, which releases before "
    "2026.3.28 do not take for the id.",
    gateway="Up to 2026.4.25 it runs them and keeps the state of all under one id. 2026.5.22 deletes jobs without id "
    "from jobs.json. Of jobs with one id 2026.3.28 records the end of a run with the first, so the marks of the "
    "others stay; 2026.4.25 keeps one state for all; 2026.5.22 runs them if they have the same schedule, and was not "
    "seen to run any whose schedules differ.",
    remedy="With the gateway stopped, give each job an id of its own in jobs.json (`id`, any text that no other job "
    "has). Clearing the mark alone does not help: it comes back. Rows and run log named `undefined` are of these "
    "jobs.",
)

PARKED = Rule(
    id="cron-job-parked",
    family=Family.CRON,
    severity=Severity.WARNING,
    title="Parked cron jobs do not run",
    meaning="A repair removed these jobs from jobs.json and keeps them in a file next to it, which no release reads.",
    cause="The command `repair cron` parks jobs that the release in use cannot run, and those named with --park.",
    gateway="It does not know these jobs: they do not run, and its list does not show them.",
    remedy="Correct the job in the file with the parked jobs, then put it back: `repair cron --unpark JOB`. One that "
    "is not wanted any more: `repair cron --drop JOB`.",
)

DISABLED = Rule(
    id="cron-job-disabled",
    family=Family.CRON,
    severity=Severity.INFO,
    title="Cron jobs disabled by a repair",
    meaning="A repair of this program set `enabled` of these jobs to false, and it still is.",
    cause="An operator disabled them with `repair cron --disable JOB`, or a repair cleared the mark "
    "of a one-shot job, which would have fired again.",
    gateway="It keeps the job and does not run it.",
    remedy="Enable it again when its cause is settled: `repair cron --enable JOB`. To keep it disabled: "
    "`repair cron --drop JOB` removes the note.",
)

EFFECTS = {
    Fate.NEVER_RUNS: ("is never due", "are never due"),
    Fate.FAILS: ("is skipped or fails each time it is due", "are skipped or fail each time they are due"),
    Fate.HOLDS_UP: ("breaks off the scheduler's pass when due", "break off the scheduler's pass when due"),
    Fate.SET_ASIDE: ("is set aside at start", "are set aside at start"),
    Fate.DROPPED: ("is deleted from jobs.json after start", "are deleted from jobs.json after start"),
    Fate.STOPS_CRON: ("stops the scheduler", "stop the scheduler"),
}
"""What becomes of one job, and of several."""

_WORST = (Fate.STOPS_CRON, Fate.DROPPED, Fate.SET_ASIDE, Fate.NEVER_RUNS, Fate.FAILS, Fate.HOLDS_UP)
"""Which fate counts where a job has several: one that is never due fails no run."""


def cannot_run(problems: Iterable[JobProblem]) -> dict[int, tuple[Fate, list[JobProblem]]]:
    """The jobs that something keeps from running in this release, by index: what becomes of each, and why."""
    found: dict[int, tuple[Fate, list[JobProblem]]] = {}
    for problem in problems:
        if problem.harmful:
            found.setdefault(problem.index, (Fate.RUNS, []))[1].append(problem)
    return {
        index: (next(fate for fate in _WORST if any(each.fate is fate for each in why)), why)
        for index, (_, why) in found.items()
    }


@REGISTRY.check(UNRUNNABLE)
def unrunnable(x: Examination, t: Thresholds) -> Iterator[Finding]:
    jobs = cannot_run(x.cron.problems)
    if jobs:
        yield _not_run(x, jobs)
    if x.state_rows is not None and x.config.release.behaviour.sessions_in_database:
        yield from _in_database(x, x.state_rows)
    untold = [each for each in x.cron.problems if each.fate is None and each.index not in jobs]
    if untold and x.cron.jobs:
        yield _untold(x, untold)


def _not_run(x: Examination, jobs: dict[int, tuple[Fate, list[JobProblem]]]) -> Finding:
    fates = Counter(fate for fate, _ in jobs.values())
    off = sum(any(each.switched_off for each in why) for _, why in jobs.values())
    bad = Fate.STOPS_CRON in fates or Fate.DROPPED in fates
    return UNRUNNABLE.finding(
        f"{plural(len(jobs), 'job')} of {_entries(x):,}: {_told(fates)}. Cause: {_reasons(jobs)}."
        + (f" {off:,} {'is' if off == 1 else 'are'} already disabled by that." if off else ""),
        _consequence(x, fates),
        harms={Harm.JOB_UNUSABLE: len(jobs)},
        count=len(jobs),
        severity=Severity.ERROR if bad else None,
        path=x.cron.store.path,
        evidence={
            "stopsScheduler": Fate.STOPS_CRON in fates,
            "deleted": fates[Fate.DROPPED],
            "jobs": _shown(jobs),
        },
    )


def _in_database(x: Examination, rows: StateRows) -> Iterator[Finding]:
    """Jobs of the state database, as 2026.9.6 was seen to take them. Of releases before it only those that 2026.8.1
    was seen to set aside, too."""
    known = KNOWN_SCHEMA[DatabaseRole.STATE]
    newest, older = rows.schema == known, rows.whole_jobs and (rows.schema or known) < known
    aside = (each for each in rows.problems if each.fate is Fate.SET_ASIDE and each.reason != NOT_JSON)
    jobs = cannot_run(rows.problems if newest else tuple(aside) if older else ())
    if not jobs or x.eras.state is None:
        return
    fates = Counter(fate for fate, _ in jobs.values())
    release = x.config.release.version
    hedge = f"; {release} was not tried" if release not in (None, "2026.8.1", NEWEST) else ""
    # Where cron is disabled no job runs, and a start leaves the rows as they are.
    grave = x.config.cron.enabled.value and (Fate.SET_ASIDE in fates or Fate.STOPS_CRON in fates)
    yield UNRUNNABLE.finding(
        f"{plural(len(jobs), 'job')} of {len(rows.jobs):,} in the state database: {_told(fates)}. Cause: "
        f"{_reasons(jobs)}.",
        f"A {NEWEST if hedge else release or NEWEST} gateway {_then(fates)}{hedge}."
        if x.config.cron.enabled.value
        else "Cron is disabled in the config: no job runs.",
        harms={Harm.JOB_UNUSABLE: len(jobs)},
        count=len(jobs),
        severity=Severity.ERROR if grave else None,
        path=x.eras.state.path,
        evidence={
            "inDatabase": True,
            "stopsScheduler": Fate.STOPS_CRON in fates,
            "deleted": 0,
            "jobs": _shown(jobs),
        },
        repair=None,
        by_hand="Copy the directory. With the gateway stopped, correct the fields in job_json of cron_jobs on a copy "
        "of the state database, or add the jobs again with `openclaw cron add` after a start.",
    )


def _then(fates: Counter[Fate]) -> str:
    """What becomes of the jobs of each kind, behind "A 2026.9.6 gateway"."""
    if Fate.STOPS_CRON in fates:
        return "does not start its scheduler with such a job: no cron job runs"
    aside, never = fates[Fate.SET_ASIDE], fates[Fate.NEVER_RUNS]
    parts = [f"takes {plural(aside, 'job')} out of its list and keeps the text"] if aside else []
    parts += (
        [f"never runs {plural(never, 'job')}, and disables after three tries what it cannot compute"] if never else []
    )
    return "; it ".join(parts)


def _told(fates: Counter[Fate]) -> str:
    return ", ".join(f"{count:,} {EFFECTS[fate][count != 1]}" for fate in _WORST if (count := fates[fate]))


def _reasons(jobs: dict[int, tuple[Fate, list[JobProblem]]]) -> str:
    fields = Counter(field for _, why in jobs.values() for field in {f"{each.field} ({each.reason})" for each in why})
    return "; ".join(text for text, _ in fields.most_common(3))


def _shown(jobs: dict[int, tuple[Fate, list[JobProblem]]]) -> list[dict[str, object]]:
    return [
        {
            "jobId": why[0].job_id,
            "name": why[0].name,
            "place": index + 1,
            "enabled": why[0].enabled,
            "fate": fate.value,
            "problems": [{"field": each.field, "reason": each.reason} for each in why],
        }
        for index, (fate, why) in list(jobs.items())[:EXAMPLES]
    ]


def _entries(x: Examination) -> int:
    """How many entries the list of jobs.json has, those that are not jobs included."""
    return len(x.cron.jobs) + len({each.index for each in x.cron.problems if each.field == "job"})


def _consequence(x: Examination, fates: Counter[Fate]) -> str:
    who = a_gateway(x)
    if Fate.STOPS_CRON in fates:
        return f"{who} runs no job with this file: its scheduler does not start, or breaks off every pass."
    if Fate.DROPPED in fates:
        return (
            f"{who} deletes such jobs from jobs.json about 3 minutes after its start, and seconds later its second "
            "write takes them out of jobs.json.bak too."
        )
    if Fate.HOLDS_UP in fates:
        return f"{who} breaks off its pass when one of them is due, and jobs due at that time wait."
    return f"{who} lists them as jobs, and they do not run."


def _untold(x: Examination, problems: list[JobProblem]) -> Finding:
    jobs = len({each.index for each in problems})
    fields = Counter(f"{each.field} ({each.reason})" for each in problems)
    return UNRUNNABLE.finding(
        f"{plural(jobs, 'job')} of {_entries(x):,} may not run: "
        f"{'; '.join(text for text, _ in fields.most_common(3))}.",
        "Releases handle this differently, and it is not known which one runs here.",
        harms={Harm.JOB_UNUSABLE: jobs},
        count=jobs,
        severity=Severity.INFO,
        path=x.cron.store.path,
        evidence={
            "problems": [
                {"place": each.index + 1, "jobId": each.job_id, "name": each.name, "field": each.field}
                | {"reason": each.reason}
                for each in problems[:EXAMPLES]
            ]
        },
        repair=None,
    )


@REGISTRY.check(SHARED)
def shared_state(x: Examination, t: Thresholds) -> Iterator[Finding]:
    jobs = {each.index: each for each in x.cron.problems if each.fate is Fate.SHARES_STATE}
    nameless = {index: each for index, each in jobs.items() if each in x.cron.under_undefined}
    twice = [each for each in jobs.values() if each.index not in nameless]
    if nameless:
        old = all("jobId" in each.reason for each in nameless.values())
        have = "has" if len(nameless) == 1 else "have"
        yield _shared(
            x,
            f"{plural(len(nameless), 'job')} {have} no id{', only the old name jobId' if old else ''}: "
            f"state, rows and run log are kept under one id, undefined.",
            f"{a_gateway(x)} runs them. Marks, last and next runs of all are kept together: a mark stays after a "
            "run, and jobs fire again or wait for each other.",
            list(nameless.values()),
        )
    if twice:
        what = f"{plural(len(twice), 'job')} with an id that an earlier job of the file has."
        yield _shared(x, what, _BOOT_TWICE.of(x), twice)


_BOOT_TWICE = NextBoot(
    v3_28="runs them and records the end of each run with the first job of the id: the marks of the others stay",
    v4_25="runs them with one state for all: last run, next run and run log are kept together",
    v5_22="runs jobs of one id together if their schedules are the same; if they differ, none was seen to run",
    unknown="Releases differ: the marks of the later jobs stay after a run, or all keep one state, or none runs.",
)


def _shared(x: Examination, message: str, consequence: str, jobs: list[JobProblem]) -> Finding:
    return SHARED.finding(
        message,
        consequence,
        brief="1 job shares a state with another" if len(jobs) == 1 else f"{len(jobs):,} jobs share one state",
        count=len(jobs),
        path=x.cron.store.path,
        evidence={
            "jobs": [{"place": each.index + 1, "jobId": each.job_id, "name": each.name} for each in jobs[:EXAMPLES]],
            "rowsUnderUndefined": sum(
                job.runs for store in x.stores for job in store.jobs if job.job_id == "undefined"
            ),
        },
    )


@REGISTRY.check(PARKED)
def parked(x: Examination, t: Thresholds) -> Iterator[Finding]:
    jobs = x.cron.parked if x.jobs is x.cron else (*x.cron.parked, *x.jobs.parked)
    if not jobs:
        return
    files = sorted({job.file for job in jobs})
    yield PARKED.finding(
        f"{plural(len(jobs), 'job is', 'jobs are')} parked in {', '.join(files[:3])}.",
        "No release runs them from there: the jobs do not run until they are put back.",
        count=len(jobs),
        path=(x.cron if x.cron.parked else x.jobs).store.path.with_name(files[0]),
        evidence={
            "jobs": [{"jobId": job.job_id, "name": job.name, "file": job.file} for job in jobs[:EXAMPLES]],
            "files": files,
        },
    )


@REGISTRY.check(DISABLED)
def disabled(x: Examination, t: Thresholds) -> Iterator[Finding]:
    jobs = x.cron.disabled
    if not jobs:
        return
    first = min((job.at for job in jobs if job.at is not None), default=None)
    since = f", the first {ago(x.now - first)}" if first is not None else ""
    yield DISABLED.finding(
        f"{plural(len(jobs), 'job was', 'jobs were')} disabled by a repair{since}.",
        "They stay in the list and do not run.",
        count=len(jobs),
        path=x.cron.store.path,
        evidence={
            "jobs": [{"jobId": job.job_id, "name": job.name, "disabledAtMs": job.at} for job in jobs[:EXAMPLES]]
        },
    )
