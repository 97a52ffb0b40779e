"""`--format json`: the document itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.report.printer import encode

if TYPE_CHECKING:
    from gatewaydoctor.model.outcome.report import Document


def render(document: Document) -> str:
    return encode(document, indent=2) + "\n"
