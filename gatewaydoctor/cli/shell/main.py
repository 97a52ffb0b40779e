"""main(): every outcome becomes words on the right stream and one exit code (docs/architecture.md section 4)."""

from __future__ import annotations

import errno
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from gatewaydoctor import __version__
from gatewaydoctor.cli.parser import verb_table as verbs
from gatewaydoctor.cli.parser.options import HELP_OPTIONS, VERSION_OPTIONS, called, parameters, takes_value
from gatewaydoctor.cli.parser.plain import plain_values
from gatewaydoctor.cli.shell.error_exit import end
from gatewaydoctor.cli.shell.run import Outcome
from gatewaydoctor.cli.shell.streams import OutputFailed, drop_unusable_sizes, prepare_streams, put, telling
from gatewaydoctor.model.arguments import last_value
from gatewaydoctor.model.errors import ExitCode, UsageError, unknown_word
from gatewaydoctor.report.outgoing import begin

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager


LISTING = "list"
"""The verb of a group that it goes without."""


def arrange(arguments: Sequence[str]) -> list[str]:
    """The arguments with the verb first: global options that was before it follow it, and without a verb it is
    `scan`. A group without one of its verbs lists, if it has that. Raises UsageError for a verb that does not exist,
    and for any other group without one of its verbs."""
    before, rest = _leading_options(arguments)
    if rest and rest[0] in HELP_OPTIONS and not before:
        return rest
    if not rest or rest[0].startswith("-"):
        # What is not a global option belongs to the default verb.
        return [verbs.DEFAULT, *before, *rest]
    name, rest = rest[0], rest[1:]
    if name not in verbs.VERBS:
        if _names_a_path(name):
            return [verbs.DEFAULT, *before, name, *rest]
        raise unknown_word(
            "verb",
            name,
            verbs.VERBS,
            "There is no directory of this name either. `gatewaydoctor --help` lists the verbs.",
        )
    if name not in verbs.GROUPS:
        return [name, *before, *rest]
    between, rest = _leading_options(rest)
    if rest and rest[0] in HELP_OPTIONS:
        return [name, rest[0]]
    if not rest and LISTING in verbs.GROUPS[name]:
        rest = [LISTING]
    if not rest:
        choices = ", ".join(verbs.GROUPS[name])
        raise UsageError(f"{name} needs a subcommand.", f"Use one of: {choices}.")
    if rest[0] not in verbs.GROUPS[name] and not rest[0].startswith("-"):
        raise unknown_word(f"verb of {name}:", rest[0], verbs.GROUPS[name])
    return [name, rest[0], *before, *between, *rest[1:]]


def _leading_options(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Global options that stand first, with their values, and what follows them."""
    options: list[str] = []
    rest = list(arguments)
    while rest:
        valued = takes_value(rest[0].partition("=")[0])
        if valued is None:
            break
        options.append(rest.pop(0))
        if valued and "=" not in options[-1] and rest:
            options.append(rest.pop(0))
    return options, rest


def _names_a_path(word: str) -> bool:
    """Whether a word that is not a verb is a directory or a path: the state directory of the default verb."""
    return "/" in word or word in (".", "..", "~") or Path(word).is_dir()


def main(arguments: Sequence[str]) -> int:
    """Run one command line and say what came of it. Returns the exit code; raises nothing."""
    drop_unusable_sizes()
    prepare_streams(document="--json" in arguments or last_value(arguments, "--format") not in (None, "text"))
    command = "gatewaydoctor"
    begin(redact="--redact" in arguments)
    try:
        if _leading_options(arguments)[1][:1] in ([each] for each in VERSION_OPTIONS):
            put(f"gatewaydoctor {__version__}\n")
            return ExitCode.OK
        arranged = arrange(arguments)
        command = arranged[0] if arranged and arranged[0] in verbs.VERBS else command
        with _interruptible() if command in verbs.WRITING else nullcontext():
            outcome = _outcome(arranged)
        if outcome is not None:
            return _say_all(outcome)
        sys.stdout.flush()
        return ExitCode.OK  # help was shown
    except (Exception, KeyboardInterrupt, SystemExit) as error:
        return end(error, command, arguments)


def _interruptible() -> AbstractContextManager[None]:
    from gatewaydoctor.cli.shell.signals import endings_interrupt

    return endings_interrupt()


def _outcome(arranged: Sequence[str]) -> Outcome | None:
    """What the verb returns; None where help was shown. Raises OutputFailed where stdout does not take it."""
    try:
        return _run_verb(arranged)
    except OSError as failed:
        if failed.errno in (errno.ENOSPC, errno.EBADF) and failed.filename is None:
            raise OutputFailed(failed.strerror) from failed
        raise


def _run_verb(arranged: Sequence[str]) -> Outcome | None:
    """A plain line is read here; typer is loaded for every other."""
    name = arranged[0] if arranged[0] in verbs.VERBS else None
    words = arranged[1:]
    sub = words[0] if name in verbs.GROUPS else None
    if name is not None and (sub is None or sub in verbs.GROUPS[name]):
        function = verbs.function(name, sub)
        taken = parameters(function, examines=name in verbs.EXAMINING)
        values = plain_values(taken, words[1:] if sub else words)
        if values is not None:
            return called(name, function, values)
    from gatewaydoctor.cli.parser.app import run_app

    return run_app(name, arranged)


def _say_all(outcome: Outcome) -> int:
    """As `_say`. Raises Stopped where that is interrupted and something had been done already."""
    try:
        return _say(outcome)
    except KeyboardInterrupt:
        if not outcome.wrote:
            raise
        from gatewaydoctor.repair.writing.errors import Stopped

        hint = f"See `{outcome.run.invocation.command('runs', 'list')}`."
        raise Stopped("Interrupted while the result was printed; what was asked for is done.", hint) from None


def _say(outcome: Outcome) -> int:
    """Print what a verb has to say. Raises OutputFailed."""
    from gatewaydoctor.cli.shell.notices import clock_notice, notices
    from gatewaydoctor.cli.shell.report_output import NOTHING_READ, deliver, document_of
    from gatewaydoctor.report.printer import print_document, print_error, print_screen, print_warning

    run, code = outcome.run, outcome.exit_code
    as_json = outcome.stream is None and (run.wants_json or outcome.screen is None)
    # These documents have the notices too; the clock is told next to it, for nothing else on stdout hints at it.
    told = outcome.stream is None and (run.wants_json or run.options.format in ("ndjson", "markdown"))
    for notice in clock_notice(outcome) if told else notices(outcome):
        print_warning(notice)
    with telling():
        if outcome.stream is not None:
            code = outcome.stream()
        elif outcome.gate is not None:
            return deliver(outcome)
        elif as_json:
            print_document(document_of(outcome))
        elif outcome.screen is not None:
            print_screen(outcome.screen, no_color=run.options.no_color)
    if code is ExitCode.CANNOT_EXAMINE and not as_json:
        print_error(outcome.error or NOTHING_READ, code, outcome.command, now=run.now, wants_json=False)
    return code
