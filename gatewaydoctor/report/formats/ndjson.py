"""A stream of lines: first what was examined and decided, then one finding a line, worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from gatewaydoctor.report.printer import encode
from gatewaydoctor.report.verdicts import judged

if TYPE_CHECKING:
    from gatewaydoctor.model.outcome.report import Document

_IN_THE_HEADER = (
    *("schemaVersion", "tool", "command", "now", "stateDir", "ok", "exitCode", "worst", "error", "gateway"),
    *("findingsTotal", "skipped", "notices", "clock"),
)


def render(document: Document) -> str:
    """Each line is an object whose `type` is `header` or `finding`; the header is there also for an error. A finding
    has the fields it has in the document and, behind a gate, those of its verdict."""
    told: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(document, findings=(), stores=()))
    header = {"type": "header", **{field: told[field] for field in _IN_THE_HEADER}}
    if told["gate"] is not None:
        header["gate"] = {field: value for field, value in told["gate"].items() if field != "verdicts"}
    lines: list[dict[str, Any]] = [header]
    for finding, verdict in judged(document):
        line = {"type": "finding", **msgspec.to_builtins(finding)}
        if document.gate is not None:
            line.update(msgspec.to_builtins(verdict))
        lines.append(line)
    return "".join(f"{encode(line)}\n" for line in lines)
