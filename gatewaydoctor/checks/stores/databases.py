"""Rules about agents whose sessions are, or are about to be, in a database. Nothing is written to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from gatewaydoctor.checks.boot import a_gateway
from gatewaydoctor.checks.registry import EXAMPLES, REGISTRY, Family, Rule
from gatewaydoctor.checks.stores.healthrules import start_over
from gatewaydoctor.model.database.health import BrokenPages, Unopened
from gatewaydoctor.model.database.refusals import CODES, NEWEST, Damage
from gatewaydoctor.model.gateway.entry import MACHINE_KINDS, Status, parse_key
from gatewaydoctor.model.gateway.era import KNOWN_SCHEMA
from gatewaydoctor.model.gateway.release import numbers
from gatewaydoctor.model.gateway.soundness import Absent, Damaged, Sound, TooLarge, Unread
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.words import ago, plural, size

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.model.database.health import ComparedLeftover
    from gatewaydoctor.model.database.migration import RetainedSource
    from gatewaydoctor.model.gateway.era import AgentEra, LegacyStore
    from gatewaydoctor.model.gateway.release import Release
    from gatewaydoctor.model.outcome.finding import Finding


LEGACY = Rule(
    id="legacy-store-beside-sqlite",
    family=Family.STORE,
    severity=Severity.WARNING,
    title="A sessions.json remains next to a session database",
    meaning="A release that keeps sessions in SQLite has written here, but an agent still has a "
    "sessions.json. It is compared with the database key by key. Critical if an import would "
    "replace newer rows; error if the release refuses to start because of the file; warning if "
    "nothing would be lost.",
    cause="An unfinished upgrade, an older release started in between, or a restored backup.",
    gateway="2026.8.1 (exit 1), 2026.9.3 and 2026.9.5 (exit 78) refuse to start while any such file exists. "
    "2026.9.6 imports a sound one: every key in it REPLACES the row of the database, however old "
    "it is, and an entry with another session id takes the conversation's place. It refuses to "
    "start (exit 78) because of a cut, empty or oversized one, a null entry, an unsafe session "
    "id, a hard link and a symbolic link.",
    remedy="Copy the directory first. If the database has every key, move the file out of the directory; else "
    "leave in it only the keys the database lacks. Do not start the gateway to see what happens.",
    repair="leftover",
    start_loses=True,
)

NEWER = Rule(
    id="newer-schema",
    family=Family.STORE,
    severity=Severity.ERROR,
    title="A database has a newer schema than gatewaydoctor knows",
    meaning="The user_version of a database is higher than the newest one gatewaydoctor knows, that of "
    "2026.9.6. gatewaydoctor draws no conclusions from its rows.",
    cause="A newer gateway release has written here, perhaps before a rollback.",
    gateway="A gateway older than the schema refuses to open the database and does not start (exit 78). "
    "The release that wrote it starts.",
    remedy="Start the release that wrote it, or restore a complete set of databases from before the "
    "upgrade. Do not lower user_version.",
)


@REGISTRY.check(LEGACY)
def legacy_store(x: Examination, t: Thresholds) -> Iterator[Finding]:
    compared = {each.path: each for each in x.health.leftovers}
    for agent in x.eras.agents:
        legacy = agent.legacy_store
        store = next((each for each in x.stores if legacy and each.read.ref.path == legacy.path), None)
        if legacy is None or store is None:
            continue
        leftover = compared.get(legacy.path)
        source = next((each for each in x.migration.retained if each.path == legacy.path and each.contradicted), None)
        if leftover is not None and source is not None:
            yield _rewritten(x, leftover, legacy, source)
        elif leftover is not None and (waiting := waiting_source(x, legacy.path)) is not None:
            yield _for_a_plugin(x, leftover, legacy, waiting)
        elif leftover is not None:
            yield _beside_database(x, leftover, legacy)
        else:
            yield _before_import(x, agent, legacy, store)


def _left_out(x: Examination, agent_id: str) -> bool:
    """Whether a start does without the agent, as its database is damaged."""
    health = next((each for each in x.health.databases if each.agent_id == agent_id), None)
    broken = health is not None and any(isinstance(each, Unopened | BrokenPages) for each in health.problems)
    return broken and start_over(x, Damage.AGENT, health).isolates


def _left(legacy: LegacyStore) -> str:
    return f"A sessions.json of {size(legacy.size)} is left next to the database of this agent"


def _brief(legacy: LegacyStore) -> str:
    return f"a sessions.json of {size(legacy.size)} is left"


def _sizes(leftover: ComparedLeftover, legacy: LegacyStore) -> dict[str, object]:
    return {
        "bytes": legacy.size,
        "entries": leftover.entries,
        "missingInDatabase": len(leftover.missing),
        "compared": leftover.compared,
    }


def _rewritten(x: Examination, leftover: ComparedLeftover, legacy: LegacyStore, source: RetainedSource) -> Finding:
    """The receipt of the import names the bytes that were imported: no edit of the file restores them, nor
    one of its database."""
    if source.changed:
        return _source_changed(leftover, legacy, source)
    at = f", {ago(x.now - source.rewritten_at)}" if source.rewritten_at else ""
    kept = " The import archive has the bytes of the receipt." if source.original else ""
    return LEGACY.finding(
        f"{_left(legacy)}, written after its import{at}: {_compared(leftover)}.{kept}",
        "2026.9.5 and later refuse to start (exit 78): the receipt of the import has another SHA-256.",
        brief=_brief(legacy),
        severity=Severity.ERROR,
        agent_id=leftover.agent_id,
        path=leftover.path,
        evidence=_sizes(leftover, legacy)
        | {
            "rewrittenAtMs": source.rewritten_at,
            "receiptStatus": source.status,
            "recordedSha256": source.recorded,
            "foundSha256": source.found,
            "original": source.original.name if source.original else None,
        },
        repair=None,
        by_hand="Copy the directory first (`gatewaydoctor snapshot`), and keep both files: neither an edit of this "
        "one nor its removal is what the receipt asks for. See `gatewaydoctor migration`.",
    )


def _source_changed(leftover: ComparedLeftover, legacy: LegacyStore, source: RetainedSource) -> Finding:
    """A transcript that its import keeps is compared byte for byte at each start."""
    first = source.changed[0]
    return LEGACY.finding(
        f"{plural(len(source.changed), 'transcript')} that the import of this agent keeps for a plugin "
        f"{'is' if len(source.changed) == 1 else 'are'} not as its receipt has them: {first.name}.",
        "2026.9.5 and later refuse to start (exit 78): the receipt of the import has another SHA-256.",
        brief=f"{plural(len(source.changed), 'source')} of its import changed",
        severity=Severity.ERROR,
        agent_id=leftover.agent_id,
        path=first,
        evidence=_sizes(leftover, legacy)
        | {"receiptStatus": source.status, "changed": [path.name for path in source.changed[:EXAMPLES]]},
        repair=None,
        by_hand="Put the file back as it was: undo the run that changed it (`gatewaydoctor runs list`), or take it "
        "from a backup.",
    )


def waiting_source(x: Examination, path: Path) -> RetainedSource | None:
    """What the receipt of an import tells of a store that stays for a plugin, where a start passes over it: seen with
    2026.9.5 and 2026.9.6 whose startup migrations are not marked as done."""
    found = numbers(x.config.release.version)
    if x.startup_migrated or found is None or found < (2026, 9, 5):
        return None
    return next((each for each in x.migration.retained if each.path == path and each.waits_for_plugin), None)


def ends_refusal(x: Examination, source: RetainedSource) -> bool:
    """Whether a start is refused because of it until it is gone."""
    return source.moved and refuses_leftovers(x.config.release)


def _for_a_plugin(x: Examination, leftover: ComparedLeftover, legacy: LegacyStore, source: RetainedSource) -> Finding:
    stops = ends_refusal(x, source)
    ahead = (
        f"{a_gateway(x)} refuses to start (exit 78): a file is not the one that the import's receipt names."
        if stops
        else f"{a_gateway(x)} starts, and imports it no second time."
    )
    return LEGACY.finding(
        f"{_left(legacy)}: {_compared(leftover)}. Its import keeps it for a plugin whose own migration is not done.",
        ahead,
        brief=_brief(legacy),
        severity=Severity.ERROR if stops else Severity.INFO,
        agent_id=leftover.agent_id,
        path=leftover.path,
        evidence=_sizes(leftover, legacy) | {"databaseMoved": source.moved, "receiptStatus": source.status},
        repair="leftover" if stops else None,
        by_hand=None if stops else "Install the plugin that the gateway names, then run `openclaw doctor --fix`.",
    )


def _beside_database(x: Examination, leftover: ComparedLeftover, legacy: LegacyStore) -> Finding:
    older = tuple(each for each in leftover.replaced if each.older)
    newer = len(leftover.replaced) - len(older)
    people = sum(parse_key(each.key).kind not in MACHINE_KINDS for each in older)
    severity, ahead, by_hand = _ahead(x, leftover, len(older), people)
    if _left_out(x, leftover.agent_id):
        # The sessions of the agent stay closed, and its files as they are.
        severity, ahead = (
            Severity.WARNING,
            f"A start passes over it as long as the database is damaged. Then: {ahead}",
        )
    return LEGACY.finding(
        f"{_left(legacy)}: {_compared(leftover)}.",
        ahead,
        brief=_brief(legacy),
        severity=severity,
        count=len(older) or 1,
        agent_id=leftover.agent_id,
        path=leftover.path,
        key=older[0].key if older else next(iter((*leftover.null_entries, *leftover.unsafe_ids)), None),
        evidence=_sizes(leftover, legacy)
        | {
            "links": legacy.links,
            "replacedOlder": len(older),
            "replacedOlderConversations": people,
            "replacedNewer": newer,
            "same": leftover.same,
            "nullEntries": len(leftover.null_entries),
            "unsafeIds": len(leftover.unsafe_ids),
            "skipped": leftover.skipped,
            "keys": [each.key for each in older[:EXAMPLES]],
        },
        repair="leftover" if _separable(x, leftover) else None,
        by_hand=by_hand,
    )


def _separable(x: Examination, leftover: ComparedLeftover) -> bool:
    """Whether `leftover` repairs it: all rows of file and database are known, and the file can go, or what stays in
    it is imported once the rows that do harm are out."""
    store = next((each for each in x.stores if each.read.ref.path == leftover.path), None)
    if store is None or store.sessions is None or not leftover.compared:
        return False
    damaged = isinstance(store.soundness, Damaged)
    if not (damaged or store.read.whole):
        return False
    refused = {*leftover.null_entries, *leftover.unsafe_ids}
    older = {each.key for each in leftover.replaced if each.older}
    wanted = {*leftover.missing, *(each.key for each in leftover.replaced)} - older - refused
    if not wanted:
        return True
    imported = not (refuses_leftovers(x.config.release) or leftover.refusal)
    return imported and bool(older or refused or x.startup_migrated)


def _compared(leftover: ComparedLeftover) -> str:
    if leftover.refusal is not None:
        return leftover.refusal
    if not leftover.compared:
        return "the database could not be read to compare them"
    older = sum(each.older for each in leftover.replaced)
    parts = (
        (older, "older than the database's"),
        (len(leftover.replaced) - older, "newer"),
        (leftover.same, "the same"),
        (len(leftover.missing), "not in the database"),
        (leftover.skipped, "without a session"),
        (len(leftover.null_entries), "null"),
        (len(leftover.unsafe_ids), "with an unsafe session id"),
    )
    found = ", ".join(f"{count:,} {what}" for count, what in parts if count)
    return f"{plural(leftover.entries or 0, 'entry', 'entries')}" + (f" ({found})" if found else "")


def _ahead(x: Examination, leftover: ComparedLeftover, older: int, people: int) -> tuple[Severity, str, str]:
    """Severity, what a start does, and what to do by hand."""
    away = "Copy the directory (`gatewaydoctor snapshot`), then move the file out of it."
    if refuses_leftovers(x.config.release):
        code = CODES[Damage.LEFTOVER].get(x.config.release.version or "")
        shown = f" (exit {code})" if code else ""
        return Severity.ERROR, f"{a_gateway(x)} refuses to start while any such file exists{shown}.", away
    if leftover.refusal is not None:
        own = "Copy the directory (`gatewaydoctor snapshot`), then put a copy of the file in its place."
        by_hand = own if "link" in leftover.refusal else away
        return Severity.ERROR, f"{a_gateway(x)} refuses to start with a leftover sessions.json (exit 78).", by_hand
    if x.startup_migrated:
        again = (
            f" After an upgrade or a move it imports it, and replaces {plural(older, 'newer row')}." if older else ""
        )
        return (
            Severity.ERROR,
            f"{a_gateway(x)} refuses to start with a leftover sessions.json (exit 78).{again}",
            away,
        )
    if leftover.null_entries or leftover.unsafe_ids:
        by_hand = (
            "Copy the directory, then remove these entries from the file, or move the file away if it has no other."
        )
        return Severity.ERROR, f"{a_gateway(x)} refuses to start (exit 78) and names no file.", by_hand
    if not leftover.compared:
        return Severity.ERROR, "An import would replace rows of the database, newer ones included.", away
    if older:
        who = f", {plural(people, 'conversation')} among them" if people else ""
        return (
            Severity.CRITICAL,
            f"{a_gateway(x)} imports it at start and replaces {plural(older, 'newer row')} of the database{who}.",
            "Keep the gateway stopped. Copy the directory, then leave in the file only what the database lacks, or "
            "move it away if that is nothing.",
        )
    if leftover.missing or leftover.replaced:
        return (
            Severity.WARNING,
            f"{a_gateway(x)} imports it at start: nothing newer is replaced.",
            _AT_ITS_START,
        )
    return Severity.WARNING, f"{a_gateway(x)} imports it at start, and nothing changes.", away


def refuses_leftovers(release: Release) -> bool:
    """Whether a release refuses every leftover store: 2026.8.1, 2026.9.3 and 2026.9.5 were seen to."""
    found = numbers(release.version)
    return found is not None and (2026, 7, 2) <= found <= (2026, 9, 5)


def imports_leftovers(release: Release) -> bool:
    """Whether a start takes files that lie next to an agent's database: seen with 2026.9.6."""
    return release.behaviour.sessions_in_database and not refuses_leftovers(release)


