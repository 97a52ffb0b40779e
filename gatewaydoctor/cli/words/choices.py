"""Words, jobs and sizes as they are given on the command line."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from gatewaydoctor.model.errors import UsageError, unknown_word

if TYPE_CHECKING:
    from collections.abc import Collection

    from gatewaydoctor.cli.shell.run import Run
    from gatewaydoctor.examine.found import Found
    from gatewaydoctor.model.gateway.cron import CronJob

Word = TypeVar("Word", bound=StrEnum)


def chosen_words(
    enum: type[Word], given: list[str] | None, option: str, offered: Collection[Word] | None = None
) -> frozenset[Word]:
    """The members these words name. Raises UsageError for a word that names none, with those that are of use here:
    the `offered` ones, else all."""
    members = {each.value: each for each in enum}
    useful = [word for word, each in members.items() if offered is None or each in offered]
    chosen = []
    for word in given or ():
        if (each := members.get(word.strip().lower())) is None:
            raise unknown_word(f"word for {option}:", word, useful)
        chosen.append(each)
    return frozenset(chosen)


def job_ids(run: Run, found: Found, wanted: list[str]) -> frozenset[str]:
    """Ids, lower case, of the jobs named by id or name; an id that no job has is taken as it is."""
    jobs = known_jobs(run, found)
    ids = {job.job_id.lower() for job in jobs if job.name in wanted or job.job_id in wanted}
    names = {job.name for job in jobs}
    return frozenset(ids | {word.lower() for word in wanted if word not in names})


def known_jobs(run: Run, found: Found) -> tuple[CronJob, ...]:
    """The jobs of jobs.json and of the state database."""
    from gatewaydoctor.examine.databases.databases import cron_of, state_facts
    from gatewaydoctor.state.cron.cron import read_cron
    from gatewaydoctor.state.place.era import read_eras

    store = found.config.cron.store.value
    database = read_eras(run.fs, found.place.state_dir, ()).state
    files = read_cron(run.fs, store)
    if database is None:
        return files.jobs
    rows = state_facts(run.fs, database, str(store), lambda key: True)
    return (*files.jobs, *cron_of(database, rows, files).jobs)


def parse_size(text: str, option: str) -> int:
    """Bytes; k, M and G are powers of 1,000, Ki, Mi and Gi of 1,024. Raises UsageError for anything else."""
    found = re.fullmatch(r"([0-9]{1,18}(?:\.[0-9]+)?)\s*([kmg]?)(i?)b?", text.strip(), re.IGNORECASE)
    if found is None:
        raise UsageError(f"{option} {text!r} is not a size.", "Try 500k, 20M or 1GiB.")
    power: int = {"": 0, "k": 1, "m": 2, "g": 3}[found[2].lower()]
    unit: int = (1024 if found[3] else 1000) ** power
    return round(float(found[1]) * unit)
