"""The subagent registry: runs pruned, settled, announced, and the sweep that deletes sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.subagents import RegistryRead, SubagentState
from gatewaydoctor.model.outcome.forecast import Certainty, Cost, Event, EventKind
from gatewaydoctor.model.words import duration, plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gatewaydoctor.checks.start.state import StartState
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.gateway.subagents import SubagentRun

STALE_MS = 7_200_000
"""2026.4.25 and 2026.5.22 prune un-ended runs older than this."""
SWEEP_MS = 60_000


def registry(state: StartState) -> Iterator[Event]:
    found = state.x.subagents
    if state.x.config.release.behaviour.sessions_in_database:
        if found.runs:
            what = f"does not take over {plural(found.runs, 'subagent run')} of runs.json, and removes the file"
            yield Event(EventKind.SWEEPS, 0, what, (str(found.path),), found.runs, certainty=Certainty.MAY)
        return
    if found.read is RegistryRead.GATEWAY_EMPTY:
        what = "loads the subagent registry as EMPTY; the next subagent run overwrites it"
        yield Event(EventKind.EMPTIES, 0, what, (str(found.path),), found.runs)
        return
    if found.read is RegistryRead.UNREADABLE:
        what = "resumes subagents of a registry that could not be read"
        yield Event(EventKind.UNKNOWN, 5_000, what, (str(found.path),), 0, certainty=Certainty.MAY)
        return
    if found.read is RegistryRead.OK:
        yield from _orphans(state)
        yield from _unended(state)
        yield from _announced(state)
        yield from _swept(state)
        yield from _kept(state)


def _orphans(state: StartState) -> Iterator[Event]:
    found = state.x.subagents
    lost = found.orphaned + len(state.gone_children)
    if lost:
        attachments = ", and deletes their attachments" if found.with_attachments else ""
        what = f"drops {plural(lost, 'subagent run')} without a session{attachments}"
        yield Event(EventKind.SWEEPS, 0, what, (), lost)


def stale_runs(x: Examination) -> list[SubagentRun]:
    """Runs that did not end and that the next start drops: no conversation is told."""
    if not x.config.release.behaviour.prunes_stale_runs or x.subagents.read is not RegistryRead.OK:
        return []
    return [run for run in _running(x) if run.created_at is not None and x.now - run.created_at > STALE_MS]


def _running(x: Examination) -> list[SubagentRun]:
    return [run for run in x.subagents.rows if run.state is SubagentState.RUNNING and not run.orphaned]


def _unended(state: StartState) -> Iterator[Event]:
    release = state.x.config.release
    if not release.behaviour.prunes_stale_runs:
        return
    running, stale = _running(state.x), stale_runs(state.x)
    if stale:
        what = f"prunes {plural(len(stale), 'subagent run')} that did not end within {duration(STALE_MS)}"
        yield Event(EventKind.SETTLES, 0, what, (), len(stale), source=f"seen with {release.policy}")
    rest = [run for run in running if run not in stale]
    if rest and release.behaviour.settles_open_runs:
        count = len(rest)
        failed = "its session" if count == 1 else "their sessions"
        what = (
            f"settles {plural(count, 'subagent run')} that did not end, marks {failed} failed, and announces each "
            "with a model turn"
        )
        who = tuple(run.child_key for run in rest if run.child_key)
        yield Event(
            EventKind.SETTLES, SWEEP_MS, what, who, count, Cost(turns=count), Certainty.MAY, "seen with 2026.5.22"
        )


def _announced(state: StartState) -> Iterator[Event]:
    """Ended runs whose result was not handed over yet."""
    gives_up = state.x.config.release.behaviour.gives_up_old_results
    waiting = [run for run in state.x.subagents.rows if run.state is SubagentState.ENDED and not run.orphaned]
    waiting = [run for run in waiting if run.cleanup_completed_at is None]
    if waiting:
        old = "; one of 20 h was given up instead" if gives_up else ""
        what = f"announces {plural(len(waiting), 'ended subagent run')} in the conversation that asked{old}"
        who = tuple(dict.fromkeys(run.requester_key for run in waiting if run.requester_key))
        yield Event(EventKind.ANNOUNCES, 5_000, what, who, len(waiting), Cost(turns=len(waiting)), Certainty.MAY)


def _swept(state: StartState) -> Iterator[Event]:
    found = state.x.subagents
    going_on = frozenset() if state.x.config.release.behaviour.sweeps_open_runs else found.open_children
    over = sorted(found.overdue_children - going_on - state.gone_children)
    if over:
        paired = "" if state.x.paired else "; without a paired device it has been seen to drop the runs alone"
        what = f"deletes {plural(len(over), 'ended subagent run')} past the archive date with their sessions{paired}"
        yield Event(EventKind.SWEEPS, SWEEP_MS, what, tuple(over), len(over), certainty=Certainty.MAY)


def _kept(state: StartState) -> Iterator[Event]:
    """Ended runs without an archive date, which 2026.3.28 never drops."""
    registry, behaviour = state.x.subagents, state.x.config.release.behaviour
    count = registry.never_archived - sum(run.never_archived and run.orphaned for run in registry.rows)
    if not count:
        return
    runs = plural(count, "ended subagent run")
    if not behaviour.keeps_ended_runs:
        spared = " but those kept on purpose" if behaviour.spares_kept_runs else ""
        what = f"drops {runs} without an archive date{spared}, 5 min after their clean-up"
        yield Event(EventKind.SWEEPS, 300_000, what, (), count, certainty=Certainty.MAY)
    else:
        what = f"keeps {runs} in memory and in runs.json forever"
        yield Event(EventKind.SWEEPS, None, what, (), count)
