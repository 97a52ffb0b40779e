"""What every command says besides its own matter: a repair that was interrupted, a parser that is slow."""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from gatewaydoctor.model.clock import ClockSource
from gatewaydoctor.report.words import fixed_clock

if TYPE_CHECKING:
    from gatewaydoctor.cli.shell.run import Outcome, Run
    from gatewaydoctor.model.gateway.place import Place


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
        if interrupted(run, place):
            from gatewaydoctor.repair.vault.catalog import halfway, interrupted_runs
            from gatewaydoctor.system.processes import system_processes

            runs = interrupted_runs(run.fs, system_processes(), place.real_dir)
            return next((each.run_id for each in runs if halfway(run.fs, each)), None)
    return None


def interrupted(run: Run, place: Place) -> tuple[str, ...]:
    """The ids of interrupted runs. Raises OSError for a vault that cannot be read."""
    from gatewaydoctor.repair.vault.layout import VAULT_NAME

    try:
        run.fs.stat(place.real_dir / VAULT_NAME)
    except OSError:
        return ()  # where nothing was ever repaired, nothing of repair needs to be loaded
    from gatewaydoctor.repair.vault.catalog import interrupted_runs
    from gatewaydoctor.system.processes import system_processes

    return tuple(each.run_id for each in interrupted_runs(run.fs, system_processes(), place.real_dir))


def pending_run(run: Run, place: Place) -> str | None:
    """The id of a run that was interrupted: to finish it or undo it comes before anything else. None too where the
    vault cannot be read, of which a notice tells."""
    with suppress(OSError):
        return next(iter(interrupted(run, place)), None)
    return None


def _interrupted(outcome: Outcome, place: Place) -> list[str]:
    try:
        runs = interrupted(outcome.run, place)
    except OSError as error:
        return [f"Cannot read the vault ({error.strerror or type(error).__name__}), so earlier runs are unknown."]
    command = outcome.run.invocation.command
    return [
        f"Run {run_id} was interrupted. `{command('repair', '--resume', run_id)}` finishes it, "
        f"`{command('undo', run_id)}` undoes it."
        for run_id in runs
    ]


def _slow_parser() -> list[str]:
    if "ijson" not in sys.modules:
        return []  # nothing needed it
    from gatewaydoctor.storage.files.boundaries import backend

    name = backend()
    if name.startswith("yajl2"):
        return []
    return [f"ijson has no yajl ({name}), so reading stores with an unusual layout is many times slower."]
