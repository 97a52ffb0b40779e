"""Rules about single rows of a store that the gateway takes otherwise than they stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.boot import NextBoot
from gatewaydoctor.checks.registry import EXAMPLES, REGISTRY, Family, Rule
from gatewaydoctor.checks.scope import whole_stores
from gatewaydoctor.model.gateway.config import Policy
from gatewaydoctor.model.gateway.store import SAFE_DEPTH
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.words import plural, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.stores import StoreFacts
    from gatewaydoctor.model.outcome.finding import Finding

DUPLICATE = Rule(
    id="store-duplicate-key",
    family=Family.STORE,
    severity=Severity.WARNING,
    title="A session key stands more than once",
    meaning="The same key, letter for letter, has two or more entries in one store.",
    cause="Another program or a merge by hand wrote the file; the gateway itself never writes a key twice.",
    gateway="It sees only the last entry of each key. The earlier ones are gone after its next save, and their "
    "transcripts are then unindexed.",
    remedy="Compare the entries of the key and keep the one that names the transcript with the history.",
)

VARIANT = Rule(
    id="store-case-variant-key",
    family=Family.STORE,
    severity=Severity.WARNING,
    title="Session keys differ in case only",
    meaning="Two or more keys become the same one when written in lower case, which is how the gateway looks keys "
    "up. Ids of Signal groups keep their case from 2026.5.22 on and are not counted there.",
    cause="An older release or another program wrote keys as a channel spells them.",
    gateway="It takes the variant with the newest updatedAt for all of them and deletes the others when it next "
    "writes that session.",
    remedy="Compare the entries and keep the one that names the transcript with the history, under the key in lower "
    "case.",
)

INVALID = Rule(
    id="store-invalid-entry",
    family=Family.STORE,
    severity=Severity.WARNING,
    title="Entries the gateway stumbles over",
    meaning="The value of a key is null, a number, text or a list instead of an object, or its sessionId has "
    "characters that 2026.5.22 does not accept. Or brackets in an entry are nested so deep that the gateway cannot "
    "copy it; that is an error.",
    cause="A bug, another program, or a hand edit.",
    gateway="Up to 2026.4.25 entries that are no object are kept; null ones raise a TypeError in the disk-budget "
    "scan, which runs only where session.maintenance.maxDiskBytes is set. 2026.5.22 drops them and those with an "
    "unsafe sessionId at load; 2026.9.6 skips those without a text as sessionId. Over nesting of about 1,550 levels "
    "2026.3.28 can save nothing, and from 1,600 on it cannot load the store.",
    remedy="Take such entries out of a copy of the file; one that is not an object holds no session.",
)

_LAST_WINS = "Every release sees only the last entry of a key; its next save drops the others."
_BOOT_INVALID = NextBoot(
    v3_28="keeps them",
    v5_22="drops them when it loads the store",
    v9_6="skips them when it imports the store",
    unknown="Up to 2026.4.25 they are kept; 2026.5.22 drops them at load.",
)
_BOOT_DEEP = NextBoot(
    v3_28="fails to load or to save the store with a RangeError: nothing is overwritten, and nothing works",
    v4_25="may fail to load or to save the store with a RangeError",
    v5_22="loads the store, and fails to save it from about 1,800 levels on",
    v9_6="may fail to import the store",
    unknown="2026.3.28 fails to load or to save the store with a RangeError; 2026.5.22 may fail to save it.",
)
_CASE_KEPT = "signal:group:"


@REGISTRY.check(DUPLICATE)
def duplicate_key(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for store, survey in whole_stores(x):
        if survey.repeated:
            yield DUPLICATE.finding(
                f"{plural(len(survey.repeated), 'key appears', 'keys appear')} more than once; "
                f"{plural(len(survey.hidden), 'earlier entry', 'earlier entries')} "
                f"({size(survey.hidden_bytes)}) that no gateway sees, counted nowhere else.",
                _LAST_WINS,
                count=len(survey.repeated),
                agent_id=store.agent_id,
                path=store.read.ref.path,
                key=survey.repeated[0],
                evidence={
                    "keys": list(survey.repeated[:EXAMPLES]),
                    "hiddenEntries": len(survey.hidden),
                    "hiddenBytes": survey.hidden_bytes,
                },
            )


@REGISTRY.check(VARIANT)
def case_variant_key(x: Examination, t: Thresholds) -> Iterator[Finding]:
    keeps_case = x.config.release.policy in (Policy.V2026_5_22, Policy.V2026_9_6)
    for store, survey in whole_stores(x):
        groups = [keys for keys in survey.variants if not (keeps_case and _CASE_KEPT in keys[0].lower())]
        if groups:
            yield VARIANT.finding(
                f"{plural(len(groups), 'session')} with keys that differ in case only, "
                f"{plural(sum(map(len, groups)), 'key')} in all.",
                "The gateway uses the newest of each group, and deletes the others when it writes that session.",
                count=len(groups),
                agent_id=store.agent_id,
                path=store.read.ref.path,
                key=groups[0][0],
                evidence={"groups": [list(keys[:EXAMPLES]) for keys in groups[:EXAMPLES]]},
            )


@REGISTRY.check(INVALID)
def invalid_entry(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for store, survey in whole_stores(x):
        if survey.invalid or store.faults.unsafe:
            yield _no_sessions(x, store, survey.invalid)
        if survey.deepest > SAFE_DEPTH:
            yield _nested(x, store, survey.deepest)


def _no_sessions(x: Examination, store: StoreFacts, wrong: int) -> Finding:
    unsafe, budget = store.faults.unsafe, x.config.maintenance.max_disk_bytes.value
    trips = wrong and budget is not None and x.config.release.policy in (Policy.V2026_3_28, Policy.V2026_4_25)
    parts = [f"{plural(wrong, 'entry is', 'entries are')} no object"] if wrong else []
    parts += [f"{plural(unsafe, 'entry has', 'entries have')} an unsafe sessionId"] if unsafe else []
    keys = (*store.faults.not_objects, *store.faults.unsafe_keys)
    return INVALID.finding(
        f"{' and '.join(parts)}.",
        _BOOT_INVALID.of(x) + (" A null one breaks its disk-budget scan with a TypeError." if trips else ""),
        count=unsafe + wrong,
        agent_id=store.agent_id,
        path=store.read.ref.path,
        key=keys[0] if keys else None,
        evidence={
            "notObjects": wrong,
            "unsafeSessionIds": unsafe,
            "keys": list(keys[:EXAMPLES]),
            "maxDiskBytes": budget,
        },
    )


def _nested(x: Examination, store: StoreFacts, levels: int) -> Finding:
    return INVALID.finding(
        f"Brackets in an entry are nested {levels:,} levels deep; {SAFE_DEPTH:,} are safe.",
        _BOOT_DEEP.of(x),
        severity=Severity.ERROR,
        agent_id=store.agent_id,
        path=store.read.ref.path,
        evidence={"levels": levels, "safe": SAFE_DEPTH},
    )
