"""Rules about agents whose sessions are, or are about to be, in a database. Nothing is written to one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.registry import EXAMPLES, REGISTRY, Family, Rule
from gatewaydoctor.model.gateway.entry import Status
from gatewaydoctor.model.gateway.era import KNOWN_SCHEMA
from gatewaydoctor.model.gateway.store import Readable
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.words import plural, size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.stores import StoreFacts
    from gatewaydoctor.model.gateway.era import LegacyStore
    from gatewaydoctor.model.outcome.finding import Finding

LEGACY = Rule(
    id="legacy-store-beside-sqlite",
    family=Family.STORE,
    severity=Severity.WARNING,
    title="A sessions.json is left where sessions live in a database",
    meaning="A release that keeps sessions in SQLite has written here, and an agent still has a sessions.json. The "
    "file is read as an import source, not as the store. It is an error where that release refuses it: torn, empty, "
    "no object, too large, or hard-linked.",
    cause="An upgrade that was not finished, an older release started in between, or a backup copied back.",
    gateway="2026.9.6 imports a sound file at start and moves it to session-sqlite-import-archive; rows come over "
    "as they are, phantom running ones included, and nothing shrinks. Over a torn, empty, oversized or hard-linked "
    "one it refuses to start (exit 78). Some reports have sound ones refused as well, under a service manager.",
    remedy="Mend the file if it is damaged and clear stuck running rows in it, then start the gateway or run its "
    "import. Do not move the file away to get a start: the gateway would show an empty history.",
    repair="salvage",
)

NEWER = Rule(
    id="newer-schema",
    family=Family.STORE,
    severity=Severity.WARNING,
    title="A database has a newer schema than gatewaydoctor knows",
    meaning="The user_version of a database is above the newest one that was read, that of 2026.9.6. Nothing is "
    "concluded from its rows.",
    cause="A newer release of the gateway has written here, perhaps before it was rolled back.",
    gateway="A gateway older than the schema refuses to open the database and to start (exit 78). The one that "
    "wrote it starts.",
    remedy="Start the release that wrote it, or restore a whole set of databases from before the upgrade. Do not "
    "lower user_version.",
)


@REGISTRY.check(LEGACY)
def legacy_store(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for agent in x.eras.agents:
        legacy = agent.legacy_store
        store = next((each for each in x.stores if legacy and each.read.ref.path == legacy.path), None)
        if legacy is None or store is None:
            continue
        refused = _refused_because(store, legacy)
        running = (
            sum(count for (_, status), count in store.survey.counts.items() if status is Status.RUNNING)
            if store.survey
            else 0
        )
        yield LEGACY.finding(
            f"A sessions.json of {size(legacy.size)} is left beside SQLite: "
            + (f"{refused}." if refused else f"sound, {_rows(store)}, {running:,} of them running."),
            "A 2026.9.6 gateway refuses to start over it (exit 78)."
            if refused
            else "A 2026.9.6 gateway imports it at start, row by row as it is, running ones included.",
            severity=Severity.ERROR if refused else None,
            agent_id=agent.agent_id,
            path=legacy.path,
            evidence={
                "bytes": legacy.size,
                "links": legacy.links,
                "sound": refused is None,
                "entries": store.survey.entries if store.survey else None,
                "running": running,
                "era": agent.era.value,
            },
            repair=_mending(store, refused, running),
        )


def _mending(store: StoreFacts, refused: str | None, running: int) -> str | None:
    """What makes the file fit for its import: a damaged one is rebuilt, stuck rows of a sound one are ended."""
    if store.survey is None:
        return None
    if store.survey.verdict.fault is not None:
        return "salvage"
    if store.survey.verdict.too_large:
        return "trim"
    return "expire" if running and refused is None else None


def _refused_because(store: StoreFacts, legacy: LegacyStore) -> str | None:
    if store.survey is None:
        return "it could not be read here"
    if store.survey.verdict.readable is not Readable.YES:
        return "it is damaged or too large"
    return f"it has {legacy.links} hard links" if legacy.links > 1 else None


def _rows(store: StoreFacts) -> str:
    return plural(store.survey.entries if store.survey else 0, "entry", "entries")


@REGISTRY.check(NEWER)
def newer_schema(x: Examination, t: Thresholds) -> Iterator[Finding]:
    newer = [database for database in x.eras.databases if database.newer_schema]
    if not newer:
        return
    first = newer[0]
    yield NEWER.finding(
        f"{plural(len(newer), 'database')} with a schema newer than known: {first.role} {first.user_version}, known "
        f"{KNOWN_SCHEMA[first.role]}.",
        "A gateway older than the schema refuses to start (exit 78); the release that wrote it starts.",
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
