"""What became of a repair, a line for each thing that was examined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from gatewaydoctor.model.command import typed
from gatewaydoctor.model.gateway.cron import answers_to
from gatewaydoctor.model.outcome.verdict import NextStep
from gatewaydoctor.model.words import ago
from gatewaydoctor.report.screens.blocks.fitting import ends, wrapped
from gatewaydoctor.report.screens.blocks.parts import View, print_step

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.command import Command
    from gatewaydoctor.model.repair.aftermath import Aspect

LABEL = len("as forecast") + 2
NAMED = 5
_STYLE = {"ok": "", "as forecast": "", "open": "bold", "bad": "alarm"}


def show(
    console: Console, x: Examination, run_id: str, finished_at: int, aspects: Sequence[Aspect], view: View
) -> None:
    """`finished_at` is when the run ended, in epoch ms."""
    if not view.quiet:
        since = ago(x.now - finished_at)
        for line in ends(f"Run {run_id}, {since}, on {view.names.path(x.place.state_dir)}", console.width):
            console.print(Text(line, "bold", no_wrap=True))
        console.print()
    for aspect in aspects:
        shown = aspect.names if view.rows is None else aspect.names[:NAMED]
        more = f", and {len(aspect.names) - len(shown):,} more" if len(shown) < len(aspect.names) else ""
        names = f": {', '.join(view.names.text(name) for name in shown)}{more}" if shown else ""
        lines = wrapped(f"{view.names.text(aspect.text)}{names}", console.width - LABEL, 3 if view.rows else 99)
        for at, line in enumerate(lines):
            head = Text(aspect.standing.value if at == 0 else "", _STYLE[aspect.standing.value])
            head.pad_right(LABEL - len(head))
            console.print(head + Text(line), no_wrap=True, overflow="ignore", crop=False)
    print_step(console, view, step_after(x, aspects, view))


def step_after(x: Examination, aspects: Sequence[Aspect], view: View) -> NextStep:
    """What is to be done next, complete as it is typed."""
    bad = [each for each in aspects if each.standing.value == "bad"]
    disabled = [
        name for each in aspects if each.about == "jobs" and each.standing.value == "open" for name in each.names
    ]
    bursts = [name for each in bad if each.about == "burst" for name in each.names]
    jobs_of_bursts = {name: job for name in bursts for job in x.jobs.jobs if answers_to(job, name)}
    listed = [name for name, job in jobs_of_bursts.items() if job.enabled]

    def jobs(option: str, names: Sequence[str]) -> Command:
        return view.command(typed("repair", "cron", *(word for name in names for word in (option, name))))

    command = view.invocation.command
    if any(each.about in ("sessions", "transcripts") for each in bad):
        if x.eras.sessions_in_database:
            return NextStep(command=command("runs", "show"), why="see where the originals are")
        return NextStep(command=command("undo", "--merge", "--dry-run"), why="add back what is missing")
    if listed:
        return NextStep(command=jobs("--disable", listed), why="stop the gateway, then disable them")
    if bursts and not jobs_of_bursts:
        return NextStep(command=command("cron"), why="no list has these jobs, so none can be disabled; see")
    if bad:
        why = "see why the gateway is not running" if any(each.about == "gateway" for each in bad) else "scan again"
        return NextStep(command=command("scan"), why=why)
    if disabled:
        why = "once their cause is found, with the gateway stopped"
        return NextStep(command=jobs("--enable", disabled), why=why)
    return NextStep(command=None, why="nothing to do")
