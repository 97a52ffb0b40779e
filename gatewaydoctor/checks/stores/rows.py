"""Rules about single rows of a store that the gateway takes otherwise than they stand."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from gatewaydoctor.checks.boot import NextBoot, a_gateway, keeps_files
from gatewaydoctor.checks.registry import EXAMPLES, REGISTRY, Family, Rule
from gatewaydoctor.checks.scope import sound_stores, whole_stores
from gatewaydoctor.model.gateway.fieldtypes import Fate
from gatewaydoctor.model.gateway.store import SAFE_DEPTH
from gatewaydoctor.model.outcome.finding import Harm, Severity
from gatewaydoctor.model.words import duration, plural, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.sessions.rowfaults import RowFault
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.model.outcome.finding import Finding
    from gatewaydoctor.storage.files.sessions import FileSessions

DUPLICATE = Rule(
    id="store-duplicate-key",
    family=Family.STORE,
    severity=Severity.WARNING,
    title="A session key appears more than once",
    meaning="One store has two or more sessions with exactly the same key.",
    cause="Another program or a manual merge wrote the file; the gateway never writes a key twice.",
    gateway="It sees only the last session of each key. Its next save drops the earlier ones and leaves "
    "their transcripts unindexed.",
    remedy="Compare the sessions and keep the one whose transcript holds the history.",
)

VARIANT = Rule(
    id="store-case-variant-key",
    family=Family.STORE,
    severity=Severity.WARNING,
    title="Session keys differ only in case",
    meaning="Two or more keys are the same in lower case, which is how the gateway finds keys. Signal "
    "group ids keep their case from 2026.5.22 on and are not counted there.",
    cause="An older release or another program kept the channel's own spelling of the keys.",
    gateway="It takes the variant with the newest updatedAt for all of them. 2026.3.28 deletes the others when it "
    "next writes that session; 2026.4.25 and 2026.5.22 do so at start. The transcripts of the others stay, in no "
    "index.",
    remedy="Compare the rows and keep the one whose transcript holds the history, under the lower-case key.",
)

UNSCOPED = Rule(
    id="store-unscoped-key",
    family=Family.STORE,
    severity=Severity.WARNING,
    title="Session keys without an agent become keys that exist",
    meaning="A key that does not begin with `agent:` belongs to the store's agent: `foo` for "
    "`agent:main:foo`, `main` for the main session. Both forms are in the store, with sessions "
    "of their own.",
    cause="Releases before agents wrote such keys, and so do other programs. A later release began the other session "
    "because it did not look for the old key.",
    gateway="2026.4.25 and later give such keys their agent at a start. Where the full key exists, the session with "
    "the newest updatedAt stays under it and the other leaves the store; its transcript stays, in no index.",
    remedy="Before a start, note the sessionId of each. Where both hold history, give the one that would leave a key "
    "of its own that begins with `agent:`.",
)

INVALID = Rule(
    id="store-invalid-entry",
    family=Family.STORE,
    severity=Severity.WARNING,
    title="Sessions with values the gateway cannot use",
    meaning="The value of a key is not an object, or a field of it has a type that the release in use handles in "
    "its own way: it drops the session at load, counts it as old, or fails over it. Conversations among them are "
    "named first. Error if conversations would be dropped or pruned, if no session of the store could be loaded or "
    "saved, or if brackets in an entry are nested so deep that the gateway cannot copy it.",
    cause="A bug, another program, or a manual edit.",
    gateway="2026.5.22 drops at load every session whose sessionId is given but is not safe text, and "
    "treats an updatedAt that is not a number from 0 on as 0, so that the next save in mode "
    "enforce removes the session. Up to 2026.4.25 JavaScript makes a number of updatedAt: true, "
    "0, negative numbers and empty text count as old. A lastAccountId that is not text stops "
    "every load there; modelOverride, providerOverride and sessionFile stop lists. "
    "compactionCheckpoints without preCompaction stop `sessions cleanup` of 2026.5.22. 2026.9.6 "
    "imports no session without a text as sessionId. Over nesting of about 1,550 levels "
    "2026.3.28 can save nothing, and from 1,600 on it cannot load the store.",
    remedy="Stop the gateway and copy sessions.json to a safe place. Give sessionId the text that names "
    "the transcript, and updatedAt a number of milliseconds; remove other fields of a wrong "
    "type. A value that is not an object holds no session.",
)

PRUNE_DUE = Rule(
    id="store-prune-due",
    family=Family.STORE,
    severity=Severity.WARNING,
    title="The next save removes conversations by age",
    meaning="Maintenance enforces its limits, and the store has sessions last updated before "
    "session.maintenance.pruneAfter. Info only if none of them is a conversation.",
    cause="An upgrade from a release that only warned, a shorter limit, a restored copy, or a gateway that was off "
    "for long.",
    gateway="In mode enforce every save removes them, whatever the kind; 2026.5.22 spares groups, channels and "
    "threads. Their transcripts are renamed to .deleted. and deleted after the retention.",
    remedy="To keep them, set session.maintenance.pruneAfter to more than their age, or mode to warn, before the "
    "gateway starts.",
)

_LAST_WINS = "Every release sees only the last session of a key; the next save drops the others."
_BOOT_DEEP = NextBoot(
    v3_28="fails to load or save the store with a RangeError; it overwrites nothing, but it cannot work",
    v4_25="may fail to load or to save the store with a RangeError",
    v5_22="loads the store, and fails to save it from about 1,800 levels on",
    v9_6="may fail to import the store",
    unknown="2026.3.28 fails to load or to save the store with a RangeError; 2026.5.22 may fail to save it.",
)
_CASE_KEPT = "signal:group:"


@REGISTRY.check(DUPLICATE)
def duplicate_key(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for store, sessions in whole_stores(x):
        if sessions.repeated:
            yield DUPLICATE.finding(
                f"{plural(len(sessions.repeated), 'key appears', 'keys appear')} more than once; "
                f"{plural(len(sessions.hidden), 'earlier session', 'earlier sessions')} "
                f"({size(sessions.hidden_bytes)}) that no gateway sees, counted nowhere else.",
                _LAST_WINS,
                harms={Harm.HIDDEN: len(sessions.hidden)},
                count=len(sessions.repeated),
                agent_id=store.agent_id,
                path=store.read.ref.path,
                key=sessions.repeated[0],
                evidence={
                    "keys": list(sessions.repeated[:EXAMPLES]),
                    "hiddenEntries": len(sessions.hidden),
                    "hiddenBytes": sessions.hidden_bytes,
                },
            )


_BOOT_VARIANT = NextBoot(
    v3_28="uses the newest session of each group and deletes the others when it next writes that session",
    v4_25="keeps the newest session of each group at its start and deletes the others; their transcripts stay",
    v9_6="imports the file with its keys in lower case; which session of a group stays was not seen",
    unknown="The newest session of each group stays. The others are deleted at start (2026.4.25, 2026.5.22) or when "
    "that session is next written (2026.3.28).",
)


@REGISTRY.check(VARIANT)
def case_variant_key(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for store, sessions in whole_stores(x):
        groups = _variants(x, sessions)
        if groups:
            yield VARIANT.finding(
                f"{plural(len(groups), 'session')} with keys that differ only in case "
                f"({plural(sum(map(len, groups)), 'key')} in total).",
                _BOOT_VARIANT.of(x),
                brief=f"{plural(len(groups), 'session')} under keys of two spellings",
                count=len(groups),
                agent_id=store.agent_id,
                path=store.read.ref.path,
                key=groups[0][0],
                evidence={"groups": [list(keys[:EXAMPLES]) for keys in groups[:EXAMPLES]]},
            )


def _variants(x: Examination, sessions: FileSessions) -> list[tuple[str, ...]]:
    """Groups of keys that differ in case only, as the release in use looks keys up."""
    keeps_case = x.config.release.behaviour.keeps_case
    return [tuple(keys) for keys in sessions.variants if not (keeps_case and _CASE_KEPT in keys[0].lower())]


def merged_at_start(x: Examination) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """Agent and groups of keys of which a start of the release in use keeps one session each."""
    if not x.config.release.behaviour.merges_keys:
        return
    for store, sessions in whole_stores(x):
        groups = _variants(x, sessions)
        groups += _meeting(sessions, store.agent_id, x.config.main_key.value) if sessions.unscoped else []
        if groups:
            yield store.agent_id, groups


@REGISTRY.check(UNSCOPED)
def unscoped_key(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for store, sessions in whole_stores(x):
        groups = _meeting(sessions, store.agent_id, x.config.main_key.value) if sessions.unscoped else []
        if not groups:
            continue
        keeps = x.config.release.behaviour.keeps_unscoped_keys
        yield UNSCOPED.finding(
            f"{plural(len(groups), 'session key')} without an agent, where the full key is there as well.",
            "2026.4.25 and later keep the newest of each pair at a start, and drop the others."
            if keeps
            else f"{a_gateway(x)} keeps the newest of each pair at its start, and drops the others.",
            brief=f"{plural(len(groups), 'session key')} without an agent",
            count=len(groups),
            severity=Severity.INFO if keeps else None,
            agent_id=store.agent_id,
            path=store.read.ref.path,
            key=groups[0][0],
            evidence={"groups": [list(keys[:EXAMPLES]) for keys in groups[:EXAMPLES]]},
        )


def _meeting(sessions: FileSessions, agent_id: str, main_key: str) -> list[tuple[str, ...]]:
    """Groups of different keys that are one once each has its agent; the keys without one first."""
    full: defaultdict[str, list[str]] = defaultdict(list)
    for key in dict.fromkeys(sessions.unscoped):
        lowered = key.strip().lower()
        if lowered and lowered not in ("global", "unknown"):
            rest = main_key if lowered in (main_key, "main") else lowered
            full[f"agent:{agent_id}:{rest}"].append(key)
    for key in dict.fromkeys(each for each in sessions.table.all_keys() if each.strip().lower() in full):
        full[key.strip().lower()].append(key)
    return [tuple(keys) for keys in full.values() if len({key.lower() for key in keys}) > 1]


@REGISTRY.check(INVALID)
def invalid_entry(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for store, sessions in whole_stores(x):
        faults = [fault for fault in store.faults if fault.field != "age"]
        for fault in faults:
            yield _odd(x, store, fault)
        kept = sessions.invalid - sum(fault.rows for fault in faults if fault.field == "entry")
        if kept:
            yield _no_objects(x, store, kept)
        if sessions.deepest > SAFE_DEPTH:
            yield _nested(x, store, sessions.deepest)


_THEN = {
    Fate.DROPPED: "drops them when it loads the store, and its next save removes them from the file",
    Fate.PRUNED: "takes them for old, however recent they are: its next save in mode enforce removes them",
    Fate.LOAD_FAILS: "fails with a TypeError at every load and save of this store: no session of it works",
    Fate.SAVE_FAILS: "fails with a TypeError at every save of this store: what happens in its sessions is lost",
    Fate.LIST_FAILS: "fails with a TypeError when it lists sessions",
    Fate.CLEANUP_FAILS: "keeps them; `openclaw sessions cleanup` ends with an error and cleans nothing up",
}
_FIX_MISSING = "keeps them; `openclaw sessions cleanup --fix-missing` ends with an error"
_WOULD = {
    Fate.DROPPED: "would be dropped at load",
    Fate.PRUNED: "would be pruned",
    Fate.LOAD_FAILS: "would stop every load",
    Fate.SAVE_FAILS: "would stop every save",
    Fate.LIST_FAILS: "would stop every list",
    Fate.CLEANUP_FAILS: "would stop a cleanup",
}


def _odd(x: Examination, store: StoreFacts, fault: RowFault) -> Finding:
    known = x.config.release.policy is not None
    grave = fault.fate in (Fate.LOAD_FAILS, Fate.SAVE_FAILS) or (
        fault.fate in (Fate.DROPPED, Fate.PRUNED) and fault.people > 0
    )
    people = (
        f", {plural(fault.people, 'conversation')} among them" if fault.people else ", no conversation among them"
    )
    what = "the value" if fault.field == "entry" else fault.field
    shapes = ", ".join(f"{shape} ({count:,})" for shape, count in fault.shapes.items())
    old_cleanup = fault.fate is Fate.CLEANUP_FAILS and fault.field == "sessionId"
    who = a_gateway(x) if known else "A 2026.5.22 gateway"
    return INVALID.finding(
        f"{plural(fault.rows, 'session')} {_WOULD[fault.fate]}{people}: {what} is {shapes}.",
        f"{who} {_FIX_MISSING if old_cleanup else _THEN[fault.fate]}.",
        harms={Harm.UNUSABLE_VALUE: fault.people},
        count=fault.rows,
        severity=Severity.ERROR if grave and known else None,
        agent_id=store.agent_id,
        path=store.read.ref.path,
        key=fault.keys[0],
        evidence={
            "fate": fault.fate.value,
            "field": fault.field,
            "shapes": dict(fault.shapes),
            "conversations": fault.people,
            "keys": list(fault.keys[:EXAMPLES]),
        },
    )


def _no_objects(x: Examination, store: StoreFacts, count: int) -> Finding:
    budget = x.config.maintenance.max_disk_bytes.value
    trips = budget is not None and keeps_files(x)
    return INVALID.finding(
        f"{plural(count, 'entry is', 'entries are')} no object.",
        f"{a_gateway(x)} keeps them."
        + (" A null row makes its disk-budget scan fail with a TypeError." if trips else ""),
        count=count,
        agent_id=store.agent_id,
        path=store.read.ref.path,
        evidence={"notObjects": count, "maxDiskBytes": budget},
    )


@REGISTRY.check(PRUNE_DUE)
def prune_due(x: Examination, t: Thresholds) -> Iterator[Finding]:
    if x.config.release.policy is None:
        return
    for store, _ in sound_stores(x):
        for fault in store.faults:
            if fault.field != "age":
                continue
            limit = x.config.maintenance.prune_after.value
            whose = f"{plural(fault.people, 'conversation')} among them" if fault.people else "no conversation"
            yield PRUNE_DUE.finding(
                f"{plural(fault.rows, 'session')} not updated for {duration(limit)}; {whose}.",
                f"{a_gateway(x)} removes them at its next save of this store.",
                count=fault.rows,
                severity=None if fault.people else Severity.INFO,
                agent_id=store.agent_id,
                path=store.read.ref.path,
                key=fault.keys[0],
                evidence={
                    "pruneAfterMs": limit,
                    "conversations": fault.people,
                    "keys": list(fault.keys[:EXAMPLES]),
                },
            )


def _nested(x: Examination, store: StoreFacts, levels: int) -> Finding:
    return INVALID.finding(
        f"A row is nested {levels:,} levels deep; up to {SAFE_DEPTH:,} is safe.",
        _BOOT_DEEP.of(x),
        severity=Severity.ERROR,
        agent_id=store.agent_id,
        path=store.read.ref.path,
        evidence={"levels": levels, "safe": SAFE_DEPTH},
        by_hand="Stop the gateway and copy sessions.json to a safe place. Find the row with the most brackets inside "
        "each other, and remove that field from it.",
    )
