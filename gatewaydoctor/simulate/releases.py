"""The mechanisms in which the releases differ, as data (docs/gateway.md sections 3, 5, 8, 9 and 10)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from gatewaydoctor.simulate.refstore import POLICIES

if TYPE_CHECKING:
    from gatewaydoctor.simulate.refstore import Policy

MINUTE: Final = 60.0
HOUR: Final = 3600.0


class RunRows(StrEnum):
    """What an isolated cron run writes beside its job row: a row with the job row's status, a row with the job row's
    preferences only, or no row of its own."""

    COPIED = "copied"
    PREFERENCES = "preferences"
    NONE = "none"


class Usage(StrEnum):
    """Where a usage call computes: whole transcripts within the call, a background refresh of a cache, a worker."""

    CALL = "call"
    REFRESH = "refresh"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class ReleaseModel:
    """One release. Ages in seconds, None: nothing is removed by age.

    `store`: the rules of the reference store for sessions.json; None where sessions are in a database.
    `archive_after`: a session-mode run leaves the registry this long after its end. `context_ttl`, `error_ttl`: ages
    at which run contexts and pending lifecycle errors are swept. `buffer_ttl`: age beyond the run timeout at which
    the buffer of a run that sent text is freed; `frees_silent`: also that of a run that never sent any.
    """

    name: str
    store: Policy | None
    run_rows: RunRows
    usage: Usage
    archive_after: float | None = None
    context_ttl: float | None = None
    error_ttl: float | None = None
    buffer_ttl: float | None = None
    frees_silent: bool = False


_3_28: Final = ReleaseModel("2026.3.28", POLICIES["2026.3.28"], RunRows.COPIED, Usage.CALL)
_4_25: Final = ReleaseModel(
    "2026.4.25",
    POLICIES["2026.4.25"],
    RunRows.PREFERENCES,
    Usage.CALL,
    archive_after=5 * MINUTE,
    context_ttl=30 * MINUTE,
    error_ttl=5 * MINUTE,
    buffer_ttl=HOUR,
)
_5_22: Final = replace(
    _4_25, name="2026.5.22", store=POLICIES["2026.5.22"], run_rows=RunRows.NONE, usage=Usage.REFRESH
)

RELEASES: Final[dict[str, ReleaseModel]] = {
    release.name: release
    for release in (
        # A job row of 2026.3.13 has no status; its store follows the rules of 2026.3.28.
        replace(_3_28, name="2026.3.13"),
        _3_28,
        _4_25,
        _5_22,
        # The age limit of contexts in 2026.9.6 was not confirmed; it is taken as that of 2026.5.22.
        replace(_5_22, name="2026.9.6", store=None, usage=Usage.WORKER, frees_silent=True),
    )
}
