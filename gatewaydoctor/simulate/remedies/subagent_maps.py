"""52725: a time limit for each of the three maps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gatewaydoctor.simulate.remedies.remedy import Better, Remedy, Who

if TYPE_CHECKING:
    from gatewaydoctor.simulate.scenarios.subagent_maps import Plan


def archive_session_runs(plan: Plan) -> Plan:
    """Session-mode runs leave the registry 5 min after completion."""
    return replace(plan, archives_runs=True)


def context_ttl(plan: Plan) -> Plan:
    """Run contexts are swept after 30 min."""
    return replace(plan, sweeps_contexts=True)


def pending_error_ttl(plan: Plan) -> Plan:
    """Pending lifecycle errors are finalised after 5 min."""
    return replace(plan, ends_errors=True)


REMEDIES = (
    Remedy(
        "archive-session-runs", "subagent-maps", archive_session_runs, "registryPeak", Better.LESS,
        "The registry holds five minutes of finished runs, and runs.json is no longer rewritten ever larger.",
        Who.OPERATOR, "operator today: an upgrade to 2026.4.25 or later",
    ),
    Remedy(
        "context-ttl", "subagent-maps", context_ttl, "contextsPeak", Better.LESS,
        "Contexts that no lifecycle event clears go after half an hour.",
        Who.OPERATOR, "operator today: an upgrade to 2026.4.25 or later",
    ),
    Remedy(
        "pending-error-ttl", "subagent-maps", pending_error_ttl, "errorsPeak", Better.LESS,
        "An error whose retry never ends is given up after five minutes.",
        Who.OPERATOR, "operator today: an upgrade to 2026.4.25 or later",
    ),
)  # fmt: skip
