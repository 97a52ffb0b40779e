"""How a run that could not look hands over its error: in the format that was asked for."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from gatewaydoctor.cli.shell.output import report_mode, target, write
from gatewaydoctor.cli.shell.report_output import STDOUT, with_code
from gatewaydoctor.cli.shell.streams import put
from gatewaydoctor.model.arguments import last_value
from gatewaydoctor.model.errors import CannotExamine, DoctorError
from gatewaydoctor.model.gateway.place import NothingKept, SeveralStateDirs
from gatewaydoctor.report.formats.formats import FORMATS, render
from gatewaydoctor.report.words import harmless

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gatewaydoctor.model.outcome.report import Document

_FILING = ("scan", "check")
_NOT_THERE = (CannotExamine.code, NothingKept.code, SeveralStateDirs.code)


class Asked(Struct, frozen=True):
    """What a command line asks for, as far as arguments that may be wrong can tell. `output` is None for stdout."""

    format: str
    output: str | None


def asked(arguments: Sequence[str], command: str) -> Asked:
    chosen = "json" if "--json" in arguments else last_value(arguments, "--format") or "text"
    output = last_value(arguments, "--output") if command in _FILING else None
    return Asked(chosen if chosen in FORMATS else "text", None if output == STDOUT else output)


def deliver_error(
    error: BaseException, document: Document, wanted: Asked, arguments: Sequence[str]
) -> tuple[int, bool]:
    """Hand over the document of a run that could not look, in a format other than text: the exit code, and whether
    words on stderr are still due. A file is replaced only where a directory could not be examined, so that a mistyped
    option or a full disk spoils no report."""
    document = with_code(wanted.format, _shown(document, wanted.format))
    text = render(wanted.format, document)
    if wanted.output is None:
        put(text)
        return document.exit_code, False
    if isinstance(error, DoctorError) and error.code in _NOT_THERE:
        with suppress(DoctorError):
            path = target(wanted.output, "--output", _protected(error, arguments))
            write(path, text, report_mode(path, wanted.format))
    return document.exit_code, True


def _shown(document: Document, chosen: str) -> Document:
    """The document with harmless words, unless the format encodes them."""
    error = document.error
    if error is None or FORMATS[chosen].exact:
        return document
    error = msgspec.structs.replace(error, message=harmless(error.message), hint=harmless(error.hint))
    return msgspec.structs.replace(document, error=error)


def _protected(error: DoctorError, arguments: Sequence[str]) -> tuple[Path, ...]:
    """State directories that stand where the command line points, though they could not be examined."""
    from gatewaydoctor.state.place.locate import locate
    from gatewaydoctor.system.fs import OsReadFs

    if isinstance(error, SeveralStateDirs):
        return tuple(Path(os.path.realpath(candidate.path)) for candidate in error.candidates)
    named = [last_value(arguments, option) for option in ("--state-dir", "--config", "--profile", "--store")]
    state_dir, config, profile, store = named
    try:
        place = locate(OsReadFs(), os.environ, state_dir=state_dir, config=config, profile=profile, store=store)
    except DoctorError:
        return tuple(Path(os.path.realpath(each)) for each in (state_dir, store) if each)
    return (place.real_dir,)
