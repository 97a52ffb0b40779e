"""subagents: runs that ended and will never be archived leave the registry; a torn registry is rebuilt from its whole
runs (docs/gateway.md section 8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.entry import Status
from gatewaydoctor.model.gateway.subagents import RegistryRead
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.repair.plan import REMOVE, NewBytes, Segment
from gatewaydoctor.model.units import HOUR_MS, MINUTE_MS
from gatewaydoctor.model.words import duration
from gatewaydoctor.repair.drafting.options import Repair
from gatewaydoctor.repair.repairs.registry.registryfile import Run, RunsFile, read_runs
from gatewaydoctor.repair.writing.errors import OutOfReach
from gatewaydoctor.repair.writing.stream import content_of
from gatewaydoctor.storage.files.splice import without

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.repair.drafting.draft import Draft

AFTER_MS = 5 * MINUTE_MS
"""As 2026.4.25 and later do: five minutes after completion."""

_OF_NO_VERSION = "Even after a repair the gateway loads it as empty: copy it to a safe place before a start."
_CLOSING = b"\n  }\n}"


def plan(draft: Draft, *, named: bool) -> None:
    registry = draft.x.subagents
    findings = draft.found("subagent-never-archived", "subagents-unreadable")
    pressing = named or any(each.severity >= Severity.WARNING for each in findings)
    if not pressing or registry.read in (RegistryRead.MISSING, RegistryRead.UNREADABLE):
        return
    if registry.runs and not registry.version_is_read:
        version = "is not known" if registry.version is None else f"is {registry.version}"
        draft.refuse(
            Repair.SUBAGENTS, registry.path, OutOfReach(f"Its version {version}, not 1 or 2.", _OF_NO_VERSION)
        )
        return
    try:
        _mend(draft)
    except (OutOfReach, OSError) as error:
        draft.refuse(Repair.SUBAGENTS, registry.path, error)


def _mend(draft: Draft) -> None:
    path = draft.x.subagents.path
    _, seen = draft.reach(path)
    found = read_runs(draft.fs, path)
    if found is None or (not found.whole and not found.runs):
        draft.caution("The subagent registry holds no complete run; it stays unchanged.", [path.name])
        return
    number = draft.fingerprint(path, content_of(draft.fs, path).sha256, seen)
    least = AFTER_MS if draft.options.older_than is None else draft.options.older_than
    gone = frozenset(_over(found, draft.x.now, least, _live_rows(draft)))
    if not gone and found.whole:
        return
    segments, size = _content(found, gone, seen.size, number)
    if not draft.rewrite(number, segments, size):
        return
    if not found.whole:
        whole = [run.run_id for run in found.runs]
        draft.step(
            Repair.SUBAGENTS, "rebuild", path, "it is damaged; the complete runs before the damage are kept", whole, 0
        )
    if gone:
        runs = [found.runs[place] for place in sorted(gone)]
        draft.step(
            Repair.SUBAGENTS,
            REMOVE,
            path,
            f"runs that ended more than {duration(least)} ago and have no archive date",
            [run.run_id for run in runs],
            sum(run.end - run.start for run in runs),
        )


def _live_rows(draft: Draft) -> frozenset[str]:
    """Keys, in lower case, of rows that are running or had a sign of life within the last hour."""
    return frozenset(
        entry.key.lower()
        for store in draft.stores
        if store.opened
        for _, entry in store.entries()
        if entry.status is Status.RUNNING or draft.x.now - (store.last_sign(entry) or 0) < HOUR_MS
    )


def _over(found: RunsFile, now: int, least: int, live: frozenset[str]) -> Iterator[int]:
    """Runs that may go: ended, never archived, nothing kept for them on disk, and neither a run that goes on nor a
    row of `live` needs them."""
    running = [run for run in found.runs if run.ended_at is None]
    children = {run.child_key.lower() for run in running if run.child_key}
    concerned = children.union(*(_waiting(run) for run in running))
    for place, run in enumerate(found.runs):
        done = run.completed_at if run.completed_at is not None else run.ended_at
        if not run.never_archived or done is None or now - done < least or run.attachments:
            continue
        own = {run.child_key.lower()} if run.child_key else set()
        # Once its end was announced and cleaned up, nothing waits for it.
        waiting = _waiting(run) if run.completed_at is None else set()
        if own.isdisjoint(concerned | live) and waiting.isdisjoint(children | live):
            yield place


def _waiting(run: Run) -> set[str]:
    """The sessions, in lower case, that asked for a run and steer it."""
    return {key.lower() for key in (run.requester_key, run.controller_key) if key}


def _content(found: RunsFile, gone: frozenset[int], size: int, number: int) -> tuple[tuple[Segment, ...], int]:
    spans = [(run.start, run.end) for run in found.runs]
    if found.whole:
        return without(spans, gone, size, number)
    segments, length = without(spans, gone, spans[-1][1], number)
    return (*segments, NewBytes(_CLOSING)), length + len(_CLOSING)
