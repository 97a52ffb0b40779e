"""Rules about what the state database says of its owners, its cron jobs and its last starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.registry import EXAMPLES, REGISTRY, Family, Rule
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.words import duration, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.checks.thresholds import Thresholds
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.outcome.finding import Finding

LEASE = Rule(
    id="database-lease",
    family=Family.OTHERS,
    severity=Severity.WARNING,
    title="Another host holds the gateway's lease",
    meaning="The state database names an owner on another host whose lease has not expired. Nothing tells from here "
    "whether it still runs.",
    cause="A container that was created anew under another host name, or a gateway on another host.",
    gateway="2026.9.6 refuses to start (exit 1) until the lease expires, at most 300 s after the owner's last sign.",
    remedy="If the other gateway is stopped, wait until the lease has expired and start then.",
)

ELSEWHERE = Rule(
    id="jobs-other-path",
    family=Family.CRON,
    severity=Severity.ERROR,
    title="Cron jobs are filed under another directory",
    meaning="The state database files cron jobs under the absolute path of the directory they were made in. Those "
    "under another path do not run here. Warning if this path has jobs of its own.",
    cause="A directory that was moved, restored elsewhere, or mounted under another path.",
    gateway="2026.9.6 starts, makes its own managed jobs and ignores the others; nothing tells of it.",
    remedy="Start the gateway at the old path, or file the jobs under the new one.",
    repair="jobs",
)


@REGISTRY.check(LEASE)
def leases(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for lease in x.health.leases:
        if lease.kind != "gateway" or lease.alive is not None or (lease.expires_at or 0) <= x.now:
            continue
        left = duration((lease.expires_at or 0) - x.now)
        yield LEASE.finding(
            f"A gateway on another host holds the lease for {left} more.",
            "A 2026.9.6 gateway refuses to start (exit 1) until then.",
            path=x.eras.state.path if x.eras.state else None,
            evidence={"host": lease.host, "pid": lease.pid, "expiresAtMs": lease.expires_at},
        )


@REGISTRY.check(ELSEWHERE)
def jobs_elsewhere(x: Examination, t: Thresholds) -> Iterator[Finding]:
    found = x.health.jobs_elsewhere
    count = sum(found.values())
    if not count:
        return
    own = x.health.own_jobs
    here = f"; {plural(own, 'job')} are filed under this one" if own else ""
    yield ELSEWHERE.finding(
        f"{plural(count, 'cron job')} filed under another directory{here}.",
        "They do not run when a gateway starts here.",
        count=count,
        severity=Severity.WARNING if own else None,
        path=x.eras.state.path if x.eras.state else None,
        evidence={
            "directories": [{"storeKey": key, "jobs": jobs} for key, jobs in list(found.items())[:EXAMPLES]],
            "ownJobs": own,
        },
    )
