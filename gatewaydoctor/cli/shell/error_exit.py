"""How a run ends that has no report to give: its words, and its exit code (docs/architecture.md section 4)."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gatewaydoctor.cli.parser import verb_table as verbs
from gatewaydoctor.cli.shell.streams import OutputFailed, silence_stdout
from gatewaydoctor.model.arguments import last_value
from gatewaydoctor.model.errors import DoctorError, ExitCode, UsageError, nearest, unknown_word
from gatewaydoctor.model.outcome.report import ErrorInfo
from gatewaydoctor.report.outgoing import outgoing_text

if TYPE_CHECKING:
    from collections.abc import Sequence


def end(error: BaseException, command: str, arguments: Sequence[str]) -> int:
    """Say what ended the run, on stderr or as the document, and return the exit code."""
    if isinstance(error, BrokenPipeError | SystemExit):
        # The reader closed the pipe and wants no more; inside typer that is a SystemExit.
        silence_stdout()
        return ExitCode.OK
    code, info = ending(error, command)
    if command == verbs.GATE:
        return _let_start(info)
    if (code is ExitCode.BUG or isinstance(error, OSError)) and "--debug" in arguments:
        import traceback

        sys.stderr.write(outgoing_text("".join(traceback.format_exception(error))))
    from gatewaydoctor.cli.shell.error_report import asked, deliver_error
    from gatewaydoctor.report.printer import plain_document, print_error

    info = _redacted(info, arguments) if "--redact" in arguments else info
    now, wanted = _clock(arguments), asked(arguments, command)
    if isinstance(error, OutputFailed):
        silence_stdout()
    elif wanted.format != "text":
        document = plain_document(command, now, code, error=info)
        try:
            told, words_due = deliver_error(error, document, wanted, arguments)
        except OutputFailed:
            silence_stdout()  # words are left, and the code of the first error
        else:
            if not words_due:
                return told
    print_error(info, code, command, now=now, wants_json=False)
    return code


def _let_start(info: ErrorInfo) -> int:
    """A gate that fails holds no start back, whatever went wrong."""
    from gatewaydoctor.cli.verbs.gate import could_not
    from gatewaydoctor.report.words import harmless

    with suppress(OSError):
        print(harmless(could_not(info.message)), file=sys.stderr)
    return ExitCode.OK


def ending(error: BaseException, command: str) -> tuple[ExitCode, ErrorInfo]:
    """The exit code and the words for an error."""
    match error:
        case DoctorError():
            return error.exit_code, ErrorInfo(code=error.code, message=error.message, hint=error.hint)
        case KeyboardInterrupt():
            return ExitCode.INTERRUPTED, ErrorInfo(code="interrupted", message=_interrupted(command), hint="")
        case MemoryError():
            unchanged = " Nothing in the state directory was changed." if command in verbs.MENDING else ""
            message = f"Out of memory.{unchanged}"
            hint = "Run it where more memory is free, or raise the limit of this process (ulimit -v, MemoryMax)."
            return ExitCode.CANNOT_EXAMINE, ErrorInfo(code="memory", message=message, hint=hint)
        case OutputFailed():
            message = f"The output could not be written: {error}."
            return ExitCode.CANNOT_EXAMINE, ErrorInfo(code="output", message=message, hint="Check where stdout goes.")
        case OSError():
            # What follows the first change has words of its own, so nothing was changed yet.
            code = ExitCode.REFUSED if command in verbs.MENDING else ExitCode.CANNOT_EXAMINE
            where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes | Path) else ""
            message = f"{where}{error.strerror or type(error).__name__}."
            return code, ErrorInfo(code="system", message=message, hint="Check the path, its owner, and the disk.")
        case _ if format_message := getattr(error, "format_message", None):
            # typer's own errors about arguments, whose base it gives no public name.
            context = getattr(error, "ctx", None)
            verb = f" {command}" * (command in verbs.VERBS)
            place = context.command_path if context else f"gatewaydoctor{verb}"
            message = _plainer(" ".join(format_message().split()))
            hint = f"See `{place} --help`."
            # Only an option that there is not comes with others that it might be.
            if (option := getattr(error, "option_name", None)) and hasattr(error, "possibilities"):
                near = nearest(str(option), _options(context))
                told = f"Did you mean {near}? {hint}" if near else hint
                message, hint = f"Unknown option {option}.", _of_another(str(option)) or told
            elif choice := _mistyped_choice(error):
                message, hint = choice.message, choice.hint
            return ExitCode.CANNOT_EXAMINE, ErrorInfo(code="usage", message=message, hint=hint)
        case _:
            message = f"A bug in gatewaydoctor: {type(error).__name__}."
            hint = "Run it again with --debug and report the traceback, which may contain paths and names."
            return ExitCode.BUG, ErrorInfo(code="bug", message=message, hint=hint)


_INVALID = r"Invalid value for '(--[\w-]+)': "
_PLAINER = (
    (r"Option '(--?[\w-]+)' requires an argument\.", r"\1 needs a value."),
    (r"Option '(--?[\w-]+)' does not take a value\.", r"\1 takes no value."),
    (r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)", r"Unexpected argument: \1."),
    (rf"{_INVALID}'(.*)' is not a valid int(?:eger)?(?: range)?\.?", r"\1 '\2' is not a whole number."),
    (rf"{_INVALID}'(.*)' is not a valid float(?: range)?\.?", r"\1 '\2' is not a number."),
    (rf"{_INVALID}(\S+) is not in the range (\S+?)<=x<=(\S+?)\.", r"\1 \2 is not from \3 to \4."),
    (rf"{_INVALID}(\S+) is not in the range x>=(\S+?)\.", r"\1 \2 is less than \3."),
)


def _plainer(message: str) -> str:
    """What typer says of an argument, as our own errors say it."""
    for pattern, words in _PLAINER:
        if re.fullmatch(pattern, message):
            return re.sub(pattern, words, message)
    return message


def _mistyped_choice(error: Any) -> DoctorError | None:
    """The error for a word that typer refused because it is none of a parameter's choices."""
    parameter = getattr(error, "param", None)
    choices = getattr(getattr(parameter, "type", None), "choices", None)
    typed = re.match(r"'(.*?)' is not one of", getattr(error, "message", None) or "")
    if parameter is None or not choices or typed is None:
        return None
    return unknown_word(str(parameter.name).replace("_", " "), typed[1], map(str, choices))


