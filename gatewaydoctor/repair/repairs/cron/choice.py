"""Which job gets what: a value that does not know how jobs are stored."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from gatewaydoctor.checks.jobs.joblist import EFFECTS, cannot_run
from gatewaydoctor.model.errors import UsageError
from gatewaydoctor.model.gateway.cron import UNDEFINED, answers_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import TypeVar

    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.gateway.cron import Cron, CronJob, DisabledJob, Fate, JobProblem, ParkedJob
    from gatewaydoctor.repair.drafting.options import CronOptions

    _Job = TypeVar("_Job", CronJob, ParkedJob)


class JobChanges(Struct, frozen=True):
    """`clear` are jobs that lose the mark of a run; `park` maps the place in the list to the reason. `forget` are
    notes of disabled jobs that go without a change to the job. `untouched` says why nothing is done to a job that was
    named."""

    clear: tuple[CronJob, ...] = ()
    disable: tuple[CronJob, ...] = ()
    enable: tuple[CronJob, ...] = ()
    park: Mapping[int, str] = field(default_factory=dict)
    unpark: tuple[ParkedJob, ...] = ()
    drop: tuple[ParkedJob, ...] = ()
    forget: tuple[DisabledJob, ...] = ()
    untouched: tuple[str, ...] = ()


def choose(cron: Cron, options: CronOptions) -> JobChanges:
    """What was named, or else the marks of runs and the jobs that the release in use cannot run."""
    if options.empty:
        return JobChanges(
            clear=tuple(job for job in cron.jobs if job.state.running_at is not None),
            park={index: _reason(*found) for index, found in cannot_run(cron.problems).items()},
        )
    disable, enable = _named(cron.jobs, options.disable), _named(cron.jobs, options.enable)
    park, parked = _named(cron.jobs, options.park), _named(cron.parked, options.unpark)
    dropped = _named(cron.parked, options.drop)
    return JobChanges(
        disable=tuple(job for job in disable if job.enabled),
        enable=tuple(job for job in enable if not job.enabled),
        park={job.index: "named" for job in park},
        unpark=tuple(parked),
        drop=tuple(dropped),
        forget=tuple(each for each in cron.disabled if _note_matches(each, options.drop)),
        untouched=(
            *(f"{job.label} is disabled already" for job in disable if not job.enabled),
            *(f"{job.label} is enabled already" for job in enable if job.enabled),
        ),
    )


def jobs_of(x: Examination) -> Cron:
    """The jobs that the gateway runs, of whichever era, with what this program keeps next to jobs.json."""
    if x.jobs is x.cron:
        return x.cron
    return replace(x.jobs, parked=(*x.jobs.parked, *x.cron.parked), disabled=x.cron.disabled)


def require_known(cron: Cron, options: CronOptions) -> None:
    """Raises UsageError for a name that no job has, or that several have."""
    here, away = "`gatewaydoctor cron` lists the jobs.", "`gatewaydoctor cron` lists the parked jobs too."
    for option in ("disable", "enable", "park"):
        _require(f"--{option}", getattr(options, option), cron.jobs, here)
    _require("--unpark", options.unpark, cron.parked, away)
    noted = {word for word in options.drop if any(_note_matches(each, (word,)) for each in cron.disabled)}
    _require("--drop", options.drop - noted, cron.parked, away)


def _require(option: str, words: Iterable[str], jobs: Iterable[CronJob | ParkedJob], hint: str) -> None:
    known = list(jobs)
    for word in sorted(words):
        found = [job for job in known if answers_to(job, word)]
        if not found:
            names = [name for job in known for name in (job.name, job.job_id) if name and name != UNDEFINED]
            near = get_close_matches(word, names, 1)
            kind = "parked cron job" if option in ("--unpark", "--drop") else "cron job"
            meant = f" Did you mean {near[0]}?" if near else ""
            raise UsageError(f"{option}: unknown {kind} {word!r}.{meant}", hint)
        if len(found) > 1:
            places = ", ".join(_distinct(job) for job in found[:5])
            raise UsageError(f"{option}: {len(found)} jobs are called {word!r}.", f"Use one of: {places}.")


def _distinct(job: CronJob | ParkedJob) -> str:
    return job.job_id if job.job_id and job.job_id != UNDEFINED else f"#{job.index + 1}"


def _named(jobs: Iterable[_Job], words: Iterable[str]) -> list[_Job]:
    wanted = list(words)
    return [job for job in jobs if any(answers_to(job, word) for word in wanted)]


def _note_matches(note: DisabledJob, words: Iterable[str]) -> bool:
    return any(word == note.name or (note.job_id or "").lower() == word.lower() for word in words)


def _reason(fate: Fate, why: list[JobProblem]) -> str:
    return f"{EFFECTS[fate][0]} ({'; '.join(f'{each.field}: {each.reason}' for each in why)})"
