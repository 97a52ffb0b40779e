"""The rules about databases that a start refuses, loses or replaces: their texts, and their findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.boot import release_name
from gatewaydoctor.checks.registry import Family, Rule
from gatewaydoctor.model.database.refusals import NEWEST, SeenStart, seen_start
from gatewaydoctor.model.gateway.era import DatabaseRole
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.words import capital

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.database.health import DatabaseHealth
    from gatewaydoctor.model.database.refusals import Damage
    from gatewaydoctor.model.outcome.finding import Finding, Harm

CORRUPT = Rule(
    id="database-corrupt",
    family=Family.STORE,
    severity=Severity.ERROR,
    title="A database is damaged",
    meaning="The pages of a database contradict each other, or the file is not a database at all, or an index does "
    "not fit its table, or a record of it that a start needs cannot be read. Where only an index is damaged, its "
    "table has every row.",
    cause="A full disk, a power cut, a network or shared mount, a copy of a running database, a bad disk.",
    gateway="2026.9.6 refuses to start with a damaged table or index and prints neither the path nor a way out; it "
    "rebuilds an index that is missing altogether. The recovery of its own doctor renames the database away and "
    "starts empty.",
    repair="salvage",
    remedy="Copy the directory, then rebuild the database from the rows that can still be read. Do not run "
    "`openclaw doctor --session-sqlite recover`: it starts empty.",
)

EMPTY = Rule(
    id="database-empty",
    family=Family.STORE,
    severity=Severity.ERROR,
    title="A database is empty",
    meaning="The file is there and has 0 bytes, or no table. Critical if a start takes it for a new one: the state "
    "database always, an agent's where the startup migrations are done.",
    cause="A full disk while it was created or copied, or a copy that was cut off at once.",
    gateway="2026.9.6 refuses to start with an agent database of 0 bytes, and leaves a backup of it at "
    "each attempt. With a state database of 0 bytes it starts: cron jobs, deliveries and "
    "pairings are gone.",
    remedy="Restore the database with its -wal from a backup. Without one, `gatewaydoctor migration` shows "
    "what files and archives still hold.",
    start_loses=True,
)

MISSING = Rule(
    id="database-missing",
    family=Family.STORE,
    severity=Severity.CRITICAL,
    title="A database is gone",
    meaning="A database that should exist is missing: the registry, its -wal or the other databases show "
    "that it existed. Info only if the config does not have its agent and nothing of it is left.",
    cause="A partial restore, a volume that is not mounted, a file moved away, or a repair that was cut off.",
    gateway="2026.9.6 starts with an EMPTY history for that agent, or without any cron job, delivery and pairing if "
    "the state database is gone, and copies a -wal that is left out of the way.",
    remedy="Keep the gateway stopped. Put the database and its -wal back from a backup, as one set. Without one, "
    "`gatewaydoctor migration` shows what files and archives still hold.",
    start_loses=True,
)

LOG_GONE = Rule(
    id="database-log-missing",
    family=Family.STORE,
    severity=Severity.CRITICAL,
    title="The log of a database is gone",
    meaning="The gateway did not close this database, so its last commits are in the -wal, and that is not there or "
    "cannot be used. Info only if the database was written later: another program may have folded the log in.",
    cause="A -wal deleted to unlock a database, a copy or restore without it, or a damaged file.",
    gateway="2026.9.6 starts on the last checkpoint: newer messages are gone, removed sessions are back, and "
    "interrupted turns run again.",
    remedy="Keep the gateway stopped and restore the -wal next to its database, from the same moment.",
    start_loses=True,
)

LOG_FOREIGN = Rule(
    id="database-log-foreign",
    family=Family.STORE,
    severity=Severity.ERROR,
    title="A database has the log of another one",
    meaning="The -wal or rollback journal next to this database is not its own: without it the database is sound; "
    "with it, the database belongs to another agent or its pages contradict each other.",
    cause="A restore that mixed files of two agents or of two moments.",
    gateway="2026.9.6 refuses to start and leaves both files as they are. A program that opens the database for "
    "writing folds the foreign pages in and overwrites its content; a start was once seen to do so, too.",
    remedy="Keep the gateway stopped and move the -wal and -shm, or the -journal, of this database out of the "
    "directory.",
    repair="logs",
)

OWNER = Rule(
    id="database-owner",
    family=Family.STORE,
    severity=Severity.ERROR,
    title="A database belongs to another agent",
    meaning="The database names another agent as its owner, or names none.",
    cause="A database copied or restored into the directory of another agent, or edited.",
    gateway="2026.9.6 refuses to start, for all agents.",
    remedy="Put the agent's own database back, or move this one to the agent it belongs to. If all its sessions are "
    "this agent's and only the record is wrong or missing, `gatewaydoctor repair schema` corrects it.",
)

FOREIGN_KEYS = Rule(
    id="database-foreign-keys",
    family=Family.STORE,
    severity=Severity.ERROR,
    title="Rows of a database refer to rows that are gone",
    meaning="Rows name a row that does not exist, such as events of a missing session.",
    cause="Rows deleted by hand, or by a program that had foreign keys switched off.",
    gateway="2026.9.6 checks every foreign key and refuses to start.",
    remedy="On a copy of the database, make the session row or window of a transcript again, and remove other rows.",
    repair="schema",
)

SCHEMA = Rule(
    id="database-schema",
    family=Family.STORE,
    severity=Severity.ERROR,
    title="The tables of a database are not those of its release",
    meaning="A trigger, table, column or unique index is missing, changed or not part of the release, or the "
    "version in the header differs from the recorded one.",
    cause="An edit with another SQLite program, or an upgrade that was cut off.",
    gateway="2026.9.6 refuses to start. An additional table, plain index or plain column does no harm.",
    remedy="Restore the missing trigger from another agent's database of the same release, drop the trigger or "
    "unique index that the release does not have, or set the version that the tables have.",
    repair="schema",
)

ENTRIES = Rule(
    id="database-entry-invalid",
    family=Family.STORE,
    severity=Severity.CRITICAL,
    title="Session rows that a start would rebuild with losses",
    meaning="The entry of a session row is not a JSON object, has no time, or names another session or parent than "
    "its columns, or its key is not spelled as the gateway spells keys.",
    cause="A manual edit, or a program that wrote one without the other.",
    gateway="2026.9.6 starts and rebuilds such an entry from the columns: everything else in it is silently lost.",
    remedy="Copy the directory before a start, and correct the entry on a copy.",
    start_loses=True,
)

QUARANTINED = Rule(
    id="database-quarantined",
    family=Family.STORE,
    severity=Severity.ERROR,
    title="The gateway has put a database under quarantine",
    meaning="A record names the database as damaged. It stays until it is removed, even if the database is sound. "
    "Or the file with these records is itself damaged. Info only if the record names a path that the database no "
    "longer has.",
    cause="A check that failed or ran out of time, perhaps long ago.",
    gateway="2026.9.6 refuses to start as long as the record is there, and its doctor cannot remove it.",
    remedy="If a full check finds nothing, the record can go; else rebuild the database first.",
    repair="quarantine",
)

UNREADABLE = Rule(
    id="database-unreadable",
    family=Family.STORE,
    severity=Severity.ERROR,
    title="A database could not be read",
    meaning="The system refuses to open the file, or it changed during every attempt to read it.",
    cause="Another owner or mode than that of the user who runs this, or a gateway that is writing.",
    gateway="If the gateway runs as a user who may not read it either, it refuses to start.",
    remedy="Run this as the user the gateway runs as, and see whether that user may read and write the file.",
)

ISOLATES = "startsWithoutAgent"
"""Evidence that a start does without the sessions of the agent, or not with them where they are."""
UNTRIED = "releaseNotTried"
"""Evidence: the release in use, where only another one was seen to refuse."""
_NAMES = {DatabaseRole.STATE: "the state database", DatabaseRole.QUARANTINE: "the quarantine store"}


def finding_of(
    rule: Rule,
    health: DatabaseHealth,
    message: str,
    ahead: str | SeenStart,
    evidence: Mapping[str, object],
    *,
    brief: str = "",
    harms: Mapping[Harm, int] | None = None,
    severity: Severity | None = None,
    count: int = 1,
    key: str | None = None,
    by_hand: str | None = None,
    repair: str | None = None,
) -> Finding:
    """`ahead` is what a start does, or a sentence about it."""
    if isinstance(ahead, SeenStart):
        severity = severity or severity_of(ahead)
        evidence = {**evidence, ISOLATES: True} if ahead.isolates else evidence
        if ahead.refuses and ahead.untried:
            evidence = {**evidence, UNTRIED: ahead.untried}
        ahead = _without_state(ahead) if ahead.isolates and health.agent_id is None else refuses(ahead)
    return rule.finding(
        message,
        ahead,
        brief=brief,
        harms=harms,
        count=count,
        severity=severity,
        agent_id=health.agent_id,
        path=health.path,
        key=key,
        evidence={**evidence, "role": health.role.value},
        repair=repair,
        by_hand=by_hand,
    )


def start_over(x: Examination, damage: Damage, health: DatabaseHealth | None = None) -> SeenStart:
    """What the release in use makes of the damage, else what 2026.9.6 does. `health` is the database where it matters
    whose it is."""
    due = not x.startup_migrated
    apart = health is not None and health.agent_id is not None and _can_be_left_out(x, health.agent_id)
    return seen_start(damage, release_name(x.config.release), due=due, apart=apart)


def _can_be_left_out(x: Examination, agent_id: str) -> bool:
    others = {agent.agent_id for agent in x.config.agents} - {x.config.default_agent, "main"}
    return agent_id in others and x.config.problem is None


def refuses(start: SeenStart, more: str = "") -> str:
    """The whole sentence of what is ahead; `more` continues that of a refusal."""
    if start.isolates:
        return f"{start.who} starts without the sessions of this agent until it is repaired{start.hedge}."
    if start.refuses:
        return f"{start.who} refuses to start (exit {start.code}){more}{start.hedge}."
    return f"{start.who} starts with it; {NEWEST} refuses to."


def _without_state(start: SeenStart) -> str:
    return f"{start.who} starts without what it cannot read there, such as cron jobs{start.hedge}."


def severity_of(start: SeenStart) -> Severity | None:
    """That of the rule where the start is refused, or does without an agent."""
    return None if start.refuses or start.isolates else Severity.WARNING


def who_of(health: DatabaseHealth, *, small: bool = False) -> str:
    text = _NAMES.get(health.role, "the database of an agent")
    return text if small else capital(text)


def some_of(names: Iterable[str]) -> str:
    """Table names, which are the gateway's own words and no names from messages."""
    known = [name if name.isidentifier() and len(name) < 60 else "another table" for name in names]
    return ", ".join(known[:3]) + (f" and {len(known) - 3} more" if len(known) > 3 else "")
