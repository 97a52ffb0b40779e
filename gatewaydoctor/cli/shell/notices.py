"""What every command says besides its own matter: a repair that was interrupted, a parser that is slow."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from gatewaydoctor.model.clock import ClockSource
from gatewaydoctor.model.repair.receipt import Ending
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


def halfway_run(run: Run, place: Place) -> str | None:
    """The id of an interrupted run that may have left a database between two states. None too where the vault cannot
    be read."""
    with suppress(OSError):
        from gatewaydoctor.repair.vault.catalog import halfway

        return next((each.run_id for each, _ in interrupted(run, place) if halfway(run.fs, each)), None)
    return None


def interrupted(run: Run, place: Place) -> tuple[tuple[RunInfo, Ending], ...]:
    """Interrupted runs, and what ends each. Raises OSError for a vault that cannot be read."""
    from gatewaydoctor.repair.vault.layout import VAULT_NAME

    try:
        run.fs.stat(place.real_dir / VAULT_NAME)
    except OSError:
        return ()  # where nothing was ever repaired, nothing of repair needs to be loaded
    from gatewaydoctor.repair.vault.catalog import interrupted_runs
    from gatewaydoctor.system.processes import system_processes

    found = interrupted_runs(run.fs, system_processes(), place.real_dir)
    if not found:
        return ()
    from gatewaydoctor.examine.world import NoProgress
    from gatewaydoctor.repair.run.returns import ending
    from gatewaydoctor.repair.writing.tools import Tools

    # What ends a run is only looked for: hands that cannot write will do.
    tools = Tools(cast("WriteFs", run.fs), system_processes(), lambda: run.now, NoProgress())
    return tuple((each, ending(each, tools)) for each in found)


def pending_step(run: Run, place: Place) -> NextStep | None:
    """What ends a run that was interrupted, which comes before anything else. None too where the vault cannot be
    read, of which a notice tells."""
    from gatewaydoctor.checks.nextstep import interrupted as step_of

    with suppress(OSError):
        return next((step_of(each.run_id, how) for each, how in interrupted(run, place)), None)
    return None


def _interrupted(outcome: Outcome, place: Place) -> list[str]:
    try:
        runs = interrupted(outcome.run, place)
    except OSError as error:
        return [f"Cannot read the vault ({error.strerror or type(error).__name__}), so earlier runs are unknown."]
    return [_told(outcome.run.invocation, each, how) for each, how in runs]


def _told(typed: Invocation, run: RunInfo, how: Ending) -> str:
    run_id, undo = run.run_id, f"`{typed.command('undo', run.run_id)}`"
    match how:
        case Ending.WAIT:
            return f"Process {run.worker} is working on run {run_id}. Wait until it has finished."
        case Ending.RESUME:
            resume = typed.command("repair", "--resume", run_id)
            return f"Run {run_id} was interrupted. `{resume}` finishes it, {undo} undoes it."
        case Ending.UNDO:
            return f"Run {run_id} was interrupted, and can only be undone: {undo}."
        case Ending.MERGE:
            merge = typed.command("undo", run_id, "--merge")
            return f"Run {run_id} was interrupted, and files changed since: `{merge}` restores what is missing."
        case Ending.BY_HAND:
            return f"Run {run_id} was interrupted. {undo} shows what to do by hand."


def _slow_parser() -> list[str]:
    if "ijson" not in sys.modules:
        return []  # nothing needed it
    from gatewaydoctor.storage.files.boundaries import backend

    name = backend()
    if name.startswith("yajl2"):
        return []
    return [f"ijson has no yajl ({name}), so reading stores with an unusual layout is many times slower."]
