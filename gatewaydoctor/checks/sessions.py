"""Rules about single rows: running ones that are not, transcripts that are gone, paths of other hosts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gatewaydoctor.checks.registry import EXAMPLES, REGISTRY, Family, Rule
from gatewaydoctor.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.finding import Finding

STUCK = Rule(
    id="session-stuck-running",
    family=Family.SESSIONS,
    severity=Severity.ERROR,
    title="Entries say running, and nothing runs",
    meaning="The index holds entries with status running that have shown no sign of life for longer than "
    "--stuck-after, while no gateway is live. A sign of life is updatedAt, startedAt, endedAt, or the transcript's "
    "mtime.",
    cause="A run that never reached a terminal status: the model refused or errored, or the gateway was killed in the "
    "middle. Nothing at start-up clears a stale running in 2026.3.28.",
    gateway="2026.3.28 loads them all, and every later cron run copies a running base row. 2026.4.25 and 5.22 resume "
    "or fail those of conversations whose lock is stale; 2026.9.6 resumes every such conversation with a real model "
    "turn, and exempts all running rows from pruning.",
    remedy="Remove the cron runs among them and give the others a terminal status, with the gateway stopped and after "
    "a copy of sessions.json.",
    repair="trim",
)


@REGISTRY.check(STUCK)
def stuck_running(x: Examination) -> Iterator[Finding]:
    for store in x.stores:
        stuck = store.stuck
        if not stuck:
            continue
        kinds = Counter(each.entry.kind.value for each in stuck)
        signs = [each.last_sign for each in stuck if each.last_sign is not None]
        runs = kinds.get("cron-run", 0)
        yield STUCK.finding(
            f"{len(stuck):,} of {len(store.running):,} running entries show no sign of life"
            + (f"; {runs:,} of them are cron runs." if runs else "."),
            "The next start loads every one of them; later releases also try to resume the conversations among them.",
            count=len(stuck),
            agent_id=store.agent_id,
            path=store.read.ref.path,
            evidence={
                "kinds": dict(kinds.most_common()),
                "stuckAfterMs": x.depth.stuck_after,
                "newestSignOfLife": max(signs, default=None),
                "oldestSignOfLife": min(signs, default=None),
                "gateway": x.gateway.liveness.value,
                "keys": [each.entry.key for each in stuck[:EXAMPLES]],
            },
        )
