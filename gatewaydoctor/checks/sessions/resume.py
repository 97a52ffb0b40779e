"""The rule about sessions that the next start would take up again, with model turns that cost money."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

from gatewaydoctor.checks.boot import NextBoot
from gatewaydoctor.checks.registry import EXAMPLES, REGISTRY, Family, Rule
from gatewaydoctor.checks.scope import sound_stores
from gatewaydoctor.examine.sessions.resumption import Resumption
from gatewaydoctor.model.gateway.entry import Kind
from gatewaydoctor.model.gateway.liveness import Liveness
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.words import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.examine.sessions.stores import StoreFacts
    from gatewaydoctor.examine.sessions.stuck import RunningEntry
    from gatewaydoctor.model.outcome.finding import Finding

RESUMES = Rule(
    id="session-resumes-at-boot",
    family=Family.SESSIONS,
    severity=Severity.WARNING,
    title="The next start resumes sessions",
    meaning="Some sessions were interrupted in a way that makes the next start send them a message and "
    "run the model. Which ones depends on the release; if it is unknown, all that any release "
    "would resume are counted.",
    cause="The gateway exited while these sessions were running: a crash, a kill, or a restart during a turn.",
    gateway="2026.3.28 resumes only children in the subagent registry whose run has not ended and whose "
    "session has abortedLastRun, whatever its status. 2026.4.25 and 2026.5.22 also resume those "
    "whose run timed out. They also resume running sessions that have abortedLastRun, or whose "
    "stale transcript lock they have just removed: after 5 s each one is resumed if its "
    "transcript ends with a message from the user or a tool, else set to failed. 2026.9.6 does "
    "this with every running conversation, one at a time, up to three tries. These last two "
    "kinds of recovery skip subagents, cron and ACP sessions.",
    remedy="If you do not want these turns: with the gateway stopped, give the sessions a terminal "
    "status and an endedAt, and clear abortedLastRun. To set one harmful session aside, park it "
    "and unpark it later.",
    repair="expire",
)

_BOOT = NextBoot(
    v3_28="tells each of these subagents to continue, 5 s after the start, and runs the model",
    v4_25=(
        "runs a model turn for each whose transcript ends with a message from the user or a tool, and "
        "marks the others as failed"
    ),
    v9_6="resumes them one at a time, up to three tries each, with real model turns",
    unknown="2026.3.28 resumes subagents only, 2026.4.25 and 2026.5.22 aborted and locked sessions, 2026.9.6 every "
    "running conversation; each costs a model turn.",
)


@REGISTRY.check(RESUMES)
def resumes_at_boot(x: Examination, t: Thresholds) -> Iterator[Finding]:
    if x.gateway.liveness is Liveness.LIVE:
        return
    resumption = Resumption(x)
    for store, _ in sound_stores(x) if not resumption.idle else ():
        found = _resumed(resumption, store)
        if not found:
            continue
        subagents = sum(each.entry.kind is Kind.SUBAGENT for each in found)
        yield RESUMES.finding(
            f"{plural(len(found), 'session')} will be resumed at the next start"
            + (f", including {plural(subagents, 'subagent')}." if 0 < subagents < len(found) else ".")
            if x.config.release.policy
            else f"{plural(len(found), 'session')} may be resumed at the next start.",
            _BOOT.of(x),
            brief=f"{plural(len(found), 'session')} resumed with model turns",
            count=len(found),
            agent_id=store.agent_id,
            path=store.read.ref.path,
            key=found[0].entry.key,
            evidence={
                "subagents": subagents,
                "abortedLastRun": sum(each.entry.aborted_last_run for each in found),
                "keys": [each.entry.key for each in found[:EXAMPLES]],
            },
            # Rows that showed life lately are not called stuck, and only stuck ones are ended.
            repair=RESUMES.repair if any(each.stuck for each in found) else None,
        )


def _resumed(resumption: Resumption, store: StoreFacts) -> list[RunningEntry]:
    directory = store.read.ref.sessions_dir
    return [each for each in chain(store.running, store.aborted) if resumption.takes_up(each.entry, directory)]
