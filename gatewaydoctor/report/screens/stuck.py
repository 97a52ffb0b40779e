"""Sessions that are marked running, and the evidence for and against it."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import TYPE_CHECKING

from rich.text import Text

from gatewaydoctor.model.database.reading import DatabaseFault
from gatewaydoctor.model.gateway.entry import Kind
from gatewaydoctor.model.gateway.liveness import Liveness
from gatewaydoctor.model.outcome.verdict import NextStep
from gatewaydoctor.report import words
from gatewaydoctor.report.screens.blocks.gaps import step_unless
from gatewaydoctor.report.screens.blocks.head import head
from gatewaydoctor.report.screens.blocks.parts import View, capped, fitted, grid, more, print_step, section
from gatewaydoctor.report.screens.blocks.tables import NONE, count, job_name, keyed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, RenderableType

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.examine.databases.databases import DatabaseFacts
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.examine.sessions.stuck import RunningEntry
    from gatewaydoctor.model.database.reading import CronReceipt


def show(console: Console, judgement: Judgement, view: View) -> None:
    fitted(console, view, partial(_draw, judgement=judgement))


def _draw(console: Console, view: View, *, judgement: Judgement) -> None:
    x = judgement.examination
    head(console, judgement, view)
    for store in x.session_stores:
        if store.running:
            silence = words.duration(x.depth.stuck_after)
            title = (
                f"{len(store.running):,} marked running, {len(store.stuck):,} stuck (no sign of life for {silence})"
            )
            section(console, f"{view.agent(store.agent_id)}{_where(x, store)}: {title}")
            _store(console, store, x.now, view)
    _former(console, x, view)
    print_step(console, view, step(judgement, view))


def _where(x: Examination, store: StoreFacts | DatabaseFacts) -> str:
    """Which store is meant, where an agent has a sessions.json next to its database."""
    same = sum(other.agent_id == store.agent_id and bool(other.running) for other in x.session_stores)
    return f" ({store.path.name})" if same > 1 else ""


def _former(console: Console, x: Examination, view: View) -> None:
    """What else is marked running in databases, besides the sessions."""
    for database in x.databases:
        if not isinstance(database.read, DatabaseFault) and (count := database.read.rows.windows.running_former):
            section(console, f"{view.agent(database.agent_id)}: former transcripts")
            console.print(
                f"{words.plural(count, 'window')} of former transcripts marked running; no start clears them"
            )
    if (rows := x.state_rows) is not None and rows.running:
        section(console, "Cron runs without an end")
        for job_id, runs in _receipts(rows.running).items():
            name = next((job.name for job in rows.jobs if job.job_id == job_id and job.name), None)
            shown = view.names.identifier(name, "job") if name else view.names.identifier(job_id, "job-id")
            pids = ", ".join(str(each.owner_pid) for each in runs)
            began = words.age(min((each.started_at or 0) for each in runs), x.now)
            console.print(f"{shown}: started {began} by process {pids}; the next start settles it if that has ended")


def _receipts(running: Sequence[CronReceipt]) -> dict[str, list[CronReceipt]]:
    found: dict[str, list[CronReceipt]] = {}
    for each in running:
        found.setdefault(each.job_id, []).append(each)
    return found


def _store(console: Console, store: StoreFacts | DatabaseFacts, now: int, view: View) -> None:
    others = [each for each in store.running if each.entry.kind is not Kind.CRON_RUN]
    if view.rows is None:
        runs = [each for each in store.running if each.entry.kind is Kind.CRON_RUN]
        _table(console, [*_longest_silent(others), *_longest_silent(runs)], now, view)
        return
    if others:
        _table(console, _longest_silent(others), now, view)
    if len(others) < len(store.running):
        if others:
            console.print()
        _by_job(console, store, now, view)


def _longest_silent(running: Sequence[RunningEntry]) -> list[RunningEntry]:
    return sorted(running, key=lambda each: each.last_sign or 0)


class _Runs:
    """The runs of one job that are marked running, counted: there may be tens of thousands."""

    def __init__(self) -> None:
        self.count = self.stuck = 0
        self.newest: int | None = None
        self.oldest: int | None = None

    def take(self, each: RunningEntry) -> None:
        self.count += 1
        self.stuck += each.stuck
        if (sign := each.last_sign) is not None:
            self.newest = sign if self.newest is None else max(self.newest, sign)
            self.oldest = sign if self.oldest is None else min(self.oldest, sign)


def _by_job(console: Console, store: StoreFacts | DatabaseFacts, now: int, view: View) -> None:
    names = {job.job_id: job_name(job, view) for job in store.jobs}
    groups: defaultdict[str, _Runs] = defaultdict(_Runs)
    for each in store.running:
        if each.entry.kind is Kind.CRON_RUN:
            groups[each.entry.job_id or ""].take(each)
    ranked = sorted(groups.items(), key=lambda item: -item[1].count)
    table = grid("cron runs of", "running", "stuck", "newest sign of life", "first")
    table.columns[0].no_wrap = False
    for job_id, runs in capped(ranked, view):
        table.add_row(
            names.get(job_id, "?"),
            f"{runs.count:,}",
            count(runs.stuck, "bold"),
            words.age(runs.newest, now),
            words.age(runs.oldest, now),
        )
    console.print(table)
    more(console, len(capped(ranked, view)), len(ranked), "jobs")
    if not view.quiet:
        console.print(Text("--all lists every session with its evidence."))


def _table(console: Console, running: Sequence[RunningEntry], now: int, view: View) -> None:
    rows = [(_cells(each, now), view.key(each.entry.key)) for each in capped(running, view)]
    keyed(console, ("kind", "", "updated ago", "transcript ago"), "key", rows, left=2)
    more(console, len(capped(running, view)), len(running), "sessions")


def _cells(each: RunningEntry, now: int) -> tuple[RenderableType, ...]:
    word = Text("stuck", "bold") if each.stuck else Text("maybe running")
    transcript = NONE if each.transcript_mtime is None else words.since(each.transcript_mtime, now)
    return each.entry.kind.value, word, words.since(each.entry.updated_at, now), transcript


def step(judgement: Judgement, view: View) -> NextStep:
    stores = judgement.examination.session_stores
    if not any(store.running for store in stores):
        return step_unless(judgement.examination, view, "no session is marked running; nothing to do")
    if judgement.examination.gateway.liveness is Liveness.LIVE:
        why = "the gateway is running, so no session counts as stuck; stop it and scan again"
        return NextStep(command=None, why=why)
    if not any(store.stuck for store in stores):
        return step_unless(judgement.examination, view, "no session is stuck; nothing to do")
    found = next((each for each in judgement.of("session-stuck-running") if each.fix), None)
    if found and found.fix:
        command = view.command(found.fix.command)
        return NextStep(command=command, why="end or remove them; this shows the plan")
    return NextStep(command=view.invocation.command("explain", "session-stuck-running"), why="what this means")
