"""Tables that more than one screen shows, and tables of things with long names."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from rich.cells import cell_len
from rich.padding import Padding
from rich.text import Text

from gatewaydoctor.examine.databases.databases import DatabaseFacts
from gatewaydoctor.model.database.reading import DatabaseFault
from gatewaydoctor.model.gateway.entry import Kind, Status
from gatewaydoctor.model.gateway.era import Era
from gatewaydoctor.model.gateway.soundness import Absent, Damaged, Sound, TooLarge, Unread
from gatewaydoctor.report import words
from gatewaydoctor.report.screens.blocks.parts import View, capped, grid, more, pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, RenderableType
    from rich.segment import Segment

    from gatewaydoctor.examine.cron.jobs import JobRuns
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.report.screens.blocks.fitting import Jointed


Row = tuple["tuple[RenderableType, ...]", "Jointed"]


def keyed(console: Console, columns: Sequence[str], label: str, rows: Sequence[Row], *, left: int = 1) -> None:
    """A table with a key or path to each row: as its last column where all of them fit there, else each on the line
    below its row."""
    short = grid(*columns, left=left)
    for cells, _ in rows:
        short.add_row(*cells)
    room = console.width - console.measure(short).maximum
    lines = console.render_lines(short, pad=False)
    if all(cell_len(key.text) <= room for _, key in rows) or len(lines) != len(rows) + 1:
        table = grid(*columns, left=left, last=label)
        for cells, key in rows:
            table.add_row(*cells, key)
        console.print(table)
        return
    console.print(_text(lines[0]) + Text(f" ({label} below)"))
    for line, (_, key) in zip(lines[1:], rows, strict=True):
        console.print(_text(line))
        console.print(Padding(key, (0, 0, 0, 2)))


def _text(line: list[Segment]) -> Text:
    text = Text.assemble(*((segment.text, segment.style or "") for segment in line), no_wrap=True)
    text.rstrip()
    return text


SESSIONS_IN = {Era.FILES: "files", Era.MIXED: "files", Era.SQLITE: "database"}
_NOTABLE = (Status.RUNNING, Status.FAILED, Status.TIMEOUT, Status.KILLED)

FLAGS = {
    "rapid-retry": "started again and again",
    "zombie": "runningAtMs is set",
    "phantom": "the job row is marked running",
    "unknown-job": "not in the job list",
}
"""Flags of a job and what each says, in few words."""


def count(value: int, style: str = "") -> Text:
    """A number, or a dot for none, so that the eye finds what is there."""
    return Text(f"{value:,}", style) if value else NONE


def _of_status(value: int, status: Status) -> Text:
    return count(value, "bold" if status in _NOTABLE else "")


NONE = Text("·")


def stores(console: Console, items: Sequence[StoreFacts | DatabaseFacts], view: View) -> None:
    """One line a store: whose it is, how it reads, how much is in it and next to it. The broken ones come first."""
    if not items:
        console.print(Text("no agent has a store"))
        return
    table = grid("agent", "sessions in", "loads", "sessions", "running", "size", "transcripts", "their size", left=3)
    if console.width < ROOMY:
        table.padding = (0, 1, 0, 0)
    for store in capped(sorted(items, key=_soundness), view):
        if isinstance(store, DatabaseFacts):
            table.add_row(*_database(store, view))
            continue
        reading = store.reading
        table.add_row(
            ", ".join(view.agent(agent_id) for agent_id in store.read.ref.agent_ids),
            SESSIONS_IN[store.era],
            reads(store),
            f"{store.sessions.entries:,}" if store.sessions else "-",
            count(len(store.running), "bold"),
            words.size(reading.bytes) if reading else "-",
            f"{store.transcripts.files:,}",
            words.size(store.transcripts.bytes),
        )
    console.print(table)
    more(console, len(capped(items, view)), len(items), "stores")


def _database(store: DatabaseFacts, view: View) -> tuple[RenderableType, ...]:
    """The line of an agent's database; its transcripts are the sessions with events in it."""
    head = (view.agent(store.agent_id), SESSIONS_IN[store.era])
    size = words.size(store.database.size)
    if isinstance(store.read, DatabaseFault):
        return *head, Text("cannot be read", "bold"), "-", "-", size, "-", "-"
    events = store.read.rows.events
    reads = Text("yes") if store.whole else Text("in part", "bold")
    entries = f"{store.sessions.entries:,}" if store.sessions else "-"
    return (
        *head,
        reads,
        entries,
        count(len(store.running), "bold"),
        size,
        f"{events.sessions:,}",
        words.size(events.bytes),
    )


