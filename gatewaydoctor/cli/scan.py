"""`scan`: the default verb."""

from __future__ import annotations

from typing import Annotated

import typer

from gatewaydoctor.cli.durations import parse_span
from gatewaydoctor.cli.run import Outcome, Run, only_formats
from gatewaydoctor.model.errors import ExitCode, UsageError
from gatewaydoctor.model.finding import Severity

FAIL_WORDS = ("critical", "error", "warning", "info", "never")

StuckAfter = Annotated[
    str, typer.Option("--stuck-after", metavar="TIME", help="Silence after which a running entry is stuck.")
]
FailOn = Annotated[
    str, typer.Option("--fail-on", metavar="SEVERITY", help="Exit 1 from this severity up: " + ", ".join(FAIL_WORDS))
]


def scan(run: Run, *, stuck_after: StuckAfter = "1h", fail_on: FailOn = "never") -> Outcome:
    """Eras, stores, entries by kind and status, cron jobs, transcripts, locks, space, and every finding with its
    evidence and what the next start of the gateway will make of it. It exits 0 when it could look, whatever it found,
    unless --fail-on says otherwise."""
    from gatewaydoctor.cli.examining import look, view
    from gatewaydoctor.examine.world import Depth
    from gatewaydoctor.report.screens import scan as screen

    only_formats(run, "scan", "text", "json")
    threshold = parse_threshold(fail_on)
    judgement = look(run, Depth(stuck_after=parse_span(stuck_after, "--stuck-after")))
    seen = view(run, judgement.examination)
    failed = threshold is not None and judgement.worst is not None and judgement.worst >= threshold
    return Outcome(
        "scan",
        ExitCode.FINDINGS if failed else ExitCode.OK,
        run,
        judgement,
        seen.names,
        screen=lambda console: screen.show(console, judgement, seen),
    )


def parse_threshold(word: str) -> Severity | None:
    """The severity a word names, None for `never`. Raises UsageError for any other word."""
    if word not in FAIL_WORDS:
        raise UsageError(f"--fail-on {word!r} is no severity.", f"Choose one of: {', '.join(FAIL_WORDS)}.")
    return None if word == "never" else Severity[word.upper()]
