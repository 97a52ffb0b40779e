"""The one place that prints: an outcome as JSON or as a screen, an error as words or as the same document."""

from __future__ import annotations

import sys
from io import StringIO
from typing import TYPE_CHECKING, Any

import msgspec

from gatewaydoctor import __version__
from gatewaydoctor.model.outcome.report import SCHEMA_VERSION, Document, ToolInfo
from gatewaydoctor.report.outgoing import outgoing_document, outgoing_text, outgoing_value
from gatewaydoctor.report.words import harmless, json_harmless, lines

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import IO

    from rich.console import Console

    from gatewaydoctor.model.errors import ExitCode
    from gatewaydoctor.model.outcome.report import ErrorInfo

_RED = "bold color(231) on color(160)"
STYLES = {
    "critical": "bold color(231) on color(88)",
    "error": _RED,
    "warning": "color(16) on color(220)",
    "alarm": _RED,
}
"""The styles of screens that have a colour. It comes with its background, both out of the 240 that no theme of a
terminal changes: yellow, green and dimmed words cannot be read on every background."""
FEW_COLOURS = dict.fromkeys(STYLES, "bold reverse")
"""The same where a terminal has colours of its theme alone: its own two, the other way round."""
TOOL = ToolInfo(name="gatewaydoctor", version=__version__)


def console(*, no_color: bool, stderr: bool = False, file: IO[str] | None = None) -> Console:
    """Plain text unless a terminal that wants colour reads it; never interprets markup, for text comes from files.

    Where the output is not a terminal and COLUMNS is not set, lines may be 80 columns wide.
    """
    import os

    from rich.console import Console
    from rich.theme import Theme

    stream = file or (sys.stderr if stderr else sys.stdout)
    width = None if stream.isatty() or "COLUMNS" in os.environ else 80
    plain = file is not None or no_color or bool(os.environ.get("NO_COLOR"))
    made = Console(
        file=file,
        # Without colours also means without bold: rich keeps that unless it knows of no terminal.
        force_terminal=False if plain else None,
        stderr=stderr,
        width=width,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=False,
        theme=Theme(STYLES),
    )
    if made.color_system == "standard":
        made.push_theme(Theme(FEW_COLOURS))
    # Asked for once: rich asks the environment and the terminal again for every line.
    made.size = made.size
    return made


def print_screen(screen: Callable[[Console], None], *, no_color: bool) -> None:
    """Print a screen on stdout; where no terminal reads it, without the blanks that fill up its lines."""
    out = console(no_color=no_color)
    if out.is_terminal:
        with out.capture() as captured:
            screen(out)
        sys.stdout.write(outgoing_text(captured.get()))
    else:
        sys.stdout.write(_captured(screen, out))


def screen_text(screen: Callable[[Console], None]) -> str:
    """A screen as plain text, for a file."""
    return _captured(screen, console(no_color=True, file=StringIO()))


def _captured(screen: Callable[[Console], None], out: Console) -> str:
    with out.capture() as captured:
        screen(out)
    return "".join(f"{line.rstrip()}\n" for line in outgoing_text(captured.get()).splitlines())


def print_document(document: Document) -> None:
    """One document and a newline on stdout."""
    print(encode(outgoing_document(document), indent=2))


def print_line(value: object) -> None:
    """One value as a line of JSON on stdout, written at once: an interrupt leaves whole lines."""
    sys.stdout.write(f"{encode(outgoing_value(value))}\n")


def encode(value: object, *, indent: int = 0) -> str:
    """JSON text that is exact and steers no terminal: hostile characters of names become JSON escapes."""
    try:
        text = msgspec.json.encode(value)
    except UnicodeEncodeError:
        # Only json writes lone surrogates, as the escapes they were read from.
        import json

        separators = None if indent else (",", ":")
        told = json.dumps(msgspec.to_builtins(value), ensure_ascii=True, indent=indent or None, separators=separators)
        return json_harmless(told)
    return json_harmless((msgspec.json.format(text, indent=indent) if indent else text).decode())


def print_error(error: ErrorInfo, exit_code: ExitCode, command: str, *, now: int, wants_json: bool) -> None:
    """An error as the document on stdout, else as lines on stderr."""
    if wants_json:
        print_document(plain_document(command, now, exit_code, error=error))
        return
    print_warning(error.message)
    if error.hint:
        _print_wrapped(f"  {harmless(outgoing_text(error.hint))}")


def print_warning(text: str) -> None:
    """A sentence on stderr next to the output: one line, or as many as a terminal needs for it."""
    _print_wrapped(f"gatewaydoctor: {harmless(outgoing_text(text))}")


def _print_wrapped(line: str) -> None:
    width = _terminal_width()
    if width is not None and len(line) > width:
        line = "\n".join(lines(line, width, "  "))
    print(line, file=sys.stderr)


def _terminal_width() -> int | None:
    """Columns of the terminal that stderr is; None where it is none."""
    import os

    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or None if sys.stderr.isatty() else None
    except (OSError, ValueError, AttributeError):
        return None


def plain_document(
    command: str,
    now: int,
    exit_code: ExitCode,
    details: Mapping[str, Any] | None = None,
    error: ErrorInfo | None = None,
) -> Document:
    """The document of a command that examined no directory."""
    return Document(
        schema_version=SCHEMA_VERSION,
        tool=TOOL,
        command=command,
        now=now,
        state_dir=None,
        ok=exit_code == 0,
        exit_code=int(exit_code),
        worst=None,
        error=error,
        details=dict(details or {}),
    )
