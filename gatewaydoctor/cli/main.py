"""main(): every outcome becomes words on the right stream and one exit code (design section 4)."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import typer

from gatewaydoctor.cli import verbs
from gatewaydoctor.cli.options import takes_value, verb
from gatewaydoctor.cli.run import Outcome, start
from gatewaydoctor.model.errors import DoctorError, ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatewaydoctor.model.report import Document

HELP = """Examine and repair the state directory of an OpenClaw gateway, offline.

Without a verb it scans. Looking never writes. Global options may stand before or after the verb: `scan --help`."""

_HELP_OPTIONS = ("--help", "-h")


def build_app(only: str | None = None) -> typer.Typer:
    """The typer app with all verbs, or with the one that is called."""
    settings = {"help_option_names": list(_HELP_OPTIONS)}
    app = typer.Typer(
        add_completion=False,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        context_settings=settings,
    )
    app.callback(help=HELP)(lambda: None)
    for name, summary in verbs.VERBS.items():
        if only not in (None, name):
            continue
        if name not in verbs.GROUPS:
            _add(app, name, None, summary)
            continue
        group = typer.Typer(help=summary, no_args_is_help=True, rich_markup_mode="markdown")
        group.callback()(lambda: None)
        for sub, sub_summary in verbs.GROUPS[name].items():
            _add(group, name, sub, sub_summary)
        app.add_typer(group, name=name)
    return app


def _add(app: typer.Typer, name: str, sub: str | None, summary: str) -> None:
    function = verbs.function(name, sub)
    text = f"{summary}\n\n{function.__doc__ or ''}".strip()
    app.command(sub or name, help=text, short_help=summary)(verb(function, start))


def arrange(arguments: Sequence[str]) -> list[str]:
    """The arguments with the verb first: global options that stood before it follow it, and without a verb it is
    `scan`. Raises UsageError for a verb that does not exist."""
    before: list[str] = []
    rest = list(arguments)
    while rest and rest[0].startswith("-") and rest[0] != "--":
        if rest[0] in _HELP_OPTIONS and not before:
            return rest
        valued = takes_value(rest[0])
        before.append(rest.pop(0))
        if valued and rest:
            before.append(rest.pop(0))
        if valued is None and "=" not in before[-1] and takes_value(before[-1].split("=")[0]) is None:
            # An option of a verb's own: it belongs to the default verb.
            return [verbs.DEFAULT, *before, *rest]
    if not rest:
        return [verbs.DEFAULT, *before]
    name = rest.pop(0)
    if name not in verbs.VERBS:
        raise _no_such_verb(name)
    head = [name]
    if name in verbs.GROUPS and rest and not rest[0].startswith("-"):
        head.append(rest.pop(0))
    return [*head, *before, *rest]


def _no_such_verb(name: str) -> UsageError:
    from difflib import get_close_matches

    near = get_close_matches(name, verbs.VERBS, n=1)
    hint = f"Did you mean `gatewaydoctor {near[0]}`?" if near else "See `gatewaydoctor --help` for the verbs."
    return UsageError(f"There is no verb {name!r}.", hint)


def main(arguments: Sequence[str]) -> int:
    """Run one command line and say what came of it. Returns the exit code; raises nothing."""
    wants_json = "--json" in arguments or "--format=json" in arguments
    debug = "--debug" in arguments
    command = "gatewaydoctor"
    try:
        arranged = arrange(arguments)
        command = arranged[0] if arranged and arranged[0] in verbs.VERBS else command
        outcome = build_app(command if command in verbs.VERBS else None)(
            arranged, standalone_mode=False, prog_name="gatewaydoctor"
        )
        if not isinstance(outcome, Outcome):
            return ExitCode.OK  # help was shown
        return _say(outcome)
    except DoctorError as error:
        return _say_error(error, command, wants_json=wants_json)
    except KeyboardInterrupt:
        return _say_interrupted(command, wants_json=wants_json)
    except BrokenPipeError:
        # Whoever read our output has heard enough. Keep the interpreter from complaining about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    except typer.Exit as leave:
        return leave.exit_code
    except Exception as error:
        return _say_other(error, command, wants_json=wants_json, debug=debug)


def _say(outcome: Outcome) -> int:
    from gatewaydoctor.report.printer import print_document, print_screen

    if outcome.stream is not None:
        outcome.stream()
    elif outcome.run.wants_json or outcome.screen is None:
        print_document(_document(outcome))
    else:
        print_screen(outcome.screen, no_color=outcome.run.options.no_color)
    sys.stdout.flush()
    return outcome.exit_code


def _document(outcome: Outcome) -> Document:
    from gatewaydoctor.report.document import document, plain_document

    if outcome.judgement is None or outcome.names is None:
        return plain_document(outcome.command, outcome.run.now, outcome.exit_code, outcome.details)
    return document(
        outcome.judgement,
        outcome.names,
        outcome.command,
        outcome.exit_code,
        outcome.details,
        show_all=outcome.run.options.all,
    )


def _say_error(error: DoctorError, command: str, *, wants_json: bool) -> int:
    from gatewaydoctor.report.printer import print_error

    print_error(error.code, error.message, error.hint, error.exit_code, command, wants_json=wants_json)
    return error.exit_code


def _say_interrupted(command: str, *, wants_json: bool) -> int:
    from gatewaydoctor.report.printer import print_error

    code = ExitCode.INTERRUPTED
    print_error(
        "interrupted", "Interrupted. Nothing was written.", "Run it again.", code, command, wants_json=wants_json
    )
    return code


def _say_other(error: Exception, command: str, *, wants_json: bool, debug: bool) -> int:
    from gatewaydoctor.report.printer import print_error

    if isinstance(
        error, typer.BadParameter.__mro__[2]
    ):  # typer's own base of usage errors; it keeps the name private
        message = error.format_message()  # type: ignore[attr-defined]
        hint = f"See `gatewaydoctor {command} --help`." if command in verbs.VERBS else "See `gatewaydoctor --help`."
        print_error("usage", message, hint, ExitCode.CANNOT_EXAMINE, command, wants_json=wants_json)
        return ExitCode.CANNOT_EXAMINE
    if debug:
        import traceback

        traceback.print_exc()
    where = type(error).__name__
    message = f"A bug in gatewaydoctor: {where}. Nothing was changed by looking."
    hint = "Run it again with --debug and report the traceback; it may hold paths and names."
    print_error("bug", message, hint, ExitCode.BUG, command, wants_json=wants_json)
    return ExitCode.BUG
