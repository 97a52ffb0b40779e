"""Rules about stores that are too big: for the heap, and for what is in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gatewaydoctor.checks.boot import NextBoot
from gatewaydoctor.checks.registry import REGISTRY, Family, Rule
from gatewaydoctor.checks.scope import sound_stores
from gatewaydoctor.checks.stores.trimming import trims
from gatewaydoctor.checks.thresholds import DEFAULTS
from gatewaydoctor.model.gateway.entry import Kind, Status
from gatewaydoctor.model.gateway.release import BEHAVIOURS, Policy
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.words import plural, rounded_size, size

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.model.gateway.release import Release
    from gatewaydoctor.model.outcome.finding import Finding
    from gatewaydoctor.storage.files.sessions import FileSessions

_FILES, _CAPPING, _LATER, _ROWS = (
    BEHAVIOURS[each] for each in (Policy.V2026_3_28, Policy.V2026_4_25, Policy.V2026_5_22, Policy.V2026_9_6)
)
REPORTED_AMPLIFICATION = _FILES.heap_ratio_most
"""Heap over store bytes as the reporter of 61633 put it (docs/incidents.md)."""

REBUILT_FIELDS = ("skillsSnapshot", "systemPromptReport")
"""Fields that the gateway makes again at the next turn; dropping them loses nothing (docs/gateway.md section 3)."""

HEAP = Rule(
    id="store-heap-risk",
    family=Family.STORE,
    severity=Severity.ERROR,
    title="Loading the session store may exhaust the heap",
    meaning=f"An estimate. A loaded store takes about {_FILES.heap_ratio} times its file size in "
    f"memory, with 2026.4.25 {_CAPPING.heap_ratio} and 2026.5.22 {_LATER.heap_ratio} times (measured), or up to "
    f"{REPORTED_AMPLIFICATION} times (reported, 61633); 2026.9.6 takes {_ROWS.heap_ratio} to {_ROWS.heap_ratio_most} "
    "times the size of its session rows. It is compared with the heap of this gateway: --max-old-space-size of its "
    "service, NODE_OPTIONS, a memory limit, else Node's default for the memory of this machine. "
    "Warning if the reported figure exceeds it. Error if two copies at the measured figure do: "
    "reads clone the store. Critical if a single copy does: with the 185 MB of 61633, 2026.3.28 was "
    "seen to run out of memory at 500 MB to 2.1 GB of heap, 2026.4.25 at 4.2 GB, 2026.5.22 at 3.7 GB and 2026.9.6 at "
    "734 MB.",
    cause=(
        "No maintenance removes the run rows of isolated cron jobs, and each holds its own copy of the skills prompt."
    ),
    gateway="Releases up to 2026.5.22 parse the whole file at start, keep it as text and as objects, and "
    "clone it for reads. Running out of memory means a crash before the gateway answers, and "
    "again after each restart. 2026.9.6 reads the file once, to import it, and the rows of its "
    "database at each start.",
    remedy="With the gateway stopped and the store copied, remove stuck and finished cron runs. They "
    "make up most of such a store, and none of them is a conversation.",
    repair="trim",
)

BLOAT = Rule(
    id="store-bloat",
    family=Family.STORE,
    severity=Severity.WARNING,
    title="Copies of prompts fill the session store",
    meaning="The store is large for its number of sessions, or most of it is skillsSnapshot and "
    "systemPromptReport, which the gateway rebuilds.",
    cause="Every session keeps its own snapshot of the skills prompt: tens of KB, and mostly "
    "identical. Until 2026.5.2 the text of every skill was stored too.",
    gateway="It reads and writes all of it on every save. 2026.5.22 strips the skills' texts at load; "
    "earlier releases keep them.",
    remedy="Remove both fields from sessions that are not running. The gateway writes them again at the "
    "next turn; a warning that is shown only once may appear again.",
    repair="slim",
)

_SPLIT = (
    "Neither cron runs nor rebuilt fields fill this store. Find out which kinds and fields do, and "
    "raise the heap limit meanwhile."
)
_BOOT_HEAP = NextBoot(
    v3_28="parses and clones the whole store at start, and may run out of memory before it answers",
    v9_6="reads every session row at start and may run out of memory doing so",
    unknown="Releases up to 2026.5.22 parse and clone the whole store at start and may run out of "
    "memory; 2026.9.6 reads every session row.",
)
_BOOT_BLOAT = NextBoot(
    v3_28="reads and writes all of it at every save",
    v5_22="strips the skills' texts at load and writes the rest at every save",
    v9_6="imports all of it unchanged; the import does not make it smaller",
    unknown="Every release keeps it; 2026.5.22 strips the skills' texts at load.",
)


@REGISTRY.check(HEAP)
def heap_risk(x: Examination, t: Thresholds) -> Iterator[Finding]:
    limit, source = heap_allowed(x, t)
    for store, sessions in sound_stores(x):
        repair = _lightens(x, limit, store, sessions)
        loaded = Loaded(store.agent_id, store.read.ref.path, sessions.reading.bytes, sessions.entries)
        yield from _heap_finding(x, loaded, limit, source, repair)
    for database in x.databases:
        rows = database.sessions
        if rows is None or not database.whole:
            continue
        count, runs = (
            sum(rows.weights.values()),
            sum(rows.weights[key] for key in rows.weights if key[0] is Kind.CRON_RUN),
        )
        repair = "trim" if trims(x, database.jobs) and runs >= count / 2 else None
        loaded = Loaded(database.agent_id, database.path, count, rows.entries)
        yield from _heap_finding(x, loaded, limit, source, repair)


class Loaded(NamedTuple):
    """Session rows that a start loads. `bytes` are those of the file, or of the rows of a database."""

    agent_id: str
    path: Path
    bytes: int
    entries: int


def heap_needed(release: Release, count: int) -> tuple[int, int]:
    """Bytes of heap that a start takes for so many bytes of sessions: seen, and at most."""
    behaviour = release.behaviour
    return count * behaviour.heap_ratio, count * behaviour.heap_ratio_most


def _heap_finding(x: Examination, loaded: Loaded, limit: int, source: str, repair: str | None) -> Iterator[Finding]:
    measured, most = heap_needed(x.config.release, loaded.bytes)
    if most < limit:
        return
    grave = Severity.CRITICAL if measured >= limit else Severity.ERROR
    yield HEAP.finding(
        f"{size(loaded.bytes)} in {plural(loaded.entries, 'session')} need an estimated "
        f"{rounded_size(measured, most)} of heap; the limit is {rounded_size(limit)} ({source}).",
        _BOOT_HEAP.of(x),
        brief=f"{size(loaded.bytes)}, {plural(loaded.entries, 'session')}",
        severity=grave if 2 * measured >= limit else Severity.WARNING,
        agent_id=loaded.agent_id,
        path=loaded.path,
        evidence={
            "bytes": loaded.bytes,
            "entries": loaded.entries,
            "estimate": True,
            "heapBytesMeasuredRatio": measured,
            "heapBytesReportedRatio": most,
            "heapLimitBytes": limit,
            "heapLimitSource": source,
        },
        repair=repair,
        by_hand=None if repair else _SPLIT,
    )


def heap_allowed(x: Examination, t: Thresholds) -> tuple[int, str]:
    """Bytes of heap this gateway may use, and what sets them: the threshold where one was given, else what the
    service, the environment or the memory here say, else the usual limit."""
    if t.heap_bytes != DEFAULTS.heap_bytes:
        return t.heap_bytes, "as given"
    return (x.heap.bytes, x.heap.source) if x.heap else (t.heap_bytes, "usual")


def _lightens(x: Examination, limit: int, store: StoreFacts, sessions: FileSessions) -> str | None:
    """The repairs that make the store light enough, else one that takes away half of it or more."""
    total, rebuilt = sessions.reading.bytes, _rebuilt(sessions)
    runs = sum(weight for (kind, _), weight in sessions.weights.items() if kind is Kind.CRON_RUN)
    rows = sum(count for (kind, _), count in sessions.counts.items() if kind is Kind.CRON_RUN)
    removed = runs * (1 - min(1, len(store.jobs) / rows)) if rows and trims(x, store.jobs) else 0
    trimmed, slimmed = total - removed, total - rebuilt * _slimmable(sessions)
    enough = limit / (heap_needed(x.config.release, 1)[1])
    if removed and trimmed < enough:
        return "trim"
    if slimmed < enough:
        return "slim"
    if removed and trimmed * (1 - rebuilt / total) < enough:
        return "trim slim"
    if runs >= total / 2 and removed:
        return "trim"
    return "slim" if rebuilt >= total / 2 else None


def _slimmable(sessions: FileSessions) -> float:
    """The share of the store that is in rows not marked running: no others lose fields."""
    running = sum(weight for (_, status), weight in sessions.weights.items() if status is Status.RUNNING)
    return 1 - running / sessions.reading.bytes


def _unbloats(t: Thresholds, store: StoreFacts, sessions: FileSessions) -> str:
    """slim, behind what ends the stuck rows that hold most."""
    left = sessions.reading.bytes - _rebuilt(sessions) * _slimmable(sessions)
    if left < t.bloat_bytes or not store.stuck:
        return "slim"
    return "trim slim" if store.stuck_summary.kinds[Kind.CRON_RUN] else "expire slim"


def _rebuilt(sessions: FileSessions) -> int:
    return sum(sessions.field_bytes[name] for name in REBUILT_FIELDS)


@REGISTRY.check(BLOAT)
def bloat(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for store, sessions in sound_stores(x):
        count, entries = sessions.reading.bytes, sessions.entries
        rebuilt = _rebuilt(sessions)
        if not entries or count < t.bloat_bytes:
            continue
        if count < entries * t.bloat_entry_bytes and rebuilt < count * t.bloat_share:
            continue
        yield BLOAT.finding(
            f"{size(count)} in {plural(entries, 'session', 'sessions')}, {size(count / entries)} "
            f"each; {size(rebuilt)} of it ({100 * rebuilt // count} %) is fields the gateway "
            "rebuilds.",
            _BOOT_BLOAT.of(x),
            brief=f"{100 * rebuilt // count} % of {size(count)} can be rebuilt",
            count=entries,
            agent_id=store.agent_id,
            path=store.read.ref.path,
            evidence={
                "bytes": count,
                "entries": entries,
                "rebuiltBytes": rebuilt,
                "fieldBytes": dict(sessions.field_bytes.most_common(5)),
            },
            repair=_unbloats(t, store, sessions),
        )
