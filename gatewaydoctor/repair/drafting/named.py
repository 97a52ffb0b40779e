"""Names and jobs that the operator gave, and whether there is anything of the kind."""

from __future__ import annotations

from difflib import get_close_matches
from shlex import quote
from typing import TYPE_CHECKING

from gatewaydoctor.model.errors import UsageError
from gatewaydoctor.model.gateway.cron import CronRead
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.state.config.settings import normalize_agent_id
from gatewaydoctor.state.place.agents import homes_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.storage.entries.table import EntryTable
    from gatewaydoctor.system.fs import ReadFs


SHOWN = 5
"""Names that a hint gives."""


def unknown_names(x: Examination, names: frozenset[str]) -> frozenset[str]:
    """Those that are not session key and no file next to a store; none where a store could not be read whole."""
    if not names or not _all_read(x):
        return frozenset()
    files = {record.name for store in x.stores for record in store.listing.files}
    files |= {record.name for record in x.cron.temps}
    return names - files - {key for table in _tables(x) for key in table.all_keys() if key in names}


def named_agent(fs: ReadFs, x: Examination, word: str) -> tuple[str | None, tuple[Path, ...]]:
    """The agent that is meant by its id or by the name of a directory of it, and its directories: all of them, or the
    one that was named. None where no agent is called so."""
    agent_id = normalize_agent_id(word)
    if agent_id not in {each.agent_id for each in x.eras.agents}:
        return None, ()
    homes = homes_of(fs, x.place.state_dir, agent_id)
    own = tuple(home for home in homes if home.name == word)
    if word == agent_id:
        return agent_id, homes
    return (agent_id, own) if own else (None, ())


def require_parkable(fs: ReadFs, x: Examination, repairs: Collection[Repair], names: frozenset[str]) -> None:
    """Raises UsageError where `park` or `unpark` is asked for with no name, with one that nothing has, or with one
    that several have."""
    for repair in (Repair.PARK, Repair.UNPARK):
        if repair in repairs and not names:
            raise UsageError(f"{repair} needs a session key or an agent.", f"Try `gatewaydoctor {repair} KEY`.")
    if Repair.PARK in repairs and _all_read(x):
        known = {each.agent_id for each in x.eras.agents}
        known |= {name for name in names if named_agent(fs, x, name)[0]}
        known |= {key for table in _tables(x) for key in table.all_keys()}
        for name in sorted(names - known):
            if any(each.answers_to(name) for each in x.parked):
                hint = f"To put it back: `gatewaydoctor unpark {quote(name)}`."
                raise UsageError(f"{name} is parked already.", hint)
            near = get_close_matches(name, known, 1, 0.8)
            meant = f" Did you mean {near[0]}?" if near else ""
            raise UsageError(f"Unknown session or agent {name!r}.{meant}", "`gatewaydoctor sessions` lists the keys.")
    if Repair.UNPARK in repairs:
        for name in sorted(names):
            found = [each for each in x.parked if each.answers_to(name)]
            if not found:
                parked = ", ".join(each.label for each in x.parked[:SHOWN])
                hint = f"Parked: {parked}." if parked else "Nothing is parked here."
                raise UsageError(f"Nothing is parked under the name {name!r}.", hint)
            if len(found) > 1:
                numbers = ", ".join(str(each.at) for each in found[:SHOWN])
                hint = f"Use the number in the names of its files, the newest last: {numbers}."
                raise UsageError(f"{len(found)} sessions or agents are parked as {name!r}.", hint)


def unknown_jobs(x: Examination, jobs: frozenset[str]) -> frozenset[str]:
    """Those, by id in lower case, that neither a job nor any row has; none where that could not all be read."""
    lists = (x.cron, x.jobs)
    if not jobs or not _all_read(x) or any(each.store.read not in (CronRead.OK, CronRead.MISSING) for each in lists):
        return frozenset()
    rows = {entry.job_id.lower() for table in _tables(x) for entry in table if entry.job_id}
    return jobs - {job.job_id.lower() for each in lists for job in each.jobs} - rows


def _tables(x: Examination) -> Iterator[EntryTable]:
    return (store.sessions.table for store in x.session_stores if store.sessions)


def _all_read(x: Examination) -> bool:
    problems = (store.listing.problem for store in x.stores)
    return all(store.whole for store in x.session_stores) and all(each is None or each.missing for each in problems)


def say_unused(draft: Draft) -> None:
    """A name to which nothing is done must not pass for one that was taken."""
    names, jobs = draft.options.names, draft.options.trim.jobs
    if names:
        gone = {key for store in draft.opened for key in store.dropped_keys()}
        gone |= {draft.fingerprints[act.source].path.rpartition("/")[2] for act in draft.moves}
        if unused := sorted(names - gone - draft.answered):
            draft.caution(
                "You named it, but no chosen repair applies to it. trim and missing take session "
                "keys; orphans and temps take file names.",
                unused,
            )
    if unknown := sorted(unknown_jobs(draft.x, jobs)):
        draft.caution("No cron job and no row has this id or name.", unknown)
