"""Prometheus metrics of one look, for the textfile collector of node_exporter or a push gateway.

Labels name agents, stores by path, and jobs by id and name; the number of series follows those, never the entries.
None is called `job` or `instance`: Prometheus sets these itself, and a push gateway those it is pushed to by.
Where nothing could be examined only `info`, `success`, `ok` and the time are there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from gatewaydoctor.model.gateway.liveness import Liveness
from gatewaydoctor.report.verdicts import SEVERITIES, examined, judged

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatewaydoctor.model.outcome.report import Document, StoreInfo


PREFIX = "gatewaydoctor_"


class Gauge(Struct):
    """One metric and its samples. Samples with equal labels are added up: two names that look alike once they are
    escaped or redacted must not become one series twice, which no scraper accepts."""

    name: str
    help: str
    samples: dict[tuple[tuple[str, str], ...], float] = field(default_factory=dict)

    def add(self, value: float, **labels: str) -> None:
        series = tuple(labels.items())
        self.samples[series] = self.samples.get(series, 0) + value

    def lines(self) -> Iterable[str]:
        yield f"# HELP {PREFIX}{self.name} {_help(self.help)}"
        yield f"# TYPE {PREFIX}{self.name} gauge"
        for series, value in self.samples.items():
            labels = ",".join(f'{name}="{_label(text)}"' for name, text in series)
            yield f"{PREFIX}{self.name}{f'{{{labels}}}' if labels else ''} {_number(value)}"


def exposition(gauges: Iterable[Gauge]) -> str:
    """All families that have samples."""
    return "".join(f"{line}\n" for gauge in gauges if gauge.samples for line in gauge.lines())


def _number(value: float) -> str:
    # The shortest spelling that gives back the same number; whole ones without a point.
    return str(int(value)) if value == int(value) else repr(value)


def _help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _label(text: str) -> str:
    harmless = text.encode(errors="replace").decode()
    return harmless.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def render(document: Document) -> str:
    gauges = _run(document)
    if examined(document):
        gauges += [*_findings(document), *_gateway(document), *_stores(document), *_cron(document)]
    return exposition(gauges)


def _run(document: Document) -> list[Gauge]:
    info = Gauge("info", "Version of gatewaydoctor; always 1.")
    info.add(1, version=document.tool.version)
    success = Gauge("success", "1 if the session stores could be examined, else 0.")
    success.add(document.error is None)
    ok = Gauge("ok", "1 if success is 1 and no finding fails the gate, else 0.")
    ok.add(document.ok)
    at = Gauge("scan_timestamp_seconds", "Time of the scan, in seconds since 1970.")
    at.add(document.now / 1000)
    took = Gauge("scan_duration_seconds", "Duration of the scan.")
    if document.duration_ms is not None:
        took.add(document.duration_ms / 1000)
    return [info, success, ok, at, took]


def _findings(document: Document) -> list[Gauge]:
    by_severity = Gauge("findings", "Findings by severity.")
    for severity in SEVERITIES:
        by_severity.add(0, severity=severity)
    failing = Gauge("findings_failing", "Findings that fail the gate.")
    failing.add(document.gate.failing if document.gate else 0)
    known = Gauge("findings_known", "Findings in the baseline.")
    known.add(document.gate.known if document.gate else 0)
    by_rule = Gauge("rule_findings", "Findings by rule and severity; a rule without any has no series.")
    things = Gauge("rule_things", "Number of things the findings of a rule cover, such as stuck entries.")
    for finding, _ in judged(document):
        by_severity.add(1, severity=finding.severity)
        by_rule.add(1, rule=finding.rule, severity=finding.severity)
        things.add(finding.count, rule=finding.rule, severity=finding.severity)
    skipped = Gauge("skipped", "Files and directories that could not be examined.")
    skipped.add(len(document.skipped))
    return [by_severity, failing, known, by_rule, things, skipped]


def _gateway(document: Document) -> list[Gauge]:
    state = Gauge(
        "gateway_liveness", "1 for the state of the gateway: `live` (running), `dead` (not running) or `unknown`."
    )
    for liveness in Liveness:
        state.add(document.gateway is not None and document.gateway.liveness == liveness.value, state=liveness.value)
    runs = Gauge("subagent_runs", "Runs in subagents/runs.json.")
    kept = Gauge("subagent_runs_never_archived", "Runs that no sweep of the gateway will ever archive.")
    size = Gauge("subagent_registry_bytes", "Size of subagents/runs.json.")
    if document.subagents is not None:
        runs.add(document.subagents.runs)
        kept.add(document.subagents.never_archived)
        size.add(document.subagents.bytes)
    return [state, runs, kept, size]


def _labels(store: StoreInfo) -> dict[str, str]:
    return {"agent": store.agent_id, "store": store.path}


def _stores(document: Document) -> list[Gauge]:
    size = Gauge("store_bytes", "Size of a session store.")
    entries = Gauge("store_entries", "Entries of a session store by kind and status.")
    readable = Gauge("store_readable", "1 if the gateway loads the store, else 0.")
    newest = Gauge("store_updated_timestamp_seconds", "Time of the newest entry update, in seconds since 1970.")
    stuck = Gauge("store_stuck_entries", "Stuck entries: marked running, without a sign of life.")
    files = Gauge("transcript_files", "Transcripts of a store.")
    held = Gauge("transcript_bytes", "Size of the transcripts of a store.")
    orphans = Gauge("transcript_orphans", "Unindexed transcripts.")
    missing = Gauge("transcript_missing", "Entries whose transcript is missing.")
    for store in document.stores:
        labels = _labels(store)
        size.add(store.bytes, **labels)
        readable.add(store.readable == "yes", **labels)
        stuck.add(store.stuck, **labels)
        for cell in store.distribution.cells:
            entries.add(cell.entries, **labels, kind=cell.kind, status=cell.status)
        if store.newest_updated_at is not None:
            newest.add(store.newest_updated_at / 1000, **labels)
        files.add(store.transcripts.files, **labels)
        held.add(store.transcripts.bytes, **labels)
        orphans.add(store.transcripts.orphans, **labels)
        missing.add(store.transcripts.missing, **labels)
    return [size, entries, readable, newest, stuck, files, held, orphans, missing]


def _cron(document: Document) -> list[Gauge]:
    runs = Gauge("cron_runs", "Run rows of a cron job by status.")
    stuck = Gauge("cron_stuck_runs", "Stuck run rows of a cron job: marked running, without a sign of life.")
    size = Gauge("cron_runs_bytes", "Size of the run rows of a cron job.")
    ticks = Gauge("cron_ticks", "Scheduler ticks of a job, counted from its run rows.")
    for store in document.stores:
        for job in store.cron:
            labels = {**_labels(store), "cron_job": job.job_id, "name": job.name or ""}
            for status, count in job.status.items():
                runs.add(count, **labels, status=status)
            stuck.add(job.stuck, **labels)
            size.add(job.bytes, **labels)
            ticks.add(job.ticks, **labels)
    return [runs, stuck, size, ticks]