def _of_another(option: str) -> str:
    """Which verbs have an option that the one that was called has not; empty where there is none."""
    from gatewaydoctor.cli.parser.parameters import Option, declared, own_parameters

    pairs: list[tuple[str, str | None]] = [(verb, None) for verb in verbs.VERBS if verb not in verbs.GROUPS]
    pairs += [(verb, sub) for verb in verbs.GROUPS for sub in verbs.GROUPS[verb]]
    have = [
        f"`gatewaydoctor {' '.join(filter(None, pair))}`"
        for pair in pairs
        for about in map(declared, own_parameters(verbs.function(*pair)))
        if isinstance(about, Option) and option in about.names
    ]
    return f"It is an option of {' and '.join(have[:3])}." if have else ""


def _options(context: Any) -> list[str]:
    """Every option of the verb that was called."""
    return [
        name for each in (context.command.params if context else ()) for name in (*each.opts, *each.secondary_opts)
    ]


def _interrupted(command: str) -> str:
    """A run that had begun to write has words of its own (`Stopped`), so a bare interrupt came before that."""
    if command in verbs.MENDING:
        return "Interrupted. Nothing in the state directory was changed."
    if command in verbs.WRITING:
        return "Interrupted. What it was writing may be incomplete."
    return "Interrupted. Nothing was written."


def _redacted(info: ErrorInfo, arguments: Sequence[str]) -> ErrorInfo:
    import os

    from gatewaydoctor.report.names import Names

    own = {*verbs.VERBS, *(sub for group in verbs.GROUPS.values() for sub in group)}
    typed = [word.partition("=")[2] if word.startswith("-") else word for word in arguments if word not in own]
    paths = {spelled: "<path>" for word in typed if "/" in word for spelled in (word, os.path.realpath(word))}
    names = Names(redact=True, places=paths.items())
    for word in typed:
        names.know(word, "word")
    # A hint may list agents or directories by name, and no directory was read that would tell which words those are.
    hint = names.text(info.hint) if info.code in ("usage", "bug", "output") else ""
    return ErrorInfo(code=info.code, message=names.text(info.message), hint=hint)


def _clock(arguments: Sequence[str]) -> int:
    """The clock of this run, or the machine's where the one given is what was wrong."""
    from gatewaydoctor.cli.shell.run import clock, machine_now

    try:
        return clock(last_value(arguments, "--now")).now
    except UsageError:
        return machine_now()
