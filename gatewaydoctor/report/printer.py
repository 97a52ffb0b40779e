"""The one place that prints: an outcome as JSON or as a screen, an error as words or as the same document."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec

from gatewaydoctor import __version__
from gatewaydoctor.model.report import SCHEMA_VERSION, Document, ErrorInfo, ToolInfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from gatewaydoctor.model.errors import ExitCode

TOOL = ToolInfo(name="gatewaydoctor", version=__version__)


def console(*, no_color: bool, stderr: bool = False) -> Console:
    """Plain text unless a terminal that wants colour reads it; never interprets markup, for text comes from files.

    Where the output is no terminal and COLUMNS is not set, lines may be 80 columns wide.
    """
    import os

    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else 80
    return Console(
        stderr=stderr,
        no_color=no_color or None,
        width=width,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=False,
    )


def print_screen(screen: Callable[[Console], None], *, no_color: bool) -> None:
    """Print a screen on stdout; where no terminal reads it, without the blanks that fill up its lines."""
    out = console(no_color=no_color)
    if out.is_terminal:
        screen(out)
        return
    with out.capture() as captured:
        screen(out)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def print_document(document: Document) -> None:
    """One document and a newline on stdout."""
    sys.stdout.write(encode(document).decode())
    sys.stdout.write("\n")


def print_line(value: object) -> None:
    """One value as a line of JSON on stdout."""
    try:
        line = msgspec.json.encode(value)
    except UnicodeEncodeError:
        import json

        line = json.dumps(value, ensure_ascii=True).encode()
    sys.stdout.buffer.write(line + b"\n")


def encode(document: object) -> bytes:
    """Indented JSON. Lone surrogates from hostile names become escapes that any JSON reader takes."""
    try:
        return msgspec.json.format(msgspec.json.encode(document), indent=2)
    except UnicodeEncodeError:
        import json

        return json.dumps(msgspec.to_builtins(document), indent=2, ensure_ascii=True).encode()


def print_error(
    code: str, message: str, hint: str, exit_code: ExitCode, command: str, *, wants_json: bool, now: int = 0
) -> None:
    """An error as two lines on stderr, or as the document on stdout."""
    from gatewaydoctor.report.words import harmless

    if wants_json:
        print_document(
            Document(
                schema_version=SCHEMA_VERSION,
                tool=TOOL,
                command=command,
                now=now,
                state_dir=None,
                ok=False,
                exit_code=int(exit_code),
                worst=None,
                error=ErrorInfo(code=code, message=message, hint=hint),
            )
        )
        return
    print(f"gatewaydoctor: {harmless(message)}", file=sys.stderr)
    if hint:
        print(f"  {harmless(hint)}", file=sys.stderr)
