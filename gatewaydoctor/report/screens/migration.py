"""The audit of the move to databases: a line for each kind of thing that is not there, tables with -v and --all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.text import Text

from gatewaydoctor.model.database.migration import EventsIn, JobPlace, RowIn, SourceKind
from gatewaydoctor.model.outcome.verdict import NextStep
from gatewaydoctor.report import words
from gatewaydoctor.report.migration import missing_jobs
from gatewaydoctor.report.screens.blocks.fitting import Jointed
from gatewaydoctor.report.screens.blocks.head import head
from gatewaydoctor.report.screens.blocks.parts import View, capped, grid, moment, more, print_step, section
from gatewaydoctor.report.screens.blocks.tables import NONE, keyed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.database.migration import AgentMigration, Migration, RetainedSource, TranscriptPlace

AGENTS = 8
"""Agents in the table where nothing more was asked for."""

_IN_DATABASE = (EventsIn.DATABASE, EventsIn.ARCHIVE_ROW)
_WORDS = {
    SourceKind.IMPORTED: "archive of the import",
    SourceKind.ACTIVE: "sessions directory",
    SourceKind.RESET: "archive of a reset",
    SourceKind.DELETED: "archive of a deletion",
}


def show(console: Console, judgement: Judgement, view: View, exported: tuple[str, int] | None = None) -> None:
    """`exported`: the directory that was written, and how many files."""
    x = judgement.examination
    found = x.migration
    head(console, judgement, view)
    if view.verbose or view.rows is None:
        for agent in found.agents:
            _agent(console, agent, view)
    else:
        _overview(console, found, view)
    _notes(console, found, x, view)
    _jobs(console, found, view)
    _imports(console, found, view)
    if not x.eras.databases:
        console.print("No database is here: sessions are in files, and nothing has been imported.")
    print_step(console, view, step(judgement, view, exported))


def _overview(console: Console, found: Migration, view: View) -> None:
    """A line an agent: rows of its old stores, transcript files, and what of both no database has."""
    shown = found.agents[:AGENTS]
    if not shown:
        return
    console.print()
    table = grid("agent", "rows", "left out", "transcripts", "in database", "only in files", "people's turns")
    for agent in shown:
        if not _anything_old(agent):
            table.add_row(view.agent(agent.agent_id), *[NONE] * 6)
            continue
        rows, files, only = agent.rows, sum(agent.files.values()), agent.only_in_files
        there = sum(count for (_, place), count in agent.files.items() if place in _IN_DATABASE)
        people = sum(each.people for each in only)
        table.add_row(
            view.agent(agent.agent_id),
            f"{sum(rows.values()):,}",
            f"{rows.get(RowIn.LEFT_OUT, 0) + rows.get(RowIn.ABSENT, 0):,}",
            f"{files:,}",
            f"{there:,}" if agent.database else NONE,
            f"{len(only):,}",
            Text(f"{people:,}", "bold" if people else ""),
        )
    console.print(table)
    more(console, len(shown), len(found.agents), "agents")
    for bare, told in ((True, "no file of an import, no archive"), (False, "sessions in files, not imported")):
        names = [view.agent(a.agent_id) for a in shown if not _anything_old(a) and bool(a.database) is bare]
        if names:
            console.print(f"{', '.join(names)}: {told}")


def _notes(console: Console, found: Migration, x: Examination, view: View) -> None:
    for agent in found.agents[:AGENTS]:
        name = view.agent(agent.agent_id)
        if agent.problem is not None:
            console.print(Text(f"{name}: the database cannot be read: {view.names.text(agent.problem)}.", "bold"))
        if agent.committed is not None:
            done, total = agent.committed
            console.print(f"{name}: {done:,} of {words.plural(total, 'row')} of its sessions.json in the database")
    resets = sum(count for agent in found.agents for (of, _), count in agent.files.items() if of is SourceKind.RESET)
    if resets:
        kept = "archive of a reset" if resets == 1 else "archives of resets"
        console.print(f"{resets:,} {kept}. {_kept(x)}")


def _anything_old(agent: AgentMigration) -> bool:
    """Whether it has files of an import or from before it, to compare with a database."""
    return bool(agent.rows or agent.files)


def _agent(console: Console, agent: AgentMigration, view: View) -> None:
    section(console, f"{view.agent(agent.agent_id)}: {_where(agent)}")
    for text, bad in _lines(agent):
        console.print(Text(text, "bold" if bad else ""))
    _tables(console, agent, view)


def _where(agent: AgentMigration) -> str:
    return "sessions in a database" if agent.database else "sessions in files"


def _lines(agent: AgentMigration) -> Iterator[tuple[str, bool]]:
    if agent.rows:
        yield _rows(agent), bool(agent.rows.get(RowIn.LEFT_OUT))
    for source in SourceKind:
        total = sum(count for (of, _), count in agent.files.items() if of is source)
        if not total:
            continue
        there = sum(agent.files.get((source, place), 0) for place in _IN_DATABASE)
        only = [each for each in agent.only_in_files if each.source is source]
        people = sum(each.people for each in only)
        held = f"{there:,} in the database" if agent.database else "not in a database"
        rest = f", {len(only):,} only here or in part" if agent.database and only else ""
        turns = f", {words.plural(people, 'turn')} of conversations only here" if people else ""
        unread = agent.files.get((source, EventsIn.UNREAD), 0)
        gap = f", {unread:,} not read" if unread else ""
        files = words.plural(total, "transcript")
        yield f"{_WORDS[source]}: {files}, {held}{rest}{turns}{gap}", bool(people or unread)
    if not _anything_old(agent):
        yield "no file of an import, no archive", False


def _kept(x: Examination) -> str:
    """How long the gateway keeps archives of resets."""
    keep = x.config.maintenance.reset_archive_retention.value
    if keep is None:
        return "Nothing is lost yet; the gateway does not delete them by age."
    return f"Nothing is lost yet; the gateway deletes them {words.duration(keep)} after the reset."


def _rows(agent: AgentMigration) -> str:
    rows = agent.rows
    parts = (
        (RowIn.DATABASE, "in the database"),
        (RowIn.WINDOW, "part of another session"),
        (RowIn.ARCHIVED, "removed since, transcript archived"),
        (RowIn.LEFT_OUT, "left out, no session id"),
        (RowIn.ABSENT, "nowhere in the database"),
    )
    told = ", ".join(f"{rows[place]:,} {what}" for place, what in parts if rows.get(place))
    return f"{words.plural(sum(rows.values()), 'row')} of old stores: {told}"


def _tables(console: Console, agent: AgentMigration, view: View) -> None:
    only = agent.only_in_files
    if only:
        console.print()
        shown = capped(only, view)
        rows = [(_cells(each), view.path(each.path)) for each in shown]
        keyed(console, ("in the database", "only here", "people's", "broken line"), "transcript", rows, left=0)
        more(console, len(shown), len(only), "transcripts")
    if agent.lost_rows:
        console.print()
        shown_rows = capped(agent.lost_rows, view)
        told = [((each.place.value, view.names.path(each.path.name)), view.key(each.key)) for each in shown_rows]
        keyed(console, ("where", "file"), "session key", told, left=2)
        more(console, len(shown_rows), len(agent.lost_rows), "rows")


def _cells(each: TranscriptPlace) -> tuple[str, ...]:
    people = f"{each.people:,}" + (f" + {each.undecided:,} lines" if each.undecided else "")
    broken = f"{each.broken_at:,}" if each.broken_at else ("no header" if not each.header else "-")
    return f"{each.contained:,} of {each.events:,}", f"{each.missing:,}", people, broken


def _jobs(console: Console, found: Migration, view: View) -> None:
    missing = missing_jobs(found)
    if not found.jobs:
        return
    section(console, "Cron jobs")
    counts = [
        (sum(job.place is place for job in found.jobs), what)
        for place, what in (
            (JobPlace.DATABASE, "in the database"),
            (JobPlace.ELSEWHERE, "filed under another directory"),
            (JobPlace.QUARANTINED, "set aside as malformed"),
            (JobPlace.FILE, "only in files"),
        )
    ]
    told = ", ".join(f"{count:,} {what}" for count, what in counts if count)
    console.print(Text(f"{words.plural(len(found.jobs), 'job')} in files: {told}", "bold" if missing else ""))
    if not missing:
        return
    files = sorted({name for job in missing for name in job.files})
    if files:
        told = ", ".join(view.names.path(name) for name in files[:3])
        whose = "theirs" if len(missing) == len(found.jobs) else f"the other {len(missing):,}"
        console.print(f"No schedule of {whose} runs. Their definitions are in {told}.")
    same = sum(job.namesake for job in missing)
    if same:
        console.print(f"{words.plural(same, 'job')} of the same name, with another id, in the database")
    if view.verbose or view.rows is None:
        shown = capped(missing, view)
        rows = [((job.place.value, job.reason or "-"), view.key(job.name or job.job_id)) for job in shown]
        keyed(console, ("where", "reason"), "job", rows, left=2)
        more(console, len(shown), len(missing), "jobs")


def _imports(console: Console, found: Migration, view: View) -> None:
    lines = [*_runs(found), *_retained(found.retained, view)]
    if found.discarded:
        gone = words.plural(len(found.discarded), "source")
        lines.append(f"{gone} deleted without being imported; the database has the SHA-256 alone")
        if view.verbose:
            lines += [f"  {digest[:16]}  {view.names.path(path)}" for path, digest in found.discarded]
    if found.failed_history:
        lines.append(f"{words.plural(found.failed_history, 'successful run')} recorded as failed in the history")
    if lines:
        section(console, "Imports")
        for line in lines:
            said = line.lstrip()
            console.print(Padding(Jointed(said), (0, 0, 0, len(line) - len(said))))


def _runs(found: Migration) -> Iterator[str]:
    unread = sum(run.reason is not None for run in found.runs)
    unfinished = found.unfinished
    if unfinished and not any(each.contradicted for each in found.retained):
        yield f"{words.plural(len(unfinished), 'run')} without an end; the next start of 2026.9.6 finishes the import"
    issues = sum(run.issues.total() for run in found.runs[:1])
    if found.runs and not unfinished:
        yield f"last run: {found.runs[0].moved:,} files moved, {words.plural(issues, 'issue')} noted"
    if unread:
        yield f"{words.plural(unread, 'receipt')} not read"


def _retained(retained: Sequence[RetainedSource], view: View) -> Iterator[str]:
    for each in retained:
        name = view.names.path(each.path)
        if each.gone:
            yield f"{name} is gone; its receipt ({each.status}) wants it kept"
        elif each.contradicted:
            if each.changed:
                yield f"{name} is kept for a plugin, with its transcripts"
                count = words.plural(len(each.changed), "transcript is", "transcripts are")
                yield f"  {count} not as the receipt has them ({each.status}): {each.changed[0].name}"
            else:
                at = f" at {moment(each.rewritten_at)}" if each.rewritten_at else ""
                yield f"{name} was written after its import{at}"
                yield f"  its SHA-256 is not that of the receipt ({each.status})"
            yield "  2026.9.5 and later refuse to start because of that (exit 78)"
            if each.original:
                yield f"  the bytes of the receipt are in {view.names.path(each.original)}"


def step(judgement: Judgement, view: View, exported: tuple[str, int] | None) -> NextStep:
    found, command = judgement.examination.migration, view.invocation.command
    if not judgement.examination.eras.databases:
        return NextStep(command=command("scan"), why="see what is there and whether it starts")
    if exported is not None:
        directory, files = exported
        why = f"read the {words.plural(files, 'file')} written to {view.names.path(directory)}"
        return NextStep(command=None, why=why)
    if any(each.contradicted for each in found.retained):
        return NextStep(command=command("snapshot"), why="copy the directory before anything else")
    fix = next((each.fix for each in judgement.findings if each.rule == "migration-losses" and each.fix), None)
    if fix is not None:
        why = "put back what the import lost, for the next start to import"
        return NextStep(command=view.command(fix.command), why=why)
    jobs = next((each.fix for each in judgement.findings if each.rule == "jobs-other-path" and each.fix), None)
    if jobs is not None and not _sessions_to_write(found):
        return NextStep(
            command=view.command(jobs.command), why="file the jobs under this directory, so that they run"
        )
    if has_something(found):
        why = "write what only files have to a directory, to read and keep"
        return NextStep(command=command("migration", "--export", "DIR"), why=why)
    if any(agent.problem for agent in found.agents):
        return NextStep(command=command("scan"), why="what is wrong with the database")
    if not any(map(_anything_old, found.agents)):
        return NextStep(command=None, why="nothing of an import is here to compare; nothing to do")
    return NextStep(command=None, why="nothing is only in files; nothing to do")


def has_something(found: Migration) -> bool:
    """Whether an export would write anything."""
    return _sessions_to_write(found) or any(job.files for job in missing_jobs(found))


def _sessions_to_write(found: Migration) -> bool:
    transcripts = any(each.holds_people for agent in found.agents for each in agent.only_in_files)
    return transcripts or any(agent.lost_rows for agent in found.agents)
