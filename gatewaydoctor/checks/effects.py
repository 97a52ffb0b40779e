"""What a finding makes of the next start, by its rule. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.boot import release_name
from gatewaydoctor.checks.stores.healthrules import ISOLATES, UNTRIED
from gatewaydoctor.checks.unread import CHANGING
from gatewaydoctor.model.command import typed
from gatewaydoctor.model.database.refusals import CODES, NEWEST, Damage, seen_start
from gatewaydoctor.model.gateway.era import DatabaseRole
from gatewaydoctor.model.gateway.files import Obstacle
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.outcome.verdict import Effect, NextStep, StartEffect
from gatewaydoctor.model.words import capital, plural, rounded_size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from gatewaydoctor.model.gateway.release import Release
    from gatewaydoctor.model.outcome.finding import Finding

    Judge = Callable[[Finding, Release, Sequence[Finding]], StartEffect | None]


SCAN_AGAIN = NextStep(typed("scan"), "once nothing writes there; fuser and lsof name what does")
UNLOADABLE_DEPTH = 1_600
"""Levels of nesting from which 2026.3.28 loads a store no more."""


def start_effect(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    """What a start of this release makes of one finding; None where it decides nothing. A critical finding of a rule
    that says nothing here puts a start at risk."""
    judge = EFFECTS.get(finding.rule)
    if judge is not None:
        return judge(finding, release, findings)
    if finding.severity is Severity.CRITICAL:
        return StartEffect(Effect.RISKS, finding.consequence, place_of(finding) + headline(finding.message))
    return None


def _who(release: Release) -> str:
    return release_name(release) or "the gateway"


def place_of(finding: Finding) -> str:
    return f"{finding.agent_id}: " if finding.agent_id else ""


def headline(message: str) -> str:
    """The first sentence of a message, without its full stop, as the continuation of a line."""
    sentence = message.partition(". ")[0].removesuffix(".")
    word = sentence.partition(" ")[0]
    return f"{sentence[:1].lower()}{sentence[1:]}" if word == "A" or word[1:].islower() else sentence


def _loads_empty(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    """A store that this release takes for an empty one, or refuses."""
    if finding.evidence.get("reason") is not None:
        reason = "The session store could not be read, so it is not known what a start does with it."
        return StartEffect(Effect.UNREAD, reason, f"{place_of(finding)}{headline(finding.message)}")
    if finding.evidence.get(CHANGING):
        reason = "The session store was written to while it was read, so it is not known what a start does with it."
        cause = f"{place_of(finding)}sessions.json changed while it was read"
        return StartEffect(Effect.UNREAD, reason, cause, step=SCAN_AGAIN)
    what = "a store this large" if "limit" in finding.evidence else "a damaged store"
    first = finding.message.partition(". ")[0].removesuffix(".")
    said = first.removeprefix("The file ").removeprefix("The store ")
    cause = f"{place_of(finding)}sessions.json" + (f" {said}" if said != first else f": {headline(first)}")
    if release.behaviour.sessions_in_database:
        start = seen_start(Damage.LEFTOVER, release_name(release))
        reason = f"{start.release} refuses to start (exit {start.code}) because of {what}{start.hedge}."
        return StartEffect(Effect.FAILS, reason, cause)
    reason = f"It would lose all of {_of(finding)}: {_who(release)} loads {what} as EMPTY and overwrites it."
    return StartEffect(Effect.LOSES, reason, cause)


def _of(finding: Finding) -> str:
    return f"agent {finding.agent_id}" if finding.agent_id else "the store"


def _begins_empty(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    if finding.severity is not Severity.CRITICAL:
        return None
    reason = f"It would start with an EMPTY history for {_of(finding)}, and every save buries the old index deeper."
    transcripts = plural(finding.count, "transcript") + " that would stay without a session."
    return StartEffect(Effect.LOSES, reason, f"{place_of(finding)}{headline(finding.message)}", transcripts)


def _exhausts_heap(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    if finding.severity < Severity.ERROR:
        return None
    figures = finding.evidence
    low, high = (_figure(figures, name) for name in ("heapBytesMeasuredRatio", "heapBytesReportedRatio"))
    limit = _figure(figures, "heapLimitBytes")
    needs = (
        f"Loading the store needs an estimated {rounded_size(low, high)} of heap; the limit is {rounded_size(limit)}."
    )
    fate = (
        "It crashes and restarts forever."
        if finding.severity is Severity.CRITICAL
        else "It would crash and restart forever."
    )
    effect = Effect.FAILS if finding.severity is Severity.CRITICAL else Effect.RISKS
    return StartEffect(effect, f"{needs} {fate}", _heap_cause(finding, findings))


def _figure(figures: Mapping[str, object], name: str) -> int:
    value = figures.get(name)
    return value if isinstance(value, int) else 0


def _heap_cause(finding: Finding, findings: Sequence[Finding]) -> str:
    """What filled the store: the jobs that retry, else the runs that never ended, else its size."""
    mine = {each.rule: each for each in findings if each.agent_id == finding.agent_id}
    rapid, stuck = mine.get("cron-rapid-retry"), mine.get("session-stuck-running")
    parts = []
    if rapid is not None:
        parts.append(f"{plural(rapid.count, 'cron job retries', 'cron jobs retry')} without end")
    if stuck is not None:
        parts.append(f"{plural(stuck.count, 'session')} never ended")
    sessions, size = _figure(finding.evidence, "entries"), rounded_size(_figure(finding.evidence, "bytes"))
    return place_of(finding) + ("; ".join(parts) or f"{plural(sessions, 'session')} in {size}")


def _config(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    obstacle, newest = finding.evidence.get("obstacle"), release_name(release) == NEWEST
    # What is in place of the file is there for the gateway, too.
    if obstacle not in (None, Obstacle.NOT_A_FILE):
        return StartEffect(
            Effect.UNREAD, "The config was not read, so defaults are assumed.", headline(finding.message)
        )
    if finding.evidence.get("restored"):
        return StartEffect(Effect.RISKS, finding.consequence, headline(finding.message))
    if finding.severity < Severity.ERROR:
        return None
    in_place = obstacle is not None and release.behaviour.sessions_in_database
    code = " (exit 78)" if newest or (in_place and release.version) else ""
    reason = f"{capital(_who(release))} refuses to start because of its config{code}."
    return StartEffect(Effect.FAILS, reason, headline(finding.message))


def _newer_config(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    started = str(finding.evidence["started"])
    code = CODES[Damage.CONFIG].get(started, 1)
    reason = f"{started}, which last started here, refuses to start (exit {code}): the config is of a newer release."
    return StartEffect(Effect.FAILS, reason, headline(finding.message))


def _refused(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect:
    effect = Effect.FAILS if finding.severity >= Severity.ERROR else Effect.RISKS
    return StartEffect(effect, finding.consequence, headline(finding.message))


def _without_mode(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    return _refuses_without_mode(release, headline(finding.message))


def _refuses_without_mode(release: Release, cause: str) -> StartEffect:
    code = " (exit 78)" if release_name(release) == NEWEST else ""
    return StartEffect(Effect.FAILS, f"{capital(_who(release))} refuses to start without gateway.mode{code}.", cause)


def _denied(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    if finding.evidence.get("obstacle") is not None:
        return StartEffect(Effect.UNREAD, "Permission to read was denied here.", headline(finding.message))
    if finding.severity < Severity.ERROR:
        return None
    refused = finding.evidence.get("startRefused")
    reason = (
        f"refuses to start: its user may not {str(refused).replace('its config', 'the config')}."
        if refused
        else "begins without sessions it cannot read."
    )
    return StartEffect(
        Effect.FAILS if refused else Effect.RISKS, f"{capital(_who(release))} {reason}", headline(finding.message)
    )


def _read_only(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    if not finding.evidence.get("readOnlyMount"):
        return None
    return StartEffect(Effect.UNREAD, finding.message, "a gateway for which it is read-only, too, refuses to start")


def _no_space(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    if not finding.evidence.get("startRefused"):
        return None
    return StartEffect(Effect.FAILS, finding.consequence, f"the volume is full: {headline(finding.message)}")


def _shrunk(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    if finding.severity < Severity.ERROR:
        return None
    cause = f"openclaw.json: {headline(finding.message)}"
    if finding.evidence.get("lostMode"):
        return _refuses_without_mode(release, cause)
    return StartEffect(Effect.RISKS, "It would start without the agents, channels and models the config lost.", cause)


def _database(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    """A database: losing is critical, refusing or doing without an agent an error, and what is milder stops nothing.
    A refusal by a release that was not tried is only a risk."""
    cause = f"{place_of(finding)}{headline(finding.message)}"
    match finding.severity:
        case Severity.CRITICAL:
            return StartEffect(Effect.LOSES, finding.consequence, cause)
        case Severity.ERROR if finding.evidence.get(ISOLATES) or finding.evidence.get(UNTRIED):
            return StartEffect(Effect.RISKS, finding.consequence, cause)
        case Severity.ERROR:
            return StartEffect(Effect.FAILS, finding.consequence, cause)
        case _:
            return None


def _unread_database(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    return StartEffect(Effect.UNREAD, finding.message, f"{place_of(finding)}{headline(finding.message)}")


def _leased(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    if finding.severity < Severity.WARNING:
        return None
    return StartEffect(Effect.FAILS, finding.consequence, headline(finding.message))


def _jobs_elsewhere(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    if finding.severity < Severity.ERROR:
        return None
    return StartEffect(Effect.RISKS, f"{plural(finding.count, 'cron job')} would not run.", headline(finding.message))


def _jobs_lost(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    """Jobs that the start deletes or sets aside, or one that keeps every job from running."""
    if finding.severity < Severity.ERROR:
        return None
    if finding.evidence.get("stopsScheduler") and finding.evidence.get("inDatabase"):
        return StartEffect(Effect.RISKS, _UNSCHEDULED, headline(finding.message))
    if finding.evidence.get("inDatabase"):
        return StartEffect(
            Effect.RISKS, f"{plural(finding.count, 'cron job')} would not run.", headline(finding.message)
        )
    gone = _figure(finding.evidence, "deleted")
    deletes = f"{capital(_who(release))} would delete {plural(gone, 'cron job')} from jobs.json and its backup."
    stops = finding.evidence.get("stopsScheduler")
    return StartEffect(
        Effect.RISKS, finding.consequence if stops else deletes, f"jobs.json: {headline(finding.message)}"
    )


def _no_jobs(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    """A jobs.json that cannot be parsed, or is not a file: the gateway comes up, and its scheduler does not. Where
    startup migrations want the file, it does not come up."""
    if finding.evidence.get("startRefused"):
        return StartEffect(Effect.FAILS, finding.consequence, headline(finding.message))
    in_place = finding.evidence.get("obstacle") == Obstacle.NOT_A_FILE
    of_files = not release.behaviour.sessions_in_database and not finding.evidence.get("jobsInDatabase")
    blocked = in_place and (release.version == NEWEST or of_files)
    if finding.severity < Severity.ERROR or not (blocked or finding.evidence.get("read") == "unparseable"):
        return None
    return StartEffect(Effect.RISKS, _UNSCHEDULED, headline(finding.message))


_UNSCHEDULED = "It would start without its scheduler: no cron job runs."


def _newer(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    databases = finding.evidence.get("databases")
    roles = {each["role"] for each in databases} if isinstance(databases, list) else set()
    damage = Damage.QUARANTINE_NEWER if roles == {DatabaseRole.QUARANTINE.value} else Damage.NEWER
    code = CODES[damage].get(release_name(release) or "")
    if code is not None:
        reason = f"{capital(_who(release))} refuses to start (exit {code}) because of a newer schema."
        return StartEffect(Effect.FAILS, reason, headline(finding.message))
    reason = "A database was written by a newer release than gatewaydoctor knows; an older one refuses to start."
    return StartEffect(Effect.UNREAD, reason, headline(finding.message))


def _empties_history(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    if finding.severity < Severity.ERROR:
        return None
    reason = (
        f"The next message in {plural(finding.count, 'session')} would empty its transcript: the history is lost."
    )
    return StartEffect(Effect.RISKS, reason, f"{place_of(finding)}{headline(finding.message)}")


def _loops(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    reason = "The last starts ended in the same session; the next one is likely to do so again."
    return StartEffect(Effect.RISKS, reason, f"{place_of(finding)}{headline(finding.message)}")


def _registry(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    if finding.severity < Severity.ERROR:
        return None
    if finding.evidence.get("read") == "unreadable":
        return StartEffect(Effect.UNREAD, "The subagent registry could not be read.", headline(finding.message))
    reason = "It would forget its subagents: the registry loads as EMPTY and is overwritten by the next run."
    return StartEffect(Effect.RISKS, reason, headline(finding.message))


_BY_FATE = {
    "dropped": "would drop {} when it loads the store.",
    "pruned": "would remove {} at its next save, as if they were old.",
    "load-fails": "can load and save no session of a store.",
    "save-fails": "can save no session of a store.",
}


def _values(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    """Sessions that are lost over a field's type; and 2026.3.28 cannot load a store that is nested too deeply, which
    later releases fail to save."""
    if finding.severity < Severity.ERROR:
        return None
    if (what := _BY_FATE.get(str(finding.evidence.get("fate")))) is not None:
        people = plural(_figure(finding.evidence, "conversations"), "conversation")
        reason = f"{capital(_who(release))} {what.format(people)}"
        return StartEffect(Effect.RISKS, reason, f"{place_of(finding)}{headline(finding.message)}")
    cause = f"{place_of(finding)}{headline(finding.message)}"
    if not release.behaviour.loads_deep_rows and _figure(finding.evidence, "levels") > UNLOADABLE_DEPTH:
        return StartEffect(
            Effect.FAILS, f"{_who(release)} cannot load the store: every message ends in a RangeError.", cause
        )
    return StartEffect(Effect.RISKS, f"{capital(_who(release))} may fail to load or to save the store.", cause)


def _evicts(finding: Finding, release: Release, findings: Sequence[Finding]) -> StartEffect | None:
    if finding.severity < Severity.ERROR:
        return None
    people = _figure(finding.evidence, "conversationsAmongThem")
    reason = (
        f"{capital(_who(release))} would drop {plural(people, 'conversation')} at once: the store is over its cap."
    )
    return StartEffect(Effect.RISKS, reason, f"{place_of(finding)}{headline(finding.message)}")


EFFECTS: dict[str, Judge] = {
    "store-unparseable": _loads_empty,
    "store-too-large-for-gateway": _loads_empty,
    "store-not-object": _loads_empty,
    "store-empty-beside-transcripts": _begins_empty,
    "store-heap-risk": _exhausts_heap,
    "store-invalid-entry": _values,
    "store-over-cap": _evicts,
    "config-unreadable": _config,
    "config-refused": _refused,
    "config-without-mode": _without_mode,
    "config-newer": _newer_config,
    "permission-denied": _denied,
    "permissions": _read_only,
    "disk-space": _no_space,
    "config-shrunk": _shrunk,
    "legacy-store-beside-sqlite": _database,
    "legacy-file-left": _database,
    "legacy-file-damaged": _database,
    "migration-receipt-open": _database,
    "database-corrupt": _database,
    "database-empty": _database,
    "database-missing": _database,
    "database-log-missing": _database,
    "database-log-foreign": _database,
    "database-owner": _database,
    "database-foreign-keys": _database,
    "database-schema": _database,
    "database-entry-invalid": _database,
    "database-quarantined": _database,
    "database-unreadable": _unread_database,
    "database-lease": _leased,
    "jobs-other-path": _jobs_elsewhere,
    "cron-job-cannot-run": _jobs_lost,
    "cron-store-unparseable": _no_jobs,
    "newer-schema": _newer,
    "transcript-bad-header": _empties_history,
    "transcript-boot-loop": _loops,
    "subagents-unreadable": _registry,
}
"""Rule -> what a start makes of its findings. A rule that is not here decides nothing, unless it is critical."""
