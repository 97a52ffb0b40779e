"""What became of a repair, a line for each thing that was examined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from gatewaydoctor.model.words import duration
from gatewaydoctor.report.screens.blocks.parts import View, next_step
from gatewaydoctor.report.screens.blocks.wrapping import fill, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.repair.aftermath import Aspect

LABEL = len("as forecast") + 2
NAMED = 5
_STYLE = {"ok": "green", "as forecast": "green", "open": "bold yellow", "bad": "bold red"}


def show(
    console: Console, x: Examination, run_id: str, finished_at: int, aspects: Sequence[Aspect], view: View
) -> None:
    """`finished_at` is when the run ended, in epoch ms."""
    if not view.quiet:
        ago = duration(max(0, x.now - finished_at))
        for line in fill(f"Run {run_id}, {ago} ago, on {view.names.path(x.place.state_dir)}", console.width):
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
    _next(console, aspects, view)


def _next(console: Console, aspects: Sequence[Aspect], view: View) -> None:
    from shlex import quote

    bad = [each for each in aspects if each.standing.value == "bad"]
    disabled = [
        name for each in aspects if each.about == "jobs" and each.standing.value == "open" for name in each.names
    ]
    command = view.invocation.command
    if any(each.about == "sessions" for each in bad):
        next_step(console, view, "add back what is missing:", command("undo --merge --dry-run"))
    elif any(each.about == "burst" for each in bad):
        jobs = " ".join(f"--disable {quote(name)}" for each in bad if each.about == "burst" for name in each.names)
        next_step(
            console, view, "stop the gateway, then disable them:", view.names.command(command(f"repair cron {jobs}"))
        )
    elif bad:
        next_step(console, view, "why it is not running:", command("scan"))
    elif disabled:
        jobs = " ".join(f"--enable {quote(name)}" for name in disabled)
        text = "once their cause is found, with the gateway stopped:"
        next_step(console, view, text, view.names.command(command(f"repair cron {jobs}")))
    else:
        next_step(console, view, "nothing to do.")
