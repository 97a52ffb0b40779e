"""A report to paste into an issue, best with `--redact`: what was examined, the findings, the figures."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from gatewaydoctor.model.words import duration, plural, size
from gatewaydoctor.report.printer import encode
from gatewaydoctor.report.verdicts import decision, examined, judged, place, standing_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gatewaydoctor.model.outcome.gate import VerdictInfo
    from gatewaydoctor.model.outcome.report import Document, FindingInfo, StoreInfo

_SYNTAX = re.compile(r"([\\`*_{}\[\]<>#|~!&$])")
_TICKS = re.compile("`+")


def render(document: Document) -> str:
    """GitHub's Markdown. Whatever may come from a file is in code, where it creates no mention and no link."""
    parts = [*_head(document)]
    if examined(document):
        parts += [table(("", ""), _facts(document)), *_findings(document), *_stores(document)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(document: Document) -> Iterator[str]:
    error = document.error
    if error is None:
        yield f"### gatewaydoctor {_escape(decision(document))}"
        return
    yield f"### gatewaydoctor {document.command}: could not examine the directory"
    yield code(error.message)
    if error.hint:
        yield code(error.hint)


def _facts(document: Document) -> Iterator[tuple[str, ...]]:
    yield "gatewaydoctor", document.tool.version
    yield "state directory", code(document.state_dir or "-")
    yield "clock", _moment(document.now) + (f" (fixed by {document.clock.source})" if document.clock else "")
    if document.gateway is not None:
        yield "gateway", " ".join([document.gateway.liveness, *map(code, document.gateway.evidence)])
    config = document.config
    if config is not None:
        mode, cap = config.maintenance["mode"], config.maintenance["maxEntries"]
        yield "release", code(config.release) if config.release else "unknown"
        yield "maintenance", f"{mode.value} ({mode.origin}), cap {cap.value:,} ({cap.origin})"
        if config.problem:
            yield "config", code(config.problem)
    if document.subagents is not None and document.subagents.exists:
        yield "subagents", f"{plural(document.subagents.runs, 'run')}, {size(document.subagents.bytes)}"
    for notice in document.notices:
        yield "notice", code(notice)
    if document.skipped:
        yield "not examined", " ".join(code(f"{each.path}: {each.reason}") for each in document.skipped)


def _moment(at: int) -> str:
    try:
        return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, OSError, ValueError):
        return f"{at} ms"


def _findings(document: Document) -> Iterator[str]:
    found = judged(document)
    for number, (finding, verdict) in enumerate(found, 1):
        yield f"#### {number}. {finding.severity}: {finding.rule}{_marks(finding, verdict)}"
        yield _escape(finding.message)
        yield "\n".join(f"- {line}" for line in _lines(document, finding))
        if finding.evidence:
            yield details("Evidence", fenced(encode(finding.evidence, indent=2), "json"))
    if len(found) < document.findings_total:
        yield f"Showing {len(found):,} of {document.findings_total:,} findings; `--all` shows all."


def _marks(finding: FindingInfo, verdict: VerdictInfo) -> str:
    marks = [f"x{finding.count:,}"] if finding.count > 1 else []
    standing = standing_words(verdict)
    return f" ({', '.join([*marks, *([standing] if standing else [])])})" if marks or standing else ""


def _lines(document: Document, finding: FindingInfo) -> Iterator[str]:
    yield f"Next start: {_escape(finding.consequence)}"
    if finding.fix:
        yield f"Fix: {code(finding.fix.command)}"
    elif finding.by_hand:
        yield f"By hand: {_escape(finding.by_hand)}"
    where = place(document, finding)
    for label, value in (("Agent", finding.agent_id), ("Path", where), ("Key", finding.key)):
        if value:
            yield f"{label}: {code(value)}"


def _stores(document: Document) -> Iterator[str]:
    if not document.stores:
        return
    yield "#### Stores"
    yield table(
        ("agent", "era", "gateway reads", "entries", "size", "transcripts", "unindexed", "missing"),
        [
            (
                code(store.agent_id),
                store.era,
                store.readable,
                f"{store.entries:,}",
                size(store.bytes),
                f"{store.transcripts.files:,} ({size(store.transcripts.bytes)})",
                f"{store.transcripts.orphans:,}",
                f"{store.transcripts.missing:,}",
            )
            for store in document.stores
        ],
        left=3,
    )
    for store in document.stores:
        yield from _store(store)


def _store(store: StoreInfo) -> Iterator[str]:
    cells = store.distribution.cells
    agent = f"<code>{_html(store.agent_id)}</code>"
    if cells:
        rows = [(cell.kind, cell.status, f"{cell.entries:,}", size(cell.bytes)) for cell in cells]
        yield details(
            f"Sessions of {agent} by kind and status", table(("kind", "status", "sessions", "size"), rows, left=2)
        )
    if store.cron:
        yield details(f"Cron jobs of {agent}", table(_JOB_COLUMNS, _jobs(store), left=1))


_JOB_COLUMNS = ("job", "runs", "running", "stuck", "ticks", "per tick", "apart", "flags")


def _jobs(store: StoreInfo) -> Iterator[tuple[str, ...]]:
    for job in store.cron:
        per_tick, apart = job.runs_per_tick, job.tick_interval_ms
        yield (
            code(job.name or job.job_id),
            f"{job.runs:,}",
            f"{job.status.get('running', 0):,}",
            f"{job.stuck:,}",
            f"{job.ticks:,}",
            f"{per_tick.median:g} to {per_tick.max}" if per_tick else "-",
            duration(apart.median) if apart else "-",
            ", ".join(job.flags) or "-",
        )


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]], left: int = 9) -> str:
    """The first `left` columns are text, the others figures. Bars inside cells are escaped."""
    rule = ["---" if column < left else "---:" for column in range(len(head))]
    lines = [head, tuple(rule), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def details(summary: str, body: str) -> str:
    """A part that is folded away; the summary is HTML."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def fenced(text: str, language: str) -> str:
    fence = _ticks_for(text, 3)
    return f"{fence}{language}\n{text}\n{fence}"


def code(text: str) -> str:
    """A code span that shows exactly this text on one line."""
    flat = " ".join(text.split()) or "-"
    ticks = _ticks_for(flat, 1)
    pad = " " if flat.startswith("`") or flat.endswith("`") else ""
    return f"{ticks}{pad}{flat}{pad}{ticks}"


def _ticks_for(text: str, least: int) -> str:
    longest = max((len(run) for run in _TICKS.findall(text)), default=0)
    return "`" * max(least, longest + 1)


def _escape(text: str) -> str:
    return _SYNTAX.sub(r"\\\1", " ".join(text.split()))


def _html(text: str) -> str:
    return "".join(char if char.isalnum() or char in " -.," else f"&#{ord(char)};" for char in text)
