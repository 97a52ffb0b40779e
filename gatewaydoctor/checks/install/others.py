"""Rules about locks, delivery queues and the cost of a usage call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.boot import NextBoot
from gatewaydoctor.checks.registry import EXAMPLES, REGISTRY, USUAL, Family, Rule
from gatewaydoctor.checks.scope import directories
from gatewaydoctor.model.gateway.liveness import Liveness
from gatewaydoctor.model.gateway.queues import STALE_MS
from gatewaydoctor.model.gateway.usage import call_cost
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.words import duration, plural, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.gateway.liveness import LockVerdict
    from gatewaydoctor.model.gateway.queues import DeliveryQueue
    from gatewaydoctor.model.outcome.finding import Finding

STALE_LOCK = Rule(
    id="lock-stale",
    family=Family.OTHERS,
    severity=Severity.WARNING,
    title="Locks whose process has ended",
    meaning="Lock files in a sessions directory name a process that has ended, or are older than the "
    "machine's last boot.",
    cause="The gateway was killed while it held them: SIGKILL, out of memory, or a rebuilt container.",
    gateway="2026.3.28 to 2026.5.22 remove stale *.jsonl.lock files at start; from 2026.4.25 on the "
    "locks also tell restart recovery which sessions to resume. A stale sessions.json.lock is "
    "taken over after 30 s up to 2026.4.25; 2026.5.22 ignores it. 2026.9.6 uses neither.",
    remedy="Leave transcript locks for the gateway: at start it uses them to decide which sessions to "
    "resume. If writers time out on them and no start is planned, move them away with the "
    "gateway stopped.",
    repair="locks",
)

UNKNOWN_LOCK = Rule(
    id="lock-unknown",
    family=Family.OTHERS,
    severity=Severity.WARNING,
    title="Locks whose owner cannot be checked from here",
    meaning="Lock files name an owner that may run on another machine or in another container, or that "
    "may not be inspected, or they name none. gatewaydoctor cannot tell whether they are held or "
    "stale.",
    cause="The directory is shared with a container or over the network, the lock is older than "
    "2026.3.2 and has no start time, or its file is damaged.",
    gateway="It checks them on its own host or in its own container. It treats a transcript lock as "
    "stale after 30 minutes at the latest, and a store lock (up to 2026.4.25) after 30 s, even if the "
    "owner is running.",
    remedy="Scan from where the gateway runs: inside its container, or on its host. Do not delete locks "
    "by age; a lock may be held for many minutes.",
)

BACKLOG = Rule(
    id="delivery-backlog",
    family=Family.OTHERS,
    severity=Severity.INFO,
    title="Undelivered messages",
    meaning="A delivery queue holds messages that were not acknowledged, or that the gateway gave up on "
    "(failed/). Warning if they are old or many.",
    cause="The gateway exited between sending and acknowledging, or a target refuses permanently and "
    "nothing moves the message to failed/.",
    gateway="It sends every waiting message soon after the start, including old ones; some may have been "
    "delivered already. Up to 2026.5.22 those with five tries go to failed/ unsent. It does not touch failed ones.",
    remedy="Check targets and ages first. `repair queues` moves messages that have waited for more than a day to the "
    "vault; `--older-than 6h` sets another age. Deleting all of them drops replies that never arrived.",
    repair="queues",
)

USAGE = Rule(
    id="usage-scan-load",
    family=Family.OTHERS,
    severity=Severity.WARNING,
    title="One usage call keeps the gateway busy",
    meaning="An estimate of the event-loop time that one sessions.usage call costs, from the usage lines (messages "
    "with token counts) of the newest 50 transcripts. `usage` counts the lines; `scan` estimates them from the "
    "beginnings of up to 16 transcripts of each directory. A gateway with other work to do takes longer.",
    cause="2026.5.22 looks up the price of every usage line again, which took 88 to 173 ms each when measured, all "
    "of 64 KiB of a transcript without a break. In incident 003 nine stores with 184 sessions were enough for "
    "delays of 18 s and calls of up to 298 s.",
    gateway="Up to 2026.4.25 a call reads the newest 50 sessions of all agents, about 0.5 ms a usage line. 2026.5.22 "
    "answers for one agent from a cache, and reads what the cache lacks in the background, on the same event loop. "
    "2026.9.6 reads in a worker.",
    remedy="Do not open the usage page of a busy gateway. For 2026.5.22, list the prices of the models in use in "
    "agents/main/agent/models.json: a line then took 1 ms when measured; prices in openclaw.json alone changed "
    "nothing. Let one agent's usage be summed before asking for the next.",
)

_BOOT_STALE = NextBoot(
    v3_28="removes the transcript locks at start and takes over a store lock after 30 s",
    v4_25=(
        "removes the transcript locks at start, resumes the running sessions they belong to, and takes "
        "over a store lock"
    ),
    v5_22="removes the transcript locks at start, resumes the running sessions they belong to, and "
    "ignores a store lock",
    v9_6="does not use such locks and leaves them in place",
    unknown="2026.3.28 to 2026.5.22 remove the transcript locks at start; from 2026.4.25 on that resumes their "
    "sessions.",
)
_BOOT_USAGE = NextBoot(
    v3_28="reads them on its event loop at every usage call",
    v5_22="reads them in the background of the first usage call, on its event loop; other requests wait meanwhile",
    unknown="Up to 2026.4.25 every usage call reads them on the event loop; 2026.5.22 does so once and keeps a "
    "cache.",
)


@REGISTRY.check(STALE_LOCK)
def stale_locks(x: Examination, t: Thresholds) -> Iterator[Finding]:
    # A lock that went away while we looked was never stale; it has no age.
    found = [lock for lock in x.locks if lock.liveness is Liveness.DEAD and lock.age is not None]
    if found:
        yield STALE_LOCK.finding(
            f"{plural(len(found), 'lock')} left by processes that have ended, the oldest {_oldest(found)} old.",
            _BOOT_STALE.of(x),
            brief=f"{plural(len(found), 'lock')} of ended processes",
            count=len(found),
            path=found[0].path,
            evidence={"locks": _locks(found)},
            repair=None if _learns_from_locks(x) else STALE_LOCK.repair,
        )


def _learns_from_locks(x: Examination) -> bool:
    """Whether the next start needs the locks to know which sessions were interrupted (docs/gateway.md section 3)."""
    return x.config.release.behaviour.learns_from_locks


@REGISTRY.check(UNKNOWN_LOCK)
def unknown_locks(x: Examination, t: Thresholds) -> Iterator[Finding]:
    found = [lock for lock in x.locks if lock.liveness is Liveness.UNKNOWN]
    if found:
        yield UNKNOWN_LOCK.finding(
            f"{plural(len(found), 'lock')} whose owner cannot be checked from here, the oldest {_oldest(found)} old.",
            "The gateway checks them on its own host or in its own container, and waits while they are held.",
            brief=f"{plural(len(found), 'lock')} of unknown owners",
            count=len(found),
            path=found[0].path,
            evidence={"locks": _locks(found)},
        )


def _oldest(locks: Sequence[LockVerdict]) -> str:
    return duration(max((lock.age or 0 for lock in locks), default=0))


def _locks(locks: Sequence[LockVerdict]) -> list[dict[str, object]]:
    return [
        {
            "path": str(lock.path),
            "reason": lock.reason,
            "pid": lock.payload.pid if lock.payload else None,
            "ageMs": lock.age,
        }
        for lock in locks[:EXAMPLES]
    ]


@REGISTRY.check(BACKLOG)
def delivery_backlog(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for queue in x.queues:
        age = 0 if queue.pending.oldest is None else x.now - queue.pending.oldest
        consequence = (
            "The next start sends those that wait, old ones included, some perhaps a second time; those tried 5 "
            "times go to failed/ unsent."
        )
        counts = queue.pending.files, queue.failed.files
        yield from _backlog(t, queue.path, counts, age, consequence, _queue(queue, age))
    if x.eras.state is not None and x.state_rows is not None:
        rows = x.state_rows.queues
        waiting, failed = (
            sum(each.count for each in rows if each.status == status) for status in ("pending", "failed")
        )
        ages = [x.now - each.oldest for each in rows if each.status == "pending" and each.oldest is not None]
        age = max(ages, default=0)
        evidence = {"waiting": waiting, "oldestAgeMs": age, "failed": failed}
        consequence = "The next start may send those that wait, old ones included."
        yield from _backlog(t, x.eras.state.path, (waiting, failed), age, consequence, evidence)


def _backlog(
    t: Thresholds,
    path: Path,
    counts: tuple[int, int],
    age: int,
    consequence: str,
    evidence: Mapping[str, object],
) -> Iterator[Finding]:
    """`counts` are messages that wait and that were given up, `age` (ms) is that of the oldest that waits."""
    waiting, failed = counts
    if not waiting and not failed:
        return
    old = bool(waiting) and (age >= t.delivery_age_ms or waiting >= t.delivery_files)
    parts = (
        [f"{plural(waiting, 'message waits', 'messages wait')}, the oldest {duration(age)} old"] if waiting else []
    )
    parts += [f"{plural(failed, 'was', 'were')} given up"] if failed else []
    yield BACKLOG.finding(
        f"{'; '.join(parts)}.",
        consequence if waiting else "The gateway does not send failed messages again.",
        brief=f"{plural(waiting, 'message waits', 'messages wait')}" + (f", {failed:,} given up" if failed else ""),
        count=waiting + failed,
        severity=Severity.WARNING if old else None,
        path=path,
        evidence=evidence,
        repair=USUAL if waiting and age >= STALE_MS else None,
    )


def _queue(queue: DeliveryQueue, age: int) -> dict[str, object]:
    return {
        "waiting": queue.pending.files,
        "waitingBytes": queue.pending.bytes,
        "oldestAgeMs": age,
        "failed": queue.failed.files,
        "temps": queue.temps,
        "triedBefore": sum(each.failed_before for each in queue.sample),
        "unreadable": sum(not each.readable for each in queue.sample),
        "sample": [
            {"name": each.name, "channel": each.channel, "target": each.target, "retries": each.retries}
            for each in queue.sample[:EXAMPLES]
        ],
    }


@REGISTRY.check(USAGE)
def usage_scan_load(x: Examination, t: Thresholds) -> Iterator[Finding]:
    loads = [(store.agent_id, store.usage) for store in directories(x) if not store.era.sessions_in_database]
    cost = call_cost(loads, x.config.release.policy)
    if not cost.files or cost.loop_ms < t.usage_loop_ms:
        return
    about = "About " if cost.estimated else ""
    yield USAGE.finding(
        f"{about}{plural(cost.usage_lines, 'usage line')} in {plural(cost.files, 'file')} of {size(cost.bytes)}: "
        f"one usage call keeps {cost.release} busy for an estimated {duration(cost.loop_ms)}, up to "
        f"{duration(cost.block_ms)} at a time.",
        _BOOT_USAGE.of(x),
        brief=f"{plural(cost.usage_lines, 'usage line')} to price: {duration(cost.loop_ms)} per call",
        count=cost.files,
        agent_id=cost.agent,
        evidence={
            "files": cost.files,
            "bytes": cost.bytes,
            "usageLines": cost.usage_lines,
            "release": str(cost.release),
            "estimate": True,
            "linesEstimated": cost.estimated,
            "loopMs": cost.loop_ms,
            "longestBlockMs": cost.block_ms,
            "stores": len(loads),
        },
    )
