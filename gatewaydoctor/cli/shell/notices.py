"""What every command says besides its own matter: a repair that was interrupted, a parser that is slow."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from gatewaydoctor.model.clock import ClockSource
from gatewaydoctor.model.repair.way_out import WayOut, steps_of
from gatewaydoctor.report.words import fixed_clock

if TYPE_CHECKING:
    from gatewaydoctor.cli.shell.run import Outcome, Run
    from gatewaydoctor.model.gateway.place import Place
    from gatewaydoctor.model.outcome.verdict import NextStep
    from gatewaydoctor.repair.vault.catalog import RunInfo
    from gatewaydoctor.repair.writing.fs import WriteFs
    from gatewaydoctor.report.invocation import Invocation


def notices(outcome: Outcome) -> tuple[str, ...]:
    """Whole sentences about the directory a verb has examined, or copied; none for a verb that does neither."""
    if outcome.judgement is None:
        return () if outcome.place is None else (*clock_notice(outcome), *_interrupted(outcome, outcome.place))
    return (*clock_notice(outcome), *_interrupted(outcome, outcome.judgement.examination.place), *_slow_parser())


def clock_notice(outcome: Outcome) -> list[str]:
    """About the clock of a verb that examined, or told ages. One that was fixed on the command line is on the screen
    already; one that is in the environment may have been forgotten there."""
    clock = outcome.run.clock
    if (outcome.judgement is None and outcome.place is None) or clock.source is not ClockSource.ENVIRONMENT:
        return []
    return [f"The clock is {fixed_clock(clock)}: all ages are measured by it."]


def halfway_run(run: Run, place: Place) -> RunInfo | None:
    """A run that may have left a database between two states, or is at work on one. None too where the vault cannot
    be read. Of the directory's files none is read."""
    with suppress(OSError):
        from gatewaydoctor.repair.vault.catalog import halfway

        return next((each for each in _pending(run, place) if halfway(run.fs, each)), None)
    return None


def _pending(run: Run, place: Place) -> tuple[RunInfo, ...]:
    """Runs that have not come to an end. Raises OSError for a vault that cannot be read."""
    from gatewaydoctor.repair.vault.layout import VAULT_NAME

    try:
        run.fs.stat(place.real_dir / VAULT_NAME)
    except OSError:
        return ()  # where nothing was ever repaired, nothing of repair needs to be loaded
    from gatewaydoctor.repair.vault.catalog import interrupted_runs
    from gatewaydoctor.system.processes import system_processes

    return interrupted_runs(run.fs, system_processes(), place.real_dir)


def _way_out(run: Run, pending: RunInfo) -> WayOut:
    """What ends it. The files it was to change are read whole, once as long as its journal stays the same."""
    try:
        journal = run.fs.stat(pending.place.journal)
    except OSError:
        return _way_out_of(run, pending)
    known = (pending.run_id, journal.size, journal.mtime_ns)
    if known not in run.ways_out:
        run.ways_out[known] = _way_out_of(run, pending)
    return run.ways_out[known]


def _way_out_of(run: Run, pending: RunInfo) -> WayOut:
    from gatewaydoctor.examine.world import NoProgress
    from gatewaydoctor.repair.run.returns import way_out
    from gatewaydoctor.repair.writing.tools import Tools
    from gatewaydoctor.system.processes import system_processes

    # What ends a run is only looked for: hands that cannot write will do.
    tools = Tools(cast("WriteFs", run.fs), system_processes(), lambda: run.now, NoProgress())
    return way_out(pending, tools)


def pending_step(run: Run, place: Place) -> NextStep | None:
    """What ends a run that was interrupted, which comes before anything else. None too where the vault cannot be
    read, of which a notice tells."""
    first = pending_run(run, place)
    return step_of(run, first) if first else None


def pending_run(run: Run, place: Place) -> RunInfo | None:
    """The first of the runs that have not come to an end. None too where the vault cannot be read."""
    with suppress(OSError):
        return next(iter(_pending(run, place)), None)
    return None


def step_of(run: Run, pending: RunInfo) -> NextStep:
    """What ends this run."""
    from gatewaydoctor.checks.nextstep import interrupted

    return interrupted(pending.run_id, _way_out(run, pending))


def _interrupted(outcome: Outcome, place: Place) -> list[str]:
    try:
        return [
            _told(outcome.run.invocation, each, _way_out(outcome.run, each)) for each in _pending(outcome.run, place)
        ]
    except OSError as error:
        return [f"Cannot read the vault ({error.strerror or type(error).__name__}), so earlier runs are unknown."]


def _told(typed: Invocation, run: RunInfo, way: WayOut) -> str:
    steps = steps_of(way)
    commands = [typed.command(*verb, run.run_id, *options) for verb, options in steps.verbs]
    at_work = f"Process {run.worker} is working on run {run.run_id}."
    return f"{at_work if way is WayOut.WAIT else f'Run {run.run_id} was interrupted.'} {steps.told(commands)}"


def _slow_parser() -> list[str]:
    if "ijson" not in sys.modules:
        return []  # nothing needed it
    from gatewaydoctor.storage.files.boundaries import backend

    name = backend()
    if name.startswith("yajl2"):
        return []
    return [f"ijson has no yajl ({name}), so reading stores with an unusual layout is many times slower."]
