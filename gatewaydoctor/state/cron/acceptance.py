"""What each release makes of a job that is not as the gateway writes it.

Seen by running the scheduler of each release over a jobs.json with one such job between two sound ones, with a clock
that was moved on ten minutes at a time; `tests/conformance/test_job_acceptance.py` does it again. The table holds all
that is known: to add a release, add a column.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.cron import Fate
from gatewaydoctor.model.gateway.release import numbers

if TYPE_CHECKING:
    from gatewaydoctor.model.gateway.release import Release

RELEASES = (
    "2026.2.26",
    "2026.3.28",
    "2026.4.1",
    "2026.4.12",
    "2026.4.20",
    "2026.4.25",
    "2026.4.27",
    "2026.5.3",
    "2026.5.22",
)
"""The columns of the table. Each means the releases up to the next one, the first for older ones too, and the
last for those up to the first that keeps its jobs in a database."""


class Shape(Enum):
    """How a job differs: the field, and what is wrong there, without its contents."""

    NULL = "job", "null, not an object"
    NO_OBJECT = "job", "not an object"
    ID_MISSING = "id", "missing"
    ID_NO_TEXT = "id", "not text"
    ID_OLD_NAME = "id", "missing: only the old name jobId is there"
    ID_TWICE = "id", "another job has the same id"
    STATE_MISSING = "state", "missing or not an object"
    SCHEDULE_MISSING = "schedule", "missing"
    SCHEDULE_OUTSIDE = "schedule", "missing: its fields are at the top level of the job instead"
    SCHEDULE_NO_OBJECT = "schedule", "not an object"
    SCHEDULE_TEXT = "schedule", "text, not an object"
    SCHEDULE_EMPTY_TEXT = "schedule", "empty text, not an object"
    KIND_UNKNOWN = "schedule.kind", "not at, every or cron, and no other field shows which"
    KIND_GUESSED_EVERY = "schedule.kind", "not at, every or cron, and only everyMs is there"
    EXPR_OLD_NAME = "schedule.expr", "missing: only the old name cron is there"
    EXPR_MISSING = "schedule.expr", "missing or not text"
    EXPR_INVALID = "schedule.expr", "no valid cron expression"
    EXPR_NEVER = "schedule.expr", "a date that does not exist"
    ZONE_UNKNOWN = "schedule.tz", "no known time zone"
    EVERY_MISSING = "schedule.everyMs", "missing or not a number"
    EVERY_TEXT = "schedule.everyMs", "a number in quotes"
    EVERY_TOO_SMALL = "schedule.everyMs", "not at least 1"
    AT_MISSING = "schedule.at", "missing or not text"
    AT_INVALID = "schedule.at", "not a date"
    PAYLOAD_MISSING = "payload", "missing"
    PAYLOAD_OUTSIDE = "payload", "missing: its text is at the top level of the job instead"
    PAYLOAD_COMMAND = "payload", "missing: there is only a command, at the top level of the job"
    PAYLOAD_NO_OBJECT = "payload", "not an object"
    PAYLOAD_KIND = "payload.kind", "not systemEvent or agentTurn"
    MESSAGE_MISSING = "payload.message", "missing, empty or not text"
    TEXT_MISSING = "payload.text", "missing or not text"
    TEXT_EMPTY = "payload.text", "empty"
    TURN_IN_MAIN = "payload.kind", "a job for the main session must be a systemEvent"
    EVENT_ELSEWHERE = "payload.kind", "a job for a session of its own must be an agentTurn"

    @property
    def field(self) -> str:
        return self.value[0]

    @property
    def reason(self) -> str:
        return self.value[1]


_R, _S, _N, _F, _H, _D, _X = (
    Fate.RUNS,
    Fate.SHARES_STATE,
    Fate.NEVER_RUNS,
    Fate.FAILS,
    Fate.HOLDS_UP,
    Fate.DROPPED,
    Fate.STOPS_CRON,
)

TABLE: dict[Shape, tuple[Fate, ...]] = {
    Shape.NULL: (_D, _D, _D, _D, _D, _D, _D, _D, _D),
    Shape.NO_OBJECT: (_X, _X, _X, _X, _X, _X, _X, _X, _D),
    Shape.ID_MISSING: (_S, _S, _S, _S, _S, _S, _S, _S, _D),
    Shape.ID_NO_TEXT: (_R, _R, _R, _R, _R, _R, _R, _R, _D),
    Shape.ID_OLD_NAME: (_S, _R, _R, _R, _R, _R, _R, _R, _R),
    Shape.ID_TWICE: (_S, _S, _S, _S, _S, _S, _S, _S, _S),
    Shape.STATE_MISSING: (_R, _R, _X, _X, _R, _R, _R, _R, _R),
    Shape.SCHEDULE_MISSING: (_X, _X, _X, _X, _X, _X, _X, _X, _D),
    Shape.SCHEDULE_OUTSIDE: (_X, _X, _X, _X, _X, _R, _R, _R, _R),
    Shape.SCHEDULE_NO_OBJECT: (_N, _N, _N, _N, _N, _N, _X, _N, _D),
    Shape.SCHEDULE_TEXT: (_N, _R, _N, _N, _N, _N, _X, _N, _N),
    Shape.SCHEDULE_EMPTY_TEXT: (_N, _N, _N, _N, _N, _N, _X, _N, _D),
    Shape.KIND_UNKNOWN: (_N, _N, _N, _N, _N, _N, _X, _N, _D),
    Shape.KIND_GUESSED_EVERY: (_N, _N, _N, _R, _R, _R, _R, _R, _R),
    Shape.EXPR_OLD_NAME: (_N, _R, _R, _R, _R, _R, _R, _R, _R),
    Shape.EXPR_MISSING: (_N, _N, _N, _N, _N, _N, _X, _N, _D),
    Shape.EXPR_INVALID: (_N, _N, _N, _N, _N, _N, _N, _N, _N),
    Shape.EXPR_NEVER: (_N, _N, _N, _N, _N, _N, _N, _N, _N),
    Shape.ZONE_UNKNOWN: (_N, _N, _N, _N, _N, _N, _N, _N, _N),
    Shape.EVERY_MISSING: (_N, _N, _N, _N, _N, _N, _X, _N, _D),
    Shape.EVERY_TEXT: (_R, _R, _R, _R, _R, _R, _X, _F, _D),
    Shape.EVERY_TOO_SMALL: (_R, _R, _R, _R, _R, _R, _R, _R, _D),
    Shape.AT_MISSING: (_N, _N, _N, _N, _N, _N, _X, _N, _D),
    Shape.AT_INVALID: (_N, _N, _N, _N, _N, _N, _N, _N, _D),
    Shape.PAYLOAD_MISSING: (_H, _H, _H, _H, _H, _H, _H, _H, _D),
    Shape.PAYLOAD_OUTSIDE: (_R, _R, _H, _R, _R, _R, _R, _R, _R),
    Shape.PAYLOAD_COMMAND: (_H, _R, _H, _H, _H, _H, _H, _H, _D),
    Shape.PAYLOAD_NO_OBJECT: (_F, _F, _F, _F, _F, _F, _F, _F, _D),
    Shape.PAYLOAD_KIND: (_F, _F, _F, _F, _F, _F, _F, _F, _D),
    Shape.MESSAGE_MISSING: (_R, _R, _R, _R, _R, _R, _R, _R, _D),
    Shape.TEXT_MISSING: (_F, _F, _F, _F, _F, _F, _F, _F, _D),
    Shape.TEXT_EMPTY: (_F, _F, _F, _F, _F, _F, _F, _F, _F),
    Shape.TURN_IN_MAIN: (_F, _F, _F, _F, _F, _F, _F, _F, _F),
    Shape.EVENT_ELSEWHERE: (_F, _F, _F, _F, _F, _F, _F, _F, _F),
}
"""One fate a release of RELEASES. A job with several shapes has the worst of their fates."""


def fate(shape: Shape, release: Release) -> Fate | None:
    """What the release of this directory does with such a job. None where that was not seen: a release that keeps
    jobs in a database, or an unknown one where releases differ."""
    row = TABLE[shape]
    if not release.known and release.version is None:
        return row[0] if len(set(row)) == 1 else None
    at = column(release)
    return None if at is None else row[at]


def column(release: Release) -> int | None:
    """The place of the release in RELEASES; None for one without a column."""
    wanted = numbers(release.version) or numbers(release.policy)
    if wanted is None or wanted >= _DATABASES or release.behaviour.sessions_in_database:
        return None
    return max((at for at, each in enumerate(RELEASES) if (numbers(each) or wanted) <= wanted), default=0)


def reads_text_false(release: Release) -> bool:
    """Whether `enabled` may be the text false: so in 2026.4.25, 2026.5.22 and 2026.9.6, while 2026.3.28 runs such a
    job."""
    at = column(release)
    return release.behaviour.sessions_in_database or (at is not None and at >= RELEASES.index("2026.4.25"))


_DATABASES = (2026, 6, 1)
"""From this release on jobs are kept in a database."""
