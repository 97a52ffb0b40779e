"""How `scan` and `check` hand over their report: in the format asked for, on stdout or as a file."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gatewaydoctor.cli.endings import NOTHING_READ, silence_stdout
from gatewaydoctor.cli.output import PUBLIC, append, places_of, target, write
from gatewaydoctor.model.errors import CannotExamine, DoctorError, ExitCode, UsageError
from gatewaydoctor.model.place import SeveralStateDirs
from gatewaydoctor.report.formats import FORMATS, Format, exit_code, render

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from gatewaydoctor.cli.run import Outcome
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.report import Document

STDOUT = "-"
_SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"
_FILING = ("scan", "check")


def outside(output: str | None, x: Examination) -> Path | None:
    """The output file of an option, None for stdout. Raises UsageError for one inside what was examined."""
    return None if output in (None, STDOUT) else target(str(output), "--output", places_of(x))


def document_of(outcome: Outcome, form: Format = FORMATS["json"]) -> Document:
    """The document behind an outcome, as a format wants it."""
    from gatewaydoctor.report.printer import plain_document

    run, code = outcome.run, outcome.exit_code
    error = NOTHING_READ if code is ExitCode.CANNOT_EXAMINE else None
    if outcome.judgement is None or outcome.names is None:
        return plain_document(outcome.command, run.now, code, outcome.details, error)
    from gatewaydoctor.report.document import document

    built = document(
        outcome.judgement,
        outcome.names.exact() if form.exact else outcome.names,
        outcome.command,
        code,
        outcome.details,
        show_all=form.whole or run.options.all,
        invocation=run.invocation,
        error=error,
    )
    gate = outcome.gate
    if gate is not None:
        gate = msgspec.structs.replace(gate, verdicts=gate.verdicts[: len(built.findings)])
    took = round(1000 * (time.monotonic() - run.began)) if form.timed else None
    return msgspec.structs.replace(built, gate=gate, duration_ms=took)


def deliver(outcome: Outcome) -> int:
    """Hand over a report behind a gate and return the exit code. Raises CannotWrite, and OSError for stdout."""
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
        write(outcome.output, screen_text(screen), PUBLIC)
    else:
        print_screen(screen, no_color=outcome.run.options.no_color)
        sys.stdout.flush()
    return outcome.exit_code


def _deliver_document(outcome: Outcome, chosen: str) -> int:
    document = with_code(chosen, document_of(outcome, FORMATS[chosen]))
    text = render(chosen, document)
    if outcome.output is not None:
        write(outcome.output, text, PUBLIC)
    else:
        _print(text)
    if chosen == "github":
        _summarise(outcome)
    return document.exit_code


def with_code(chosen: str, document: Document) -> Document:
    """The document with the exit code of its format; `ok` goes with it."""
    code = exit_code(chosen, document)
    return msgspec.structs.replace(document, exit_code=code, ok=code == 0)


def _print(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read it has heard enough; the decision is still what the exit code says.
        silence_stdout()


def _summarise(outcome: Outcome) -> None:
    """Add the report to the job summary, where GitHub gives a file for it. The gate does not fail over this."""
    spelled = os.environ.get(_SUMMARY_VARIABLE)
    if not spelled or outcome.judgement is None:
        return
    try:
        path = target(spelled, _SUMMARY_VARIABLE, places_of(outcome.judgement.examination))
        append(path, render("markdown", document_of(outcome, FORMATS["markdown"])))
    except (OSError, UsageError) as failed:
        from gatewaydoctor.report.github import command

        print(command("warning", "gatewaydoctor", f"The job summary could not be written: {failed}."))


@dataclass(frozen=True, slots=True)
class Asked:
    """What a command line asks for, as far as arguments that may be wrong can tell."""

    format: str
    output: str | None


def asked(arguments: Sequence[str], command: str) -> Asked:
    chosen = "json" if "--json" in arguments else _last(arguments, "--format") or "text"
    output = _last(arguments, "--output") if command in _FILING else None
    return Asked(chosen if chosen in FORMATS else "text", None if output == STDOUT else output)


def _last(arguments: Sequence[str], option: str) -> str | None:
    """The value of an option where it is given last."""
    value = None
    for place, word in enumerate(arguments):
        if word == option and place + 1 < len(arguments):
            value = arguments[place + 1]
        elif word.startswith(f"{option}="):
            value = word.partition("=")[2]
    return value


def deliver_error(
    error: BaseException, document: Document, wanted: Asked, arguments: Sequence[str]
) -> tuple[int, bool]:
    """Hand over the document of a run that could not look, in a format other than text: the exit code, and whether
    words on stderr are still due. A file is replaced only where a directory could not be examined, so that a mistyped
    option or a full disk spoils no report."""
    document = with_code(wanted.format, document)
    text = render(wanted.format, document)
    if wanted.output is None:
        _print(text)
        return document.exit_code, False
    if isinstance(error, DoctorError) and error.code in (CannotExamine.code, SeveralStateDirs.code):
        with suppress(DoctorError):
            write(target(wanted.output, "--output", _protected(error, arguments)), text, PUBLIC)
    return document.exit_code, True


def _protected(error: DoctorError, arguments: Sequence[str]) -> tuple[Path, ...]:
    """State directories that stand where the command line points, though they could not be examined."""
    from gatewaydoctor.state.fs import OsReadFs
    from gatewaydoctor.state.locate import locate

    if isinstance(error, SeveralStateDirs):
        return tuple(Path(os.path.realpath(candidate.path)) for candidate in error.candidates)
    named = [_last(arguments, option) for option in ("--state-dir", "--config", "--profile", "--store")]
    state_dir, config, profile, store = named
    try:
        place = locate(OsReadFs(), os.environ, state_dir=state_dir, config=config, profile=profile, store=store)
    except DoctorError:
        return tuple(Path(os.path.realpath(each)) for each in (state_dir, store) if each)
    return (place.real_dir,)
