"""Rules about what the state database says of its owners, its cron jobs and its last starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.checks.registry import EXAMPLES, REGISTRY, Family, Rule
from gatewaydoctor.checks.stores.healthrules import refuses, start_over
from gatewaydoctor.model.database.refusals import Damage
from gatewaydoctor.model.outcome.finding import Harm, Severity
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
    title="A lease in the state database has not expired",
    meaning="The state database names an owner on another host, or a maintenance of the agents' databases, whose "
    "lease has not expired. gatewaydoctor cannot tell from here whether it still runs. Info only if the release in "
    "use was seen to start anyway.",
    cause="A container that was recreated under another host name, a gateway on another host, or a start or "
    "doctor that was killed, or stopped by a full disk, while it prepared the databases.",
    gateway="2026.9.6 refuses to start until the lease expires: exit 1 for an owner, at most 300 s after its last "
    "sign; for a maintenance exit 1, or 78 where its startup migrations are due, at most 60 s. 2026.8.1 starts "
    "over the lease of an owner.",
    remedy="If no other gateway or doctor runs, wait until the lease has expired and start then.",
)

ELSEWHERE = Rule(
    id="jobs-other-path",
    family=Family.CRON,
    severity=Severity.ERROR,
    title="Cron jobs are filed under another directory",
    meaning="The state database files cron jobs under the absolute path of the directory they were made in. Those "
    "under another path do not run here. Warning if this path has jobs of its own.",
    cause="A directory that was moved, restored elsewhere, or mounted under another path.",
    gateway="2026.9.6 starts, creates its own managed jobs and silently ignores the others.",
    remedy="Start the gateway at the old path, or file the jobs under the new one.",
    repair="jobs",
)


@REGISTRY.check(LEASE)
def leases(x: Examination, t: Thresholds) -> Iterator[Finding]:
    for lease in x.health.leases:
        ends = lease.expires_at
        if lease.alive is not None or (ends is not None and ends <= x.now):
            continue
        if lease.kind == "maintenance" and ends is None:
            continue  # 2026.9.6 passes over it, though not over an owner's without an end
        left = "without end" if ends is None else f"for {duration(ends - x.now)} more"
        if lease.kind == "database":
            left = "as long as it runs"
            message = (
                f"Process {lease.pid} may be the one that opened an agent's database: its start time is not known."
            )
            start = start_over(x, Damage.DATABASE_LEASE)
        elif lease.kind == "maintenance":
            message = f"A start or a doctor that was cut off holds the lease on the agents' databases {left}."
            start = start_over(x, Damage.MAINTENANCE_LEASE)
        else:
            who = "A gateway on another host" if lease.host else "A gateway that its lease does not name"
            message = f"{who} holds the lease {left}."
            start = start_over(x, Damage.OWNER_LEASE)
        yield LEASE.finding(
            message,
            refuses(
                start, f" {left}" if ends is not None or lease.kind == "database" else " as long as the row is there"
            ),
            brief="a lease has not expired",
            severity=None if start.refuses else Severity.INFO,
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
    here = f"; {plural(own, 'job is', 'jobs are')} filed under this one" if own else ""
    yield ELSEWHERE.finding(
        f"{plural(count, 'cron job')} filed under another directory{here}.",
        "They do not run when a gateway starts here.",
        brief=f"{plural(count, 'job')} filed under another directory",
        harms={Harm.JOB_ELSEWHERE: count},
        count=count,
        severity=Severity.WARNING if own else None,
        path=x.eras.state.path if x.eras.state else None,
        evidence={
            "directories": [{"storeKey": key, "jobs": jobs} for key, jobs in list(found.items())[:EXAMPLES]],
            "ownJobs": own,
        },
    )
