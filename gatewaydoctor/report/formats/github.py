"""GitHub Actions: workflow commands that the runner turns into annotations."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from gatewaydoctor.report.verdicts import decision, examined, judged, name, place, remedy, standing_words
from gatewaydoctor.report.words import harmless

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.model.outcome.gate import VerdictInfo
    from gatewaydoctor.model.outcome.report import Document, FindingInfo

PER_LEVEL = 10
"""GitHub shows this many annotations of each level for a step; more are dropped silently."""


def render(document: Document) -> str:
    """An annotation per finding, worst first, and the decision as a plain line. What fails is an `error`, so that
    annotations and the step's outcome agree; the others are `warning` or `notice`."""
    return "".join(f"{line}\n" for line in _lines(document))


def _lines(document: Document) -> Iterator[str]:
    if document.error is not None:
        yield command("error", "gatewaydoctor", f"{document.error.message}\n{document.error.hint}".rstrip())
    if not examined(document):
        return
    shown: Counter[str] = Counter()
    for finding, verdict in judged(document):
        level = _level(finding, verdict)
        shown[level] += 1
        if shown[level] <= PER_LEVEL:
            yield command(level, _title(finding, verdict), _body(document, finding), in_workspace(finding.path))
    left = sum(max(0, count - PER_LEVEL) for count in shown.values())
    if left:
        yield f"{left:,} more findings are not annotated; see the job summary or --format json."
    yield decision(document)


def _level(finding: FindingInfo, verdict: VerdictInfo) -> str:
    if verdict.fails:
        return "error"
    return "notice" if verdict.standing == "known" or finding.severity == "info" else "warning"


def _title(finding: FindingInfo, verdict: VerdictInfo) -> str:
    standing = standing_words(verdict)
    return f"{finding.severity}: {name(finding)}" + (f" ({standing})" if standing else "")


def _body(document: Document, finding: FindingInfo) -> str:
    lines = [finding.message, f"Next start: {finding.consequence}", remedy(finding), place(document, finding)]
    return "\n".join(line for line in lines if line)


def in_workspace(path: str | None) -> str | None:
    """The path as GitHub knows it, where it is a file of the workspace: below GITHUB_WORKSPACE, or the current
    directory where that is not set. None for any other, and for a name that could steer the log."""
    if path is None or harmless(path) != path:
        return None
    workspace, real = os.path.realpath(os.environ.get("GITHUB_WORKSPACE") or "."), Path(os.path.realpath(path))
    return real.relative_to(workspace).as_posix() if real.is_relative_to(workspace) and real.is_file() else None


def command(level: str, title: str, message: str, file: str | None = None) -> str:
    """One workflow command. The runner undoes these escapes, first those of a property, then those of data."""
    at = f"file={_property(file)}," if file else ""
    return f"::{level} {at}title={_property(title)}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
