"""How `scan` and `check` hand over their report: in the format asked for, on stdout or as a file."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gatewaydoctor.cli.shell.notices import notices, pending_step
from gatewaydoctor.cli.shell.output import append, places_of, report_mode, target, write
from gatewaydoctor.cli.shell.streams import put, telling
from gatewaydoctor.model.clock import ClockSource
from gatewaydoctor.model.errors import ExitCode, UsageError
from gatewaydoctor.model.outcome.report import ClockInfo, ErrorInfo
from gatewaydoctor.report.formats.formats import FORMATS, Format, exit_code, render
from gatewaydoctor.report.outgoing import outgoing_document, outgoing_text
from gatewaydoctor.report.words import harmless

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rich.console import Console

    from gatewaydoctor.cli.shell.run import Outcome
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.clock import Clock
    from gatewaydoctor.model.outcome.report import Document

STDOUT = "-"
NOTHING_READ = ErrorInfo(
    code="cannot-examine",
    message="No session store could be read.",
    hint="Run as the user the gateway runs as, or as root, and check the disk.",
)
"""Said next to a report that tells everything else."""
_SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"


def outside(output: str | None, x: Examination) -> Path | None:
    """The output file of an option, None for stdout. Raises UsageError for one inside what was examined."""
    return None if output in (None, STDOUT) else target(str(output), "--output", places_of(x))


def document_of(outcome: Outcome, form: Format = FORMATS["json"]) -> Document:
    """The document behind an outcome, as a format wants it."""
    from gatewaydoctor.report.document import document, next_info
    from gatewaydoctor.report.names import Names
    from gatewaydoctor.report.printer import plain_document

    run, code = outcome.run, outcome.exit_code
    error = (outcome.error or NOTHING_READ) if code is ExitCode.CANNOT_EXAMINE else None
    if outcome.judgement is None or outcome.names is None:
        plain = plain_document(outcome.command, run.now, code, _shown_details(outcome), error)
        names = (outcome.names or Names(redact=False)).exact()
        step = next_info(outcome.next, names, run.invocation) if outcome.next else None
        return msgspec.structs.replace(plain, clock=_clock_info(run.clock), next=step)

    built = document(
        outcome.judgement,
        outcome.names.exact() if form.exact else outcome.names,
        outcome.command,
        code,
        outcome.details,
        show_all=form.whole or run.options.all,
        invocation=run.invocation,
        error=error,
        step=pending_step(outcome.run, outcome.judgement.examination.place) or outcome.next,
    )
    gate, findings = outcome.gate, built.findings
    if gate is not None:
        gate = msgspec.structs.replace(gate, verdicts=gate.verdicts[: len(findings)])
    took = round(1000 * (time.monotonic() - run.began)) if form.timed else None
    said = tuple(harmless(notice) for notice in notices(outcome))
    clock = _clock_info(run.clock)
    return msgspec.structs.replace(built, gate=gate, duration_ms=took, notices=said, clock=clock)


def _shown_details(outcome: Outcome) -> Mapping[str, object]:
    if outcome.names is None or not outcome.names.redact:
        return outcome.details
    names = outcome.names.exact()
    return {field: names.value(value, field) for field, value in outcome.details.items()}


def _clock_info(clock: Clock) -> ClockInfo | None:
    match clock.source:
        case ClockSource.MACHINE:
            return None
        case ClockSource.OPTION:
            return ClockInfo(source="--now", machine=clock.machine)
        case ClockSource.ENVIRONMENT:
            return ClockInfo(source="GATEWAYDOCTOR_NOW", machine=clock.machine)


def deliver(outcome: Outcome) -> int:
    """Hand over a report behind a gate and return the exit code. Raises CannotWrite and OutputFailed."""
    from gatewaydoctor.report.printer import print_error

    chosen = "json" if outcome.run.options.json else outcome.run.options.format or "text"
    if chosen == "text" and outcome.screen is not None:
        code = _deliver_screen(outcome, outcome.screen)
    else:
        code = _deliver_document(outcome, chosen)
    if outcome.exit_code is ExitCode.CANNOT_EXAMINE and (chosen == "text" or outcome.output is not None):
        print_error(NOTHING_READ, outcome.exit_code, outcome.command, now=outcome.run.now, wants_json=False)
    return code


def _deliver_screen(outcome: Outcome, screen: Callable[[Console], None]) -> int:
    from gatewaydoctor.report.printer import print_screen, screen_text

    if outcome.output is not None:
        write(outcome.output, screen_text(screen), report_mode(outcome.output, "text"))
    else:
        with telling():
            print_screen(screen, no_color=outcome.run.options.no_color)
    return outcome.exit_code


def _deliver_document(outcome: Outcome, chosen: str) -> int:
    document = with_code(chosen, document_of(outcome, FORMATS[chosen]))
    if chosen == "text" and outcome.output is None and sys.stdout.isatty() and not outcome.run.options.quiet:
        from shutil import get_terminal_size

        from gatewaydoctor.report.formats.text import on_terminal

        columns, rows = get_terminal_size()
        whole = outcome.run.options.all or outcome.run.options.verbose
        text = on_terminal(outgoing_document(document), columns, None if whole else rows)
    else:
        text = render(chosen, document)
    if outcome.output is not None:
        write(outcome.output, text, report_mode(outcome.output, chosen))
    else:
        put(text)
    if chosen == "github" and outcome.judgement is not None:
        protected = places_of(outcome.judgement.examination)
        summarise(lambda: render("markdown", document_of(outcome, FORMATS["markdown"])), protected)
    return document.exit_code


def with_code(chosen: str, document: Document) -> Document:
    """The document with the exit code of its format; `ok` goes with it."""
    code = exit_code(chosen, document)
    return msgspec.structs.replace(document, exit_code=code, ok=code == 0)


def summarise(text: Callable[[], str], protected: Iterable[Path]) -> None:
    """Add Markdown to the job summary, where GitHub gives a file for it outside what was examined. The gate does not
    fail over this."""
    spelled = os.environ.get(_SUMMARY_VARIABLE)
    if not spelled:
        return
    try:
        append(target(spelled, _SUMMARY_VARIABLE, protected), text())
    except (OSError, UsageError) as failed:
        from gatewaydoctor.report.formats.github import command

        problem = outgoing_text(f"The job summary could not be written: {failed}.")
        print(command("warning", "gatewaydoctor", problem))