def _soundness(store: StoreFacts | DatabaseFacts) -> int:
    if isinstance(store, DatabaseFacts):
        return int(store.whole)
    if not store.read.ref.exists:
        return 2
    return int(isinstance(store.soundness, Sound))


def reads(store: StoreFacts) -> Text:
    """How the gateway takes the store."""
    match store.soundness:
        case Absent():
            return Text("no store")
        case Unread():
            return Text("cannot be read", "bold")
        case Damaged() | TooLarge():
            return Text("as EMPTY", "bold")
        case Sound():
            return Text("yes")
        case _:
            assert_never(store.soundness)


def distribution(console: Console, store: StoreFacts | DatabaseFacts) -> None:
    """Rows by kind and status, with their bytes."""
    sessions = store.sessions
    if sessions is None or not sessions.counts:
        console.print(Text("no sessions"))
        return
    present = [status for status in Status if any(sessions.counts[kind, status] for kind in Kind)]
    table = grid("kind", *(status.value for status in present), "sessions", "size")
    for kind in Kind:
        row = [sessions.counts[kind, status] for status in present]
        if not any(row):
            continue
        size = sum(sessions.weights[kind, status] for status in present)
        cells = [_of_status(value, status) for value, status in zip(row, present, strict=True)]
        table.add_row(kind.value, *cells, f"{sum(row):,}", words.size(size))
    console.print(table)


def cron_jobs(console: Console, jobs: Sequence[JobRuns], view: View) -> None:
    """One line a job: its runs by status and its bursts; then each flag with the jobs that have it."""
    listed = capped(jobs, view)
    shown = [status for status in Status if any(job.status.get(status) for job in listed)]
    table = grid("job", "runs", *(status.value for status in shown), "ticks", "per tick", "apart")
    table.columns[0].no_wrap = False
    if console.width < ROOMY:
        table.padding = (0, 1, 0, 0)
    for job in listed:
        ticks = job.ticks
        table.add_row(
            job_name(job, view),
            f"{job.runs:,}",
            *(_of_status(job.status.get(status, 0), status) for status in shown),
            count(ticks.count),
            f"{words.number(ticks.per_tick_median)}/{ticks.per_tick_max}" if ticks.count else NONE,
            words.duration(ticks.interval_median) if ticks.interval_median is not None else NONE,
        )
    console.print(table)
    more(console, len(listed), len(jobs), "jobs")
    flagged = [(flag, [job_name(job, view) for job in jobs if flag in job.flags]) for flag in FLAGS]
    rows = [(flag, Text(_named(names, FLAGS[flag], view))) for flag, names in flagged if names]
    if rows:
        console.print(pairs((flag, text) for flag, text in rows))


def _named(names: list[str], meaning: str, view: View) -> str:
    listed = capped(names, view)
    rest = f" and {len(names) - len(listed):,} more" if len(listed) < len(names) else ""
    return f"{meaning}: {', '.join(listed)}{rest}"


ROOMY = 100
"""From this width on tables with many columns are spaced out."""


def job_name(job: JobRuns, view: View) -> str:
    return view.names.identifier(job.name, "job") if job.name else view.names.identifier(job.job_id, "job-id")
