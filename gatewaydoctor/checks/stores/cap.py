"""Rules about stores and session.maintenance.maxEntries: over it, at it, and not held to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.boot import a_gateway, keeps_files
from gatewaydoctor.checks.registry import REGISTRY, Family, Rule
from gatewaydoctor.checks.scope import sound_stores
from gatewaydoctor.checks.stores.size import REPORTED_AMPLIFICATION
from gatewaydoctor.checks.stores.trimming import trims
from gatewaydoctor.model.gateway.config import Origin, Policy
from gatewaydoctor.model.gateway.entry import Kind
from gatewaydoctor.model.gateway.era import Era
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.stores import StoreFacts
    from gatewaydoctor.model.outcome.finding import Finding
    from gatewaydoctor.storage.files.survey import Survey

OVER_CAP = Rule(
    id="store-over-cap",
    family=Family.STORE,
    severity=Severity.WARNING,
    title="The session store holds more entries than its cap",
    meaning="There are more entries than session.maintenance.maxEntries allows. The finding counts what one "
    "enforced save would drop, and how many conversations of people are among it. It is an error where the gateway "
    "does enforce and conversations would go.",
    cause="Maintenance only warns (the default up to 2026.4.19), or the cap was lowered, or a jam of cron runs came "
    "in since the last save.",
    gateway="In mode enforce a save cuts to the newest maxEntries by updatedAt, whatever the kind: a jam of cron "
    "runs pushes out quiet conversations. 2026.4.25 also cuts at load, and then archives no transcript. 2026.5.22 "
    "waits until a tenth above the cap (at least 25) and spares groups, channels and threads. In mode warn nothing "
    "is cut.",
    remedy="Before the gateway does it by age: remove rows of cron runs until the store is below the cap, so that no "
    "conversation is pushed out.",
    repair="trim",
)

AT_CAP = Rule(
    id="store-at-cap",
    family=Family.STORE,
    severity=Severity.WARNING,
    title="The session store is at its cap",
    meaning="The store holds as many entries as session.maintenance.maxEntries allows, and maintenance enforces it. "
    "Every new session pushes out the oldest.",
    cause="The cap is low for the number of sessions created, usually by isolated cron jobs.",
    gateway="Up to 2026.4.25 every new session costs a full pass: parse, clone, sort, cut, write, on the event loop "
    "(incident 72826: one every two minutes, each blocking for tens of seconds). 2026.5.22 makes one pass for every "
    "25 or more.",
    remedy="Give cron jobs a persistent session (sessionTarget session:<id>) instead of isolated ones, and remove "
    "rows of finished runs. A lower cap makes each pass cheaper and pushes out more.",
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
    gateway="In mode warn prune, cap, rotation and clean-up of archives are skipped at every save. Only the reaper "
    "of cron runs still works, and only while cron ticks complete.",
    remedy="First make the store smaller than its cap, by rows of cron runs or ended subagents. Only then set "
    "session.maintenance.mode to enforce: the other way round the cap may drop quiet conversations.",
)

_NOT_CRON_ALONE = (
    "Rows of cron runs alone do not make it small enough. Look which kinds fill it; ended subagents can go as well. "
    "Or raise session.maintenance.maxEntries before anything is cut."
)
_FULL_PASS = "makes a full pass over the store for every new session, on its event loop"


@REGISTRY.check(OVER_CAP, AT_CAP)
def cap(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for store, survey in _capped(x):
        entries, limit = survey.entries, x.config.maintenance.max_entries.value
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
    drop = f"drop {plural(rows, 'row')} by age alone, {whose} of people among them"
    if _enforced(x):
        consequence = f"{a_gateway(x)} will {drop}, at its next save" + (" or load." if _cuts_at_load(x) else ".")
    elif x.config.maintenance.mode.origin is Origin.ASSUMED:
        consequence = f"Up to 2026.4.19 nothing is cut by default; a later gateway would {drop}."
    else:
        consequence = f"{a_gateway(x)} in mode warn cuts nothing. Its sessions cleanup --enforce would {drop}."
    origin = x.config.maintenance.max_entries.origin
    survey = store.survey
    runs = sum(count for (kind, _), count in survey.counts.items() if kind is Kind.CRON_RUN) if survey else 0
    return OVER_CAP.finding(
        f"{plural(entries, 'entry', 'entries')}, and the cap is {limit:,} ({origin})"
        + (f"; enforcing it pushes out {plural(people, 'conversation')}." if people else "."),
        consequence,
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
        by_hand=None if entries - runs <= limit else _NOT_CRON_ALONE,
    )


def _at_cap(x: Examination, store: StoreFacts, entries: int, limit: int) -> Finding:
    waits = _waits(x)
    return AT_CAP.finding(
        f"{plural(entries, 'entry', 'entries')} at a cap of {limit:,} ({x.config.maintenance.max_entries.origin}): "
        "each new session pushes out an old one.",
        f"{a_gateway(x)} cuts in one pass once there are {high_water(limit):,}."
        if waits
        else f"{a_gateway(x)} {_FULL_PASS}.",
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
    for store, survey in _capped(x):
        over = survey.entries > x.config.maintenance.max_entries.value
        heavy = survey.verdict.bytes * REPORTED_AMPLIFICATION >= t.heap_bytes
        if not over and not heavy:
            continue
        assumed = mode.origin is Origin.ASSUMED
        yield NOT_ENFORCED.finding(
            f"Maintenance only warns ({'assumed, for nothing tells the release' if assumed else mode.origin}), with "
            f"{plural(survey.entries, 'entry', 'entries')} in the store.",
            "From 2026.4.20 on the default is enforce; under an older release the store keeps growing."
            if assumed
            else f"{a_gateway(x)} goes on growing the store: no save prunes, caps or cleans up.",
            agent_id=store.agent_id,
            path=store.read.ref.path,
            evidence={
                "mode": mode.value,
                "origin": mode.origin.value,
                "entries": survey.entries,
                "maxEntries": x.config.maintenance.max_entries.value,
                "bytes": survey.verdict.bytes,
            },
        )


def _capped(x: Examination) -> Iterator[tuple[StoreFacts, Survey]]:
    """Stores that maxEntries is about: in the sqlite era maintenance works on the database."""
    if keeps_files(x):
        yield from ((store, survey) for store, survey in sound_stores(x) if store.era is not Era.SQLITE)


def _enforced(x: Examination) -> bool:
    return x.config.maintenance.mode.value == "enforce"


def _waits(x: Examination) -> bool:
    """Whether this release cuts only well above the cap."""
    return x.config.release.policy is Policy.V2026_5_22


def _cuts_at_load(x: Examination) -> bool:
    return x.config.release.policy is Policy.V2026_4_25
