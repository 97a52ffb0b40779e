"""Rules about stores and session.maintenance.maxEntries: over it, at it, and not held to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.boot import a_gateway, keeps_files
from gatewaydoctor.checks.registry import REGISTRY, Family, Rule
from gatewaydoctor.checks.scope import sound_stores
from gatewaydoctor.checks.stores.size import REPORTED_AMPLIFICATION
from gatewaydoctor.checks.stores.trimming import trims, waits
from gatewaydoctor.model.gateway.config import Origin
from gatewaydoctor.model.gateway.entry import Kind
from gatewaydoctor.model.gateway.release import Cut
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.model.outcome.finding import Finding
    from gatewaydoctor.storage.files.sessions import FileSessions

OVER_CAP = Rule(
    id="store-over-cap",
    family=Family.STORE,
    severity=Severity.WARNING,
    title="The session store has more sessions than its cap",
    meaning="The store has more sessions than session.maintenance.maxEntries allows. The finding counts "
    "what one save in mode enforce would drop, and the conversations among it. Error if the "
    "gateway does enforce and conversations would be dropped.",
    cause="Maintenance only warns (the default up to 2026.4.19), the cap was lowered, or a backlog of "
    "cron runs arrived since the last save.",
    gateway="In mode enforce a save keeps the newest maxEntries by updatedAt, whatever their kind: with a "
    "backlog of cron runs it drops conversations that are seldom used. 2026.4.25 also cuts at load, and then "
    "archives no transcript. 2026.5.22 waits until the store is a tenth above the cap (at least "
    "25) and spares groups, channels and threads. In mode warn nothing is cut.",
    remedy="Remove cron runs until the store is below the cap, before the gateway cuts by age and drops "
    "conversations.",
    repair="trim",
)

AT_CAP = Rule(
    id="store-at-cap",
    family=Family.STORE,
    severity=Severity.WARNING,
    title="The session store is at its cap",
    meaning="The store holds as many sessions as session.maintenance.maxEntries allows, and maintenance "
    "enforces the cap. Every new session drops the oldest.",
    cause="The cap is low for the number of sessions created, usually by isolated cron jobs.",
    gateway="In releases up to 2026.4.25 every new session costs a full pass on the event loop: parse, "
    "clone, sort, cut, write (incident 72826: one every two minutes, each blocking for tens of "
    "seconds). 2026.5.22 makes one pass for every 25 or more new sessions.",
    remedy="Give cron jobs a persistent session (sessionTarget session:<id>) instead of isolated ones, "
    "and remove finished runs. A lower cap makes each pass cheaper but drops more.",
    repair="trim",
)

NOT_ENFORCED = Rule(
    id="maintenance-not-enforced",
    family=Family.STORE,
    severity=Severity.WARNING,
    title="Maintenance only warns while the store grows",
    meaning="session.maintenance.mode is warn, and the store is over its cap or large enough to endanger the heap. "
    "Nothing will shrink it.",
    cause="The default mode up to 2026.4.19 is warn, or the config sets it.",
    gateway="In mode warn every save skips prune, cap, rotation and archive clean-up. Only the reaper of "
    "cron runs still works, and only while cron ticks complete.",
    remedy="First bring the store below its cap by removing cron runs or ended subagents. Only then set "
    "session.maintenance.mode to enforce; in the other order the cap may drop quiet "
    "conversations.",
)

_NOT_CRON_ALONE = (
    "Removing cron runs alone does not make the store small enough. Find out which kinds fill "
    "it; ended subagents can be removed too. Or raise session.maintenance.maxEntries before "
    "anything is cut."
)
_NOT_QUIET = (
    "The run rows or their transcripts changed in the last hour, and no repair removes such rows. "
    "Scan again in an hour. In a copy made without the old file times all rows count as changed."
)
_FULL_PASS = "makes a full pass over the store for every new session, on its event loop"


@REGISTRY.check(OVER_CAP, AT_CAP)
def cap(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for store, sessions in _capped(x):
        entries, limit = sessions.entries, x.config.maintenance.max_entries.value
        if entries > limit and (not _waits(x) or entries >= high_water(limit)):
            yield _over_cap(x, store, entries, limit)
        elif entries >= limit and _enforced(x):
            yield _at_cap(x, store, entries, limit)


def high_water(limit: int) -> int:
    """Number of entries from which 2026.5.22 cuts to `limit` (docs/gateway.md section 5)."""
    return limit + 1 if limit <= 49 else limit + max(25, -(-limit // 10))


def _over_cap(x: Examination, store: StoreFacts, entries: int, limit: int) -> Finding:
    lost = store.eviction
    rows, people = (lost.rows, lost.conversations) if lost else (entries - limit, 0)
    whose = plural(people, "conversation") if people else "no conversation"
    drop = f"drop {plural(rows, 'row')} by age alone, {whose} among them"
    if _enforced(x):
        consequence = f"{a_gateway(x)} will {drop}, at its next save" + (" or load." if _cuts_at_load(x) else ".")
    elif x.config.maintenance.mode.origin is Origin.ASSUMED:
        consequence = f"Releases up to 2026.4.19 cut nothing by default; a later one would {drop}."
    else:
        consequence = f"{a_gateway(x)} in mode warn cuts nothing. Its `sessions cleanup --enforce` would {drop}."
    origin = x.config.maintenance.max_entries.origin
    deletes = "its next save deletes" if _enforced(x) else "switching maintenance to enforce would delete"
    sessions = store.sessions
    runs = sum(count for (kind, _), count in sessions.counts.items() if kind is Kind.CRON_RUN) if sessions else 0
    return OVER_CAP.finding(
        f"{plural(entries, 'session', 'sessions')}; the cap is {limit:,} ({origin.told})"
        + (f"; {deletes} {plural(people, 'conversation')}." if people else "."),
        consequence,
        brief=f"{plural(entries, 'session')}, cap {limit:,}",
        count=entries - limit,
        severity=Severity.ERROR if people and _enforced(x) else None,
        agent_id=store.agent_id,
        path=store.read.ref.path,
        evidence={
            "entries": entries,
            "maxEntries": limit,
            "mode": x.config.maintenance.mode.value,
            "cronRuns": runs,
            "wouldBePruned": lost.pruned if lost else 0,
            "wouldBeCapped": lost.capped if lost else entries - limit,
            "conversationsAmongThem": people,
        },
        repair=OVER_CAP.repair if entries - runs <= limit and trims(x, store.jobs) else None,
        by_hand=_NOT_CRON_ALONE if entries - runs > limit else _NOT_QUIET if waits(store.jobs) else None,
    )


def _at_cap(x: Examination, store: StoreFacts, entries: int, limit: int) -> Finding:
    waits = _waits(x)
    return AT_CAP.finding(
        f"{plural(entries, 'session', 'sessions')} at a cap of {limit:,} "
        f"({x.config.maintenance.max_entries.origin.told}): each new session drops an old one.",
        f"{a_gateway(x)} cuts in one pass once there are {high_water(limit):,} sessions."
        if waits
        else f"{a_gateway(x)} {_FULL_PASS}.",
        brief=f"{plural(entries, 'session')} at a cap of {limit:,}",
        severity=Severity.INFO if waits else None,
        agent_id=store.agent_id,
        path=store.read.ref.path,
        evidence={"entries": entries, "maxEntries": limit, "mode": x.config.maintenance.mode.value},
        repair=AT_CAP.repair if trims(x, store.jobs) else None,
    )


@REGISTRY.check(NOT_ENFORCED)
def not_enforced(x: Examination, t: Thresholds) -> Iterator[Finding]:
    mode = x.config.maintenance.mode
    if mode.value != "warn":
        return
    for store, sessions in _capped(x):
        over = sessions.entries > x.config.maintenance.max_entries.value
        heavy = sessions.reading.bytes * REPORTED_AMPLIFICATION >= t.heap_bytes
        if not over and not heavy:
            continue
        assumed = mode.origin is Origin.ASSUMED
        yield NOT_ENFORCED.finding(
            "Maintenance only warns "
            f"({'assumed: the release is unknown' if assumed else mode.origin.told}); the store has "
            f"{plural(sessions.entries, 'session')}.",
            "From 2026.4.20 on the default is enforce; under an older release the store keeps growing."
            if assumed
            else f"{a_gateway(x)} lets the store grow: no save prunes, caps or cleans up.",
            brief="nothing is trimmed (mode warn)",
            agent_id=store.agent_id,
            path=store.read.ref.path,
            evidence={
                "mode": mode.value,
                "origin": mode.origin.value,
                "entries": sessions.entries,
                "maxEntries": x.config.maintenance.max_entries.value,
                "bytes": sessions.reading.bytes,
            },
        )


def _capped(x: Examination) -> Iterator[tuple[StoreFacts, FileSessions]]:
    """Stores that maxEntries is about: in the sqlite era maintenance works on the database."""
    if keeps_files(x):
        yield from ((store, sessions) for store, sessions in sound_stores(x) if not store.era.sessions_in_database)


def _enforced(x: Examination) -> bool:
    return x.config.maintenance.mode.value == "enforce"


def _waits(x: Examination) -> bool:
    """Whether this release cuts only well above the cap."""
    return x.config.release.behaviour.cut is Cut.ABOVE_HIGH_WATER


def _cuts_at_load(x: Examination) -> bool:
    return x.config.release.behaviour.cut is Cut.AT_LOAD
