"""The output formats of `scan` and `check`, each a function from the document to text. They are pure, but `github`
asks for the workspace of the job."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from msgspec import Struct

from gatewaydoctor.report.outgoing import outgoing_document

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewaydoctor.model.outcome.report import Document


class Format(Struct, frozen=True):
    """`module` in this package has `render(document) -> str`. `whole`: its reader takes every item, so no list is
    cut. `exact`: it encodes whatever a name holds, so names come unescaped. `timed`: it tells how long it took."""

    module: str
    whole: bool = False
    exact: bool = False
    timed: bool = False


FORMATS: dict[str, Format] = {
    "text": Format("text"),
    "json": Format("jsontext", exact=True),
    "ndjson": Format("ndjson", whole=True, exact=True),
    "junit": Format("junit", whole=True, timed=True),
    "github": Format("github", whole=True),
    "prometheus": Format("prometheus", whole=True, timed=True),
    "nagios": Format("nagios", whole=True, timed=True),
    "markdown": Format("markdown"),
    "html": Format("html"),
}


def render(name: str, document: Document) -> str:
    """The document in a format; it ends with a newline."""
    function: Callable[[Document], str] = import_module(f"gatewaydoctor.report.formats.{FORMATS[name].module}").render
    return function(outgoing_document(document))


def exit_code(name: str, document: Document) -> int:
    """The exit code under a format. Nagios has codes of its own; 0 means the same everywhere."""
    if name != "nagios":
        return document.exit_code
    from gatewaydoctor.report.formats.nagios import state

    return int(state(document))
