"""Rules about single sessions: running ones that are not, transcripts that are gone, paths of other hosts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.boot import NextBoot
from gatewaydoctor.checks.registry import EXAMPLES, REGISTRY, Family, Rule
from gatewaydoctor.checks.scope import whole_session_stores, whole_stores
from gatewaydoctor.checks.stores.trimming import ends_stuck
from gatewaydoctor.model.gateway.entry import DISPOSABLE_WHEN_NAMED, Kind, Status
from gatewaydoctor.model.gateway.liveness import Liveness
from gatewaydoctor.model.gateway.transcript import PointerKind, Presence
from gatewaydoctor.model.outcome.finding import Harm, Severity
from gatewaydoctor.model.words import duration, plural
from gatewaydoctor.state.history.references import basename

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.databases.databases import DatabaseFacts
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.sessions.files import EntryPointer, PointerFacts
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.model.outcome.finding import Finding

STUCK = Rule(
    id="session-stuck-running",
    family=Family.SESSIONS,
    severity=Severity.ERROR,
    title="Sessions are stuck at running",
    meaning="These sessions have status running but have shown no sign of life for longer than --stuck-after, and no "
    "gateway is running. A sign of life is updatedAt, startedAt, endedAt, or the transcript's mtime. Warning only if "
    "gatewaydoctor cannot tell whether a gateway is running: runs may take hours.",
    cause="A run never reached a terminal status: the model refused or returned an error, or the gateway was killed "
    "midway. 2026.3.28 clears no stale running status at start.",
    gateway="2026.3.28 leaves those it keeps marked running, and every later cron run copies a running job row. "
    "2026.4.25 and 2026.5.22 resume or fail conversations that were marked as aborted or whose transcript lock is "
    "stale; 2026.5.22 also settles subagents. 2026.9.6 resumes every conversation among them with a real model "
    "turn, and exempts all running sessions from prune and cap.",
    remedy="With the gateway stopped and the store copied, remove the cron runs among them and give the others a "
    "terminal status with an endedAt.",
    repair="trim",
)

PHANTOM = Rule(
    id="cron-phantom-running",
    family=Family.SESSIONS,
    severity=Severity.WARNING,
    title="A job row is stuck at running and is copied into later runs",
    meaning="The job row (base row) of a cron job is stuck at running. Its run rows marked running may "
    "have ended well: up to 2026.3.28 their status is a copy. Error under those releases, "
    "because every further run adds one more.",
    cause="The gateway exited during a run and the job row kept its status. Up to 2026.3.28 a new run "
    "row starts as a copy of the job row, and the final save overwrites what the end of the run "
    "had recorded.",
    gateway="2026.3.28 (and, without a status, 2026.3.13) keeps copying it. From 2026.4.25 on only "
    "preferences are carried over, so the row is merely wrong.",
    remedy="With the gateway stopped, give the job row a terminal status and an endedAt. Run rows that "
    "copied it can be removed.",
    repair="expire",
)

MISSING = Rule(
    id="session-missing-transcript",
    family=Family.SESSIONS,
    severity=Severity.WARNING,
    title="Sessions whose transcript is missing",
    meaning="The transcript of a session does not exist although it should: the agent is not in a "
    "database, and the session is older than an hour. If another file in the directory belongs "
    "to the session, it counts as misplaced; so does a thread without sessionId if an unindexed "
    "topic transcript has its thread id in the name. Info only if no conversation is affected.",
    cause="The transcript was deleted or archived but the session stayed, a crash came before the "
    "first write, or a manual edit changed the pointer.",
    gateway="It starts such a session with an empty history at its next turn. It repairs no pointer. Its "
    "own `sessions cleanup --fix-missing` drops the sessions.",
    remedy="Point misplaced sessions to the file that is there; one without sessionId gets that of the file. Drop "
    "others only one by one: some backends keep the history elsewhere.",
    repair="missing",
)

FOREIGN = Rule(
    id="session-path-foreign",
    family=Family.SESSIONS,
    severity=Severity.WARNING,
    title="Sessions with paths of another host",
    meaning="The sessionFile of a session is an absolute path outside this state directory. That is "
    "correct if the directory belongs to a container or another host and is only scanned here; "
    "in that case pass --path-map FROM=TO.",
    cause="The state directory was moved, restored, or mounted elsewhere: another user, /home or "
    "/Users, .clawdbot or .openclaw.",
    gateway="It trusts a path of the form agents/<id>/sessions/<file>: it opens that path on its own "
    "disk, and may recreate that directory and start an empty history. It ignores any other path "
    "and uses <sessionId>.jsonl.",
    remedy="If the gateway runs on this host: rewrite the prefix, the same one in all sessions, and "
    "only where the file exists here and its header names the session. Do not search and replace "
    "blindly; prompts may contain the path too.",
    repair="paths",
)

_BOOT_STUCK = NextBoot(
    v3_28="loads them all and settles none; its reaper removes old cron runs among them",
    v4_25="leaves them marked running, except conversations it resumes",
    v5_22="settles the subagents among them and the conversations it resumes; the others stay marked running",
    v9_6="resumes every conversation among them with a model turn, and exempts the rest from prune and cap",
    unknown="2026.3.28 settles none of them but reaps old cron runs, 2026.5.22 settles only subagents "
    "and conversations it resumes; 2026.9.6 resumes every conversation with a model turn.",
)
_BOOT_PHANTOM = NextBoot(
    v3_28="saves every further run of these jobs as running, even if it ends well",
    v4_25="copies no status; the job rows stay wrong until the next run ends",
    v9_6="copies no status, but exempts a running row from prune and cap",
    unknown="Releases up to 2026.3.28 save every further run of these jobs as running; from 2026.4.25 on "
    "no status is copied.",
)


@REGISTRY.check(STUCK)
def stuck_running(x: Examination, t: Thresholds) -> Iterator[Finding]:
    unsure = x.gateway.liveness is Liveness.UNKNOWN
    for store in whole_session_stores(x):
        stuck = store.stuck
        if not stuck:
            continue
        summary = store.stuck_summary
        runs = summary.kinds[Kind.CRON_RUN]
        running = plural(len(store.running), "session marked running", "sessions marked running")
        yield STUCK.finding(
            f"{len(stuck):,} of {running}: no sign of life for {duration(x.depth.stuck_after)}"
            + (f"; {runs:,} {'is a cron run' if runs == 1 else 'are cron runs'}." if runs else ".")
            + (" Cannot tell whether a gateway is running." if unsure else ""),
            _BOOT_STUCK.of(x),
            brief=f"{len(stuck):,} of {len(store.running):,} marked running",
            count=len(stuck),
            severity=Severity.WARNING if unsure or store.era.sessions_in_database else None,
            agent_id=store.agent_id,
            path=store.path,
            evidence={
                "running": len(store.running),
                "kinds": {kind.value: count for kind, count in summary.kinds.most_common()},
                "stuckAfterMs": x.depth.stuck_after,
                "newestSignOfLife": summary.newest,
                "oldestSignOfLife": summary.oldest,
                "gateway": x.gateway.liveness.value,
                "keys": [each.entry.key for each in stuck[:EXAMPLES]],
            },
            repair=_settling(store, runs),
        )


def _settling(store: StoreFacts | DatabaseFacts, runs: int) -> str | None:
    """The repair that settles stuck rows. A release with databases ends those of subagents at its start."""
    if store.era.sessions_in_database and all(each.entry.kind in DISPOSABLE_WHEN_NAMED for each in store.stuck):
        return None
    return "trim" if runs and ends_stuck(store.jobs) else "expire"


@REGISTRY.check(PHANTOM)
def phantom_running(x: Examination, t: Thresholds) -> Iterator[Finding]:
    copies_status = x.config.release.behaviour.copies_status
    unsure = x.gateway.liveness is Liveness.UNKNOWN
    for store in whole_session_stores(x):
        jobs = [job for job in store.jobs if job.base_stuck]
        if not jobs:
            continue
        copies = sum(job.status[Status.RUNNING] for job in jobs)
        runs = sum(job.runs for job in jobs)
        yield PHANTOM.finding(
            f"{plural(len(jobs), 'job row is', 'job rows are')} stuck at running; {copies:,} of "
            f"their {plural(runs, 'run row')} are marked running too and may be copies.",
            _BOOT_PHANTOM.of(x),
            brief=f"{plural(len(jobs), 'job row')} stuck"
            + ("" if store.era.sessions_in_database else "; new runs inherit it"),
            count=len(jobs),
            severity=Severity.ERROR if copies_status and not unsure and not store.era.sessions_in_database else None,
            agent_id=store.agent_id,
            path=store.path,
            key=jobs[0].base_key,
            evidence={
                "runRows": runs,
                "runRowsRunning": copies,
                "jobs": [
                    {"jobId": job.job_id, "runs": job.runs, "running": job.status[Status.RUNNING]}
                    for job in jobs[:EXAMPLES]
                ],
            }
            | ({"era": store.era.value} if store.era.sessions_in_database else {}),
        )


@REGISTRY.check(MISSING)
def missing_transcript(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for store, pointers in _pointing(x):
        astray = pointers.misplaced + pointers.unlinked
        count = pointers.missing + astray
        if not count:
            continue
        listed = [each for each in pointers.listed if each.resolution.missing or _misplaced(each)]
        people = pointers.missing_people + astray
        parts = (
            [f"{plural(pointers.missing, 'session has', 'sessions have')} no transcript"] if pointers.missing else []
        )
        if pointers.misplaced:
            parts.append(
                f"{plural(pointers.misplaced, 'session has its', 'sessions have their')} transcript elsewhere"
            )
        if pointers.unlinked:
            rows = plural(pointers.unlinked, "session of a thread has", "sessions of threads have")
            whose = "its transcript is" if pointers.unlinked == 1 else "their transcripts are"
            parts.append(f"{rows} no sessionId, though {whose} there")
        yield MISSING.finding(
            f"{'; '.join(parts)}.{_whose(pointers)}",
            "The gateway starts each of these sessions with an empty history at its next turn."
            if people
            else "No conversation is affected; cron runs and subagents do not continue from their transcripts.",
            brief=f"{plural(count, 'session')}, {plural(people, 'conversation') if people else 'no conversation'}",
            harms={Harm.NO_TRANSCRIPT: pointers.missing_people, Harm.TRANSCRIPT_ELSEWHERE: astray},
            count=count,
            severity=None if people else Severity.INFO,
            agent_id=store.agent_id,
            path=store.read.ref.path,
            key=listed[0].entry.key if listed else None,
            evidence={
                "missing": pointers.missing,
                "missingOfPeople": pointers.missing_people,
                "archived": pointers.presence[Presence.ARCHIVED],
                "misplaced": pointers.misplaced,
                "unlinked": pointers.unlinked,
                "entries": [{"key": each.entry.key, "found": each.resolution.found} for each in listed[:EXAMPLES]],
            },
            repair=MISSING.repair if astray else None,
        )


def _whose(pointers: PointerFacts) -> str:
    """Whose the entries without a transcript are, behind the sentence that counts them."""
    if pointers.missing_people:
        return f" {plural(pointers.missing_people, 'conversation')} affected."
    return " No conversation is affected." if pointers.missing else ""


@REGISTRY.check(FOREIGN)
def path_foreign(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for store, pointers in _pointing(x):
        if not pointers.foreign:
            continue
        listed = [each for each in pointers.listed if each.resolution.pointer is PointerKind.FOREIGN]
        derived = pointers.derived
        mapped = f" One path map would resolve {derived.matched:,} of them to files here." if derived else ""
        yield FOREIGN.finding(
            f"{plural(pointers.foreign, 'session points', 'sessions point')} outside this state directory.{mapped}",
            "A gateway on this host does not find these files and starts the sessions with an "
            "empty history. A gateway in a container that has the directory at that path does "
            "find them.",
            brief=f"{plural(pointers.foreign, 'session')} with paths of another host",
            harms={Harm.FOREIGN_PATH: pointers.foreign},
            count=pointers.foreign,
            agent_id=store.agent_id,
            path=store.read.ref.path,
            key=listed[0].entry.key if listed else None,
            evidence={
                "pathMap": derived.map.text if derived else None,
                "matched": derived.matched if derived else 0,
                "rivalMaps": derived.rivals if derived else 0,
                "sessionFiles": [each.entry.session_file for each in listed[:EXAMPLES]],
            },
            repair=FOREIGN.repair if derived and _leads_home(store, listed) else None,
        )


def _leads_home(store: StoreFacts, listed: Iterable[EntryPointer]) -> bool:
    """Whether the file of one of these is here with a sound header of that session: no other path is rewritten."""
    faulty = {each.record.name for each in store.transcripts.faults}
    here = {record.name for record in store.listing.files if record.size} - faulty
    return any(
        (name := basename(each.entry.session_file or "")) in here and name == f"{each.entry.session_id}.jsonl"
        for each in listed
    )


def _misplaced(each: EntryPointer) -> bool:
    return each.resolution.presence is Presence.ELSEWHERE and each.resolution.pointer is not PointerKind.FOREIGN


def _pointing(x: Examination) -> Iterator[tuple[StoreFacts, PointerFacts]]:
    """Stores whose rows and files are both known. In the sqlite era files are not where sessions live."""
    for store, _ in whole_stores(x):
        listed = store.listing.problem is None
        if store.pointers is not None and listed and not store.era.sessions_in_database:
            yield store, store.pointers