def _before_import(x: Examination, agent: AgentEra, legacy: LegacyStore, store: StoreFacts) -> Finding:
    """The agent has no database yet: the file is what a start imports."""
    refused = _refused_because(store, legacy)
    running = (
        sum(count for (_, status), count in store.sessions.counts.items() if status is Status.RUNNING)
        if store.sessions
        else 0
    )
    stops = refused or x.startup_migrated or refuses_leftovers(x.config.release)
    start = start_over(x, Damage.LEFTOVER)
    return LEGACY.finding(
        f"A sessions.json of {size(legacy.size)} waits to be imported: "
        + (f"{refused}." if refused else f"sound, {_rows(store)}, {running:,} of them running."),
        f"{start.who} refuses to start with a leftover sessions.json (exit {start.code}){start.hedge}."
        if stops
        else f"A {NEWEST} gateway imports it at start, every entry unchanged, including running ones.",
        brief=_brief(legacy),
        severity=Severity.ERROR if stops else None,
        agent_id=agent.agent_id,
        path=legacy.path,
        evidence={
            "bytes": legacy.size,
            "links": legacy.links,
            "sound": refused is None,
            "entries": store.sessions.entries if store.sessions else None,
            "running": running,
            "era": agent.era.value,
        },
        repair="leftover" if x.startup_migrated and _is_fit(store, refused) else _mending(store, refused, running),
        by_hand=_import(x) if _is_fit(store, refused) and not x.startup_migrated else None,
    )


