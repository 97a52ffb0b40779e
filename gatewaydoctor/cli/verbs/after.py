"""`after`: what became of a repair once the gateway is up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from gatewaydoctor.cli.parser.parameters import argument
from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats
from gatewaydoctor.cli.shell.writing import Vault
from gatewaydoctor.model.errors import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.repair.vault.catalog import RunInfo

RunId = Annotated[str | None, argument(metavar="[RUN]", help="Run id or its beginning; else the last run.")]


def after(run: Run, *, run_id: RunId = None, vault: Vault = None) -> Outcome:
    """Checks, while the gateway runs, whether it is up, whether every session and conversation that the run kept is
    there with its transcript, whether jobs start in bursts again, which jobs are still disabled, and what became of
    the jobs that the forecast named. Exits 0 if all is well or only something is left to do, 1 if something is wrong.
    Only reads."""
    from gatewaydoctor.cli.shell.examining import look, view
    from gatewaydoctor.model.repair.aftermath import Standing
    from gatewaydoctor.repair.run.afterwards import afterwards, read_done
    from gatewaydoctor.report.screens import after as screen

    only_formats(run, "after", "text", "json")
    judgement = look(run)
    x = judgement.examination
    seen = view(run, x)
    done = read_done(run.fs, _found(run, x, run_id, vault).place, x)
    aspects = afterwards(x, done)
    bad = any(each.standing is Standing.BAD for each in aspects)
    details = {
        "runId": done.run_id,
        "finishedAtMs": done.finished_at,
        "checks": [
            {"about": each.about, "standing": each.standing.value, "text": each.text, "names": list(each.names)}
            for each in aspects
        ],
    }
    return Outcome(
        "after",
        ExitCode.FINDINGS if bad else ExitCode.OK,
        run,
        judgement,
        seen.names,
        details=details,
        next=screen.step_after(x, aspects, seen),
        screen=lambda console: screen.show(console, x, done.run_id, done.finished_at, aspects, seen),
    )


def _found(run: Run, x: Examination, asked: str | None, vault: str | None) -> RunInfo:
    """The run named by its beginning, else the last one that was applied. Raises NoSuchRun and OSError."""
    from gatewaydoctor.cli.shell.writing import no_directory
    from gatewaydoctor.model.repair.receipt import RunState
    from gatewaydoctor.repair.vault.catalog import list_runs
    from gatewaydoctor.repair.writing.errors import NoSuchRun
    from gatewaydoctor.system.processes import system_processes

    no_directory(asked or "", "a run")
    place: Path | None = None
    if vault is not None:
        from pathlib import Path

        place = Path(vault).expanduser().absolute()
    runs = list_runs(run.fs, system_processes(), x.place.real_dir, place)
    done = [each for each in runs if each.state is RunState.DONE]
    fitting = [each for each in done if asked is None or each.run_id.startswith(asked)]
    if not fitting:
        what = "No repair was applied here." if asked is None else f"No applied run begins with {asked!r}."
        hint = "`gatewaydoctor runs list` shows the runs." if done else "Scan the directory: `gatewaydoctor scan`."
        raise NoSuchRun(what, hint)
    if asked is not None and len(fitting) > 1:
        raise NoSuchRun(f"{len(fitting)} runs begin with {asked!r}.", "Give more of the run id.")
    return fitting[-1]
