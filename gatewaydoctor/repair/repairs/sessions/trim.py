"""trim: rows of runs that are over leave, newest kept; no conversation is touched.

A row may go if its kind is disposable, it is not pinned, it shares its sessionId with no protected row, and it showed
no sign of life in the last hour. It goes if it is stuck, older than the retention, or beyond the newest ones of its
job; `--max-entries` takes the oldest of the rest. A row that was named by its key goes whatever it is.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from gatewaydoctor.examine.cron.jobs import QUIET_MS
from gatewaydoctor.model.gateway.entry import DISPOSABLE, DISPOSABLE_WHEN_NAMED, Entry, Kind, Status
from gatewaydoctor.model.repair.plan import REMOVE
from gatewaydoctor.model.words import duration, plural
from gatewaydoctor.repair.drafting.draft import of_people
from gatewaydoctor.repair.drafting.options import Repair, TrimOptions
from gatewaydoctor.repair.drafting.rows import StoreDraft
from gatewaydoctor.repair.drafting.shrink_need import too_many_rows
from gatewaydoctor.repair.repairs.sessions.childkeys import NeededChildren, may_go
from gatewaydoctor.repair.repairs.sessions.transcript_moves import move_transcripts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.repair.drafting.draft import Draft
    from gatewaydoctor.repair.drafting.rows import RowsDraft


class Candidate(NamedTuple):
    position: int
    group: str
    kind: Kind
    job_id: str | None
    status: Status
    sign: int | None
    size: int
    key: str
    shared: bool


class Gone(NamedTuple):
    candidate: Candidate
    reason: str


def plan(draft: Draft, *, named: bool) -> None:
    """Add to the draft. Unless `named`, age and number count only where a store is too large or over its cap."""
    for store in draft.opened:
        pressing = named or too_many_rows(draft, store)
        gone = list(_one_by_one(draft, store)) if named else []
        gone += _going(draft, store, len(store) - len(gone), pressing=pressing)
        for each in gone:
            store.drop(each.candidate.position)
        _say(draft, store, gone)
        if not isinstance(store, StoreDraft):
            continue  # transcripts go with their database
        if gone and draft.options.trim.vault_transcripts:
            move_transcripts(draft, store)
        elif gone:
            draft.caution("The transcripts of the removed rows stay in place and become unindexed.")
            draft.depends_on(*(path for entry in store.dropped() for path in store.transcripts_of(entry)))


def kinds(options: TrimOptions) -> frozenset[Kind]:
    """Cron runs, and the other disposable kinds that were named."""
    return frozenset({Kind.CRON_RUN}) | (options.kinds & (DISPOSABLE | DISPOSABLE_WHEN_NAMED))


def protected_sessions(store: RowsDraft, disposable: frozenset[Kind]) -> frozenset[str]:
    """Session ids of rows that no repair removes."""
    return frozenset(entry.session_id for entry in store.protected(disposable) if entry.session_id)


def _one_by_one(draft: Draft, store: RowsDraft) -> Iterator[Gone]:
    """Rows that were named, of whatever kind: to set one session aside (docs/gateway.md, failure 14)."""
    needed = NeededChildren(draft)
    for position, entry in store.entries() if draft.options.names else ():
        if entry.key in draft.options.names and may_go(draft, entry, needed):
            yield Gone(_candidate(position, entry, store, frozenset()), "named one by one")


def _going(draft: Draft, store: RowsDraft, rows: int, *, pressing: bool) -> list[Gone]:
    """What goes of the `rows` that those named one by one leave."""
    options = draft.options.trim
    candidates = list(_candidates(draft, store))
    rule = _Rule(draft, pressing=pressing)
    free = {each for each in candidates if not each.shared and rule.quiet(each)}
    gone = [Gone(each, reason) for each in candidates if each in free and (reason := rule.by_itself(each))]
    if pressing and (fresh := sum(not rule.quiet(each) for each in candidates)):
        draft.caution(
            f"{plural(fresh, 'run row stays', 'run rows stay')}: they or their transcripts changed in the last hour. "
            "In a copy made without the old file times all rows count as changed."
        )
    left = set(candidates).difference(each.candidate for each in gone)
    if pressing and options.keep_per_job is not None:
        beyond = [each for each in _beyond(left, options.keep_per_job) if each in free]
        gone += [Gone(each, f"all but the newest {options.keep_per_job:,} of its job") for each in beyond]
        left.difference_update(beyond)
    if options.max_entries is not None:
        excess = rows - len(gone) - options.max_entries
        oldest = sorted(left & free, key=lambda each: (each.sign or 0, each.position))
        gone += [
            Gone(each, f"the oldest sessions, to leave {options.max_entries:,}") for each in oldest[: max(0, excess)]
        ]
        if excess > len(oldest):
            draft.caution(
                f"{excess - len(oldest):,} sessions above {options.max_entries:,} stay because "
                "they are protected or recent."
            )
    return gone


def _candidates(draft: Draft, store: RowsDraft) -> Iterator[Candidate]:
    options = draft.options.trim
    allowed = kinds(options)
    needed = NeededChildren(draft)
    shared = protected_sessions(store, allowed)
    for position, entry in store.entries():
        if entry.kind not in allowed or entry.pinned or entry in needed:
            continue
        if entry.key in draft.options.names:
            continue  # gone already
        if options.statuses and entry.status not in options.statuses:
            continue
        if options.jobs and (entry.job_id or "").lower() not in options.jobs:
            continue
        yield _candidate(position, entry, store, shared)


def _candidate(position: int, entry: Entry, store: RowsDraft, shared: frozenset[str]) -> Candidate:
    return Candidate(
        position,
        entry.job_id or entry.kind.value,
        entry.kind,
        entry.job_id,
        entry.status,
        store.last_sign(entry),
        entry.bytes,
        entry.key,
        entry.session_id in shared,
    )


class _Rule:
    """Why a row goes by itself, whatever else its job has."""

    def __init__(self, draft: Draft, *, pressing: bool) -> None:
        self._now = draft.x.now
        self._stuck_after = draft.x.depth.stuck_after
        asked = draft.options.trim.older_than
        retention = asked if asked is not None else draft.x.config.cron.session_retention.value
        self._retention = retention if pressing or asked is not None else None

    def by_itself(self, each: Candidate) -> str | None:
        age = None if each.sign is None else self._now - each.sign
        if each.status is Status.RUNNING:
            stuck = age is None or age >= self._stuck_after
            return f"stuck, no sign of life for {duration(self._stuck_after)}" if stuck else None
        if self._retention is not None and (age is None or age > self._retention):
            return f"finished, older than {duration(self._retention)}" if self._retention else "over"
        return None

    def quiet(self, each: Candidate) -> bool:
        return each.sign is None or self._now - each.sign >= QUIET_MS


def _beyond(left: set[Candidate], keep: int) -> Iterator[Candidate]:
    """Rows beyond the newest of each job. Those that share a session with a protected row stay, and count first."""
    groups: defaultdict[str, list[Candidate]] = defaultdict(list)
    for each in sorted(left, key=lambda each: each.position):
        groups[each.group].append(each)
    for rows in groups.values():
        rows.sort(key=lambda each: (not each.shared, -(each.sign or 0), -each.position))
        yield from rows[keep:]


def _say(draft: Draft, store: RowsDraft, gone: list[Gone]) -> None:
    names = {job.job_id: job.name for job in draft.x.jobs.jobs}
    groups: defaultdict[tuple[str, Kind, str], list[Candidate]] = defaultdict(list)
    for each in gone:
        groups[each.candidate.group, each.candidate.kind, each.reason].append(each.candidate)
    for (group, kind, reason), rows in sorted(groups.items(), key=lambda item: -len(item[1])):
        draft.step(
            Repair.TRIM,
            REMOVE,
            store.path,
            reason if kind is Kind.CRON_RUN else f"{kind.value} rows: {reason}",
            [each.key for each in rows],
            sum(each.size for each in rows),
            agent_id=store.agent_id,
            **of_people(rows),
            job_id=group if rows[0].job_id else None,
            job_name=names.get(group),
        )