def _import(x: Examination) -> str:
    return _BY_ITS_DOCTOR if refuses_leftovers(x.config.release) else _AT_ITS_START


_AT_ITS_START = "Copy the directory first, then start the gateway."
_BY_ITS_DOCTOR = (
    "Copy the directory (`gatewaydoctor snapshot`), then have the release import the file, which starts no gateway: "
    "`openclaw doctor --fix`."
)
"""Seen with 2026.8.1 and 2026.9.3, of agents without a database."""


def _is_fit(store: StoreFacts, refused: str | None) -> bool:
    return isinstance(store.soundness, Sound) and refused is None


def _mending(store: StoreFacts, refused: str | None, running: int) -> str | None:
    """What makes the file fit for its import: a damaged one is rebuilt, stuck rows of a sound one are ended."""
    match store.soundness:
        case Absent() | Unread():
            return None
        case Damaged():
            return "salvage"
        case TooLarge():
            return "trim slim"
        case Sound():
            return "expire" if running and refused is None else None
        case _:
            assert_never(store.soundness)


def _refused_because(store: StoreFacts, legacy: LegacyStore) -> str | None:
    match store.soundness:
        case Absent() | Unread():
            return "it cannot be read"
        case Damaged() | TooLarge():
            return "it is damaged or too large"
        case Sound():
            return f"it has {legacy.links} hard links" if legacy.links > 1 else None
        case _:
            assert_never(store.soundness)


def _rows(store: StoreFacts) -> str:
    return plural(store.sessions.entries if store.sessions else 0, "entry", "entries")


@REGISTRY.check(NEWER)
def newer_schema(x: Examination, t: Thresholds) -> Iterator[Finding]:
    newer = [database for database in x.eras.databases if database.newer_schema]
    if not newer:
        return
    first = newer[0]
    yield NEWER.finding(
        f"{plural(len(newer), 'database')} with a newer schema: {first.role} "
        f"{first.user_version}, newest known {KNOWN_SCHEMA[first.role]}.",
        "A gateway older than the schema refuses to start (exit 78); the release that wrote it starts.",
        brief=f"{plural(len(newer), 'database')} of a newer release",
        count=len(newer),
        path=first.path,
        evidence={
            "databases": [
                {
                    "path": str(database.path),
                    "role": database.role.value,
                    "userVersion": database.user_version,
                    "known": KNOWN_SCHEMA[database.role],
                }
                for database in newer[:EXAMPLES]
            ]
        },
    )
