"""`runs`: what the vault holds."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from msgspec import to_builtins
from msgspec.structs import replace

from gatewaydoctor.cli.parser.parameters import argument, option
from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats
from gatewaydoctor.cli.shell.writing import (
    Vault,
    WriteSession,
    Yes,
    cap,
    confirm,
    no_directory,
    require_own_clock,
    write_session,
)
from gatewaydoctor.cli.words.durations import parse_span
from gatewaydoctor.model.errors import ExitCode, UsageError
from gatewaydoctor.model.words import plural
from gatewaydoctor.report.screens.runs import FileLine, RunLine

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatewaydoctor.repair.run.returns import UndoStep
    from gatewaydoctor.repair.vault.catalog import RunInfo
    from gatewaydoctor.report.screens.blocks.parts import View

RunId = Annotated[str | None, argument(metavar="[RUN]", help="Run id or its beginning. [default: the newest run]")]
SomeRun = Annotated[str | None, argument(metavar="[RUN]", help="Run id or its beginning.")]
OlderThan = Annotated[str | None, option("--older-than", metavar="TIME", help="Runs that ended longer ago.")]


def runs_list(run: Run, *, vault: Vault = None) -> Outcome:
    """Lists the runs of this state directory, oldest first."""
    from gatewaydoctor.checks.nextstep import interrupted
    from gatewaydoctor.repair.run.returns import way_out
    from gatewaydoctor.repair.vault.catalog import list_runs, no_runs
    from gatewaydoctor.report.screens import runs as screens

    only_formats(run, "runs list", "text", "json")
    with write_session(run, vault=vault) as work:
        runs = list_runs(work.tools.fs, work.tools.processes, work.state_dir, work.vault)
        others = [str(path) for path in no_runs(work.tools.fs, work.state_dir, work.vault)]
        ends = next((interrupted(each.run_id, way_out(each, work.tools)) for each in runs if each.pending), None)
        seen = replace(_view(run, work), pending=ends)
    details = {"runs": [_details(each) for each in runs], "notRuns": others}
    lines = [_line(each) for each in runs]
    screen = partial(screens.listed, runs=lines, now=run.now, view=seen, others=others)
    place = work.found.place
    return Outcome("runs list", ExitCode.OK, run, names=seen.names, details=details, screen=screen, place=place)


def runs_show(run: Run, *, run_id: RunId = None, vault: Vault = None) -> Outcome:
    """Shows what the run did, where its originals are, and whether it can be undone."""
    from gatewaydoctor.repair.drafting.origins import kept_origins
    from gatewaydoctor.repair.run.undo import preview
    from gatewaydoctor.repair.vault.codec import read_plan
    from gatewaydoctor.repair.writing.errors import BadPlan
    from gatewaydoctor.report.screens import runs as screens

    only_formats(run, "runs show", "text", "json")
    no_directory(run_id or "", "a run")
    with write_session(run, vault=vault) as work:
        found = newest_or_named(work, run_id)
        try:
            plan = read_plan(work.tools.fs, found.place.plan)
        except BadPlan:
            plan = None  # interrupted before its plan was kept: there is nothing to show of it
        returns = preview(work.tools, found)
        sources = kept_origins(work.tools.fs, found.place, cap(run))
        seen = _view(run, work)
    details = {
        **_details(found),
        "plan": to_builtins(plan),
        "provenance": [each.as_json() for each in sources],
    }
    screen = partial(
        screens.shown,
        run=_line(found),
        plan=plan,
        returns=file_lines(returns),
        now=run.now,
        view=seen,
        sources=sources,
    )
    place = work.found.place
    return Outcome("runs show", ExitCode.OK, run, names=seen.names, details=details, screen=screen, place=place)


def runs_verify(run: Run, *, run_id: RunId = None, vault: Vault = None) -> Outcome:
    """Hashes every original in the vault and compares it with the manifest. Exits 1 if one differs."""
    from gatewaydoctor.repair.vault.catalog import verify_run
    from gatewaydoctor.report.screens import runs as screens

    only_formats(run, "runs verify", "text", "json")
    no_directory(run_id or "", "a run")
    with write_session(run, vault=vault) as work:
        found = newest_or_named(work, run_id)
        checks = verify_run(work.tools, found)
        seen = _view(run, work)
    bad = [each for each in checks if each.problem is not None]
    details = {
        "runId": found.run_id,
        "files": [{"path": each.path, "stored": each.stored, "problem": each.problem} for each in checks],
    }
    lines = [FileLine(each.path, each.problem or "whole", None, each.problem is not None) for each in checks]
    code = ExitCode.FINDINGS if bad else ExitCode.OK
    screen = partial(screens.verified, run=_line(found), checks=lines, view=seen)
    place = work.found.place
    return Outcome("runs verify", code, run, names=seen.names, details=details, screen=screen, place=place)


def runs_prune(
    run: Run, *, run_id: SomeRun = None, older_than: OlderThan = None, yes: Yes = False, vault: Vault = None
) -> Outcome:
    """Deletes the originals of a run for good: it cannot be undone afterwards. No other command destroys anything."""
    from gatewaydoctor.repair.vault.catalog import find_run, list_runs
    from gatewaydoctor.repair.vault.pruning import prunable, prune
    from gatewaydoctor.report.screens import runs as screens

    only_formats(run, "runs prune", "text", "json")
    no_directory(run_id or "", "a run")
    if (run_id is None) == (older_than is None):
        raise UsageError(
            "runs prune needs a RUN or --older-than.", "Try `gatewaydoctor runs prune --older-than 30d`."
        )
    require_own_clock(run)
    with write_session(run, vault=vault) as work:
        if run_id is not None:
            chosen: tuple[RunInfo, ...] = (find_run(work.tools, work.state_dir, work.vault, run_id),)
        else:
            before = run.now - parse_span(older_than or "", "--older-than")
            runs = list_runs(work.tools.fs, work.tools.processes, work.state_dir, work.vault)
            chosen = prunable(runs, before)
        if chosen:
            confirm(f"Delete the originals of {plural(len(chosen), 'run')} for good?", yes=yes)
        with work.stoppable_between_files() as tools:
            freed = prune(tools, chosen, work.state_dir)
        seen = _view(run, work)
    details = {"runs": [each.run_id for each in chosen], "bytes": freed}
    screen = partial(screens.pruned, count=len(chosen), freed=freed, view=seen)
    wrote = bool(chosen)
    return Outcome("runs prune", ExitCode.OK, run, names=seen.names, details=details, screen=screen, wrote=wrote)


def newest_or_named(work: WriteSession, run_id: str | None) -> RunInfo:
    """Raises NoSuchRun."""
    from gatewaydoctor.repair.vault.catalog import find_run, list_runs
    from gatewaydoctor.repair.writing.errors import NoSuchRun

    if run_id is None:
        runs = list_runs(work.tools.fs, work.tools.processes, work.state_dir, work.vault)
        if not runs:
            raise NoSuchRun(
                "There are no runs: no repair was applied here.",
                "Name the vault of the repair with --vault, if it had one.",
            )
        run_id = runs[-1].run_id
    return find_run(work.tools, work.state_dir, work.vault, run_id)


def _view(run: Run, work: WriteSession) -> View:
    from gatewaydoctor.cli.shell.examining import view_with
    from gatewaydoctor.report.document import names_of_place

    return view_with(run, names_of_place(work.found.place, redact=run.options.redact), 40)


def _line(run: RunInfo) -> RunLine:
    return RunLine(
        run.run_id, run.state, run.last_at or run.started_at, run.pending, str(run.place.directory), run.problem
    )


def file_lines(returns: Iterable[UndoStep]) -> list[FileLine]:
    """Files on their way back, as the screens show them."""
    return [FileLine(each.target, each.action.value, each.bytes, each.action.refused) for each in returns]


def _details(run: RunInfo) -> dict[str, Any]:
    return {
        "runId": run.run_id,
        "state": run.state.value,
        "pending": run.pending,
        "startedAtMs": run.started_at,
        "lastAtMs": run.last_at,
        "directory": str(run.place.directory),
        "problem": run.problem,
    }
