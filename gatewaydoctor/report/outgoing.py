"""The one place that everything passes on its way out: as it is, or under `--redact` replaced (redaction.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatewaydoctor.model.outcome.report import Document
    from gatewaydoctor.report.redaction import Redaction

_active: Redaction | None = None


def begin(*, redact: bool) -> None:
    """Start a run: everything that is printed from now on is redacted, or nothing."""
    global _active
    _active = None
    if redact:
        from gatewaydoctor.report.redaction import Redaction

        _active = Redaction()


def outgoing_text(text: str) -> str:
    """Lines for people, on either stream or in a file."""
    return text if _active is None else _active.text(text)


def outgoing_value(value: object) -> object:
    """A JSON-able value."""
    return value if _active is None else _active.value(value)


def outgoing_document(document: Document) -> Document:
    """A document before any format renders it."""
    if _active is None:
        return document
    import msgspec

    return msgspec.convert(_active.value(msgspec.to_builtins(document)), type(document))
