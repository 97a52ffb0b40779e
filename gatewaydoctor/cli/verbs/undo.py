"""`undo`: put back what a run changed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

from msgspec import to_builtins

from gatewaydoctor.cli.parser.parameters import argument, option
from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats
from gatewaydoctor.cli.shell.writing import (
    GatewayStopped,
    Vault,
    WriteSession,
    Yes,
    before_writing,
    confirm,
    no_directory,
    require_own_clock,
    write_session,
)
from gatewaydoctor.cli.verbs.runs import file_lines
from gatewaydoctor.model.errors import ExitCode
from gatewaydoctor.model.words import plural

if TYPE_CHECKING:
    from gatewaydoctor.repair.vault.catalog import RunInfo

RunId = Annotated[str | None, argument(metavar="[RUN]", help="Run id or its beginning; else the last run.")]
DryRun = Annotated[bool, option("--dry-run", help="Show what would be restored; write nothing.")]
Merge = Annotated[bool, option("--merge", help="Add back only what is missing.")]


def undo(
    run: Run,
    *,
    run_id: RunId = None,
    dry_run: DryRun = False,
    merge: Merge = False,
    yes: Yes = False,
    vault: Vault = None,
    gateway_stopped: GatewayStopped = False,
) -> Outcome:
    """Makes the directory as it was before the run, byte for byte, but for the vault. Refuses where a file changed
    since; --merge then adds back the sessions and files that are missing and leaves the rest."""
    from gatewaydoctor.cli.shell.examining import view_with
    from gatewaydoctor.repair.run.undo import check_undo, preview
    from gatewaydoctor.repair.run.undo import undo as take_back
    from gatewaydoctor.repair.vault.catalog import find_run
    from gatewaydoctor.repair.writing.guard import lstat_or_none
    from gatewaydoctor.report.document import names_of_place
    from gatewaydoctor.report.screens import runs as screens

    only_formats(run, "undo", "text", "json")
    no_directory(run_id or "", "a run")
    if not dry_run:
        require_own_clock(run)
    with write_session(run, vault=vault, gateway_stopped=gateway_stopped) as work:
        found = find_run(work.tools, work.state_dir, work.vault, run_id)
        if merge:
            return _merge(run, work, found, dry_run=dry_run, yes=yes)
        if not dry_run:
            check_undo(found, work.permission)
        returns = preview(work.tools, found)
        if not dry_run:
            if not any(each.action.refused for each in returns):
                confirm(f"Undo run {found.run_id} ({plural(len(returns), 'file')})?", yes=yes)
            with work.stoppable_between_files() as tools:
                returns = take_back(found, tools, work.permission)
        kept = lstat_or_none(work.tools.fs, found.place.directory) is not None
        seen = view_with(run, names_of_place(work.found.place, redact=run.options.redact), 40)
    details = {
        "runId": found.run_id,
        "dryRun": dry_run,
        "files": [{"path": each.target, "way": each.action.value, "bytes": each.bytes} for each in returns],
    }
    screen = partial(
        screens.returned, run_id=found.run_id, returns=file_lines(returns), dry_run=dry_run, kept=kept, view=seen
    )
    refuses = dry_run and any(each.action.refused for each in returns)
    code = ExitCode.REFUSED if refuses else ExitCode.OK
    return Outcome("undo", code, run, names=seen.names, details=details, screen=screen, wrote=not dry_run)


def _merge(run: Run, work: WriteSession, found: RunInfo, *, dry_run: bool, yes: bool) -> Outcome:
    """Restoring what is missing is a plan like any other, with a run and an undo of its own."""
    from gatewaydoctor.cli.shell.examining import look, view_with
    from gatewaydoctor.cli.verbs.repair import carry_out
    from gatewaydoctor.repair.run.merge_plan import merge_plan
    from gatewaydoctor.report.document import names_of_place
    from gatewaydoctor.report.screens import repair as screens

    plan = merge_plan(found, work.tools, look(run).examination)
    names = names_of_place(work.found.place, redact=run.options.redact)
    again = run.invocation.command("undo", found.run_id, "--merge") if dry_run else None
    seen = view_with(run, names, 40)
    screen = partial(screens.merge, plan=plan, run_id=found.run_id, view=seen, again=again)
    if dry_run:
        return Outcome("undo", ExitCode.OK, run, names=names, details={"plan": to_builtins(plan)}, screen=screen)
    if not plan.empty or plan.cautions:
        before_writing(run, plan, seen, screen, yes=yes)
    return carry_out(run, work, plan, yes=yes, names=names, takes_back=found)
