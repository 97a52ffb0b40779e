"""Doing what undo --merge planned: an interrupted run is ended as it stands, then the plan is applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.repair.receipt import BEFORE_ACTING, RunState
from gatewaydoctor.repair.run.acts import sync
from gatewaydoctor.repair.run.apply import apply
from gatewaydoctor.repair.run.context import load_run
from gatewaydoctor.repair.run.discard_run import drop
from gatewaydoctor.repair.run.merge_plan import merge_plan
from gatewaydoctor.repair.run.originals import ensure_in_vault, remove_leftovers
from gatewaydoctor.repair.run.putback import drop_locks
from gatewaydoctor.repair.vault.catalog import check_idle
from gatewaydoctor.repair.vault.directory import note, refusal
from gatewaydoctor.repair.vault.layout import SETTLED
from gatewaydoctor.repair.writing.guard import check_gateway, lstat_or_none

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.model.repair.plan import Plan
    from gatewaydoctor.model.repair.receipt import Receipt
    from gatewaydoctor.repair.vault.catalog import RunInfo
    from gatewaydoctor.repair.writing.tools import Permission, Tools


def merge(
    run: RunInfo, plan: Plan, tools: Tools, permission: Permission, vault: Path | None = None
) -> tuple[Plan, Receipt | None]:
    """Do what `merge_plan` planned. A run that was interrupted is ended first, with everything as it is now; the plan
    that is done then is the same, made again, for the originals may have come into the vault by that. Raises like
    `apply`."""
    check_idle(run)
    check_gateway(permission.gateway, operator_says_stopped=permission.operator_says_stopped)
    if run.pending:
        try:
            _end(run, tools)
        except OSError as error:
            raise refusal(error, f"Run {run.run_id} could not be ended") from error
        if lstat_or_none(tools.fs, run.place.manifest) is not None:
            plan = merge_plan(run, tools)
    return plan, apply(plan, tools, permission, vault)


def _end(run: RunInfo, tools: Tools) -> None:
    """Nothing that the run changed is touched, nor what came there since; what it holds stays in the vault."""
    if run.state in BEFORE_ACTING and lstat_or_none(tools.fs, run.place.manifest) is None:
        drop(run, tools)
        return
    context = load_run(tools, run.place, as_it_stands=True)
    drop_locks(context)
    for number in range(len(context.plan.acts)):
        ensure_in_vault(context, number)
        remove_leftovers(context, number)
    sync(context, range(len(context.plan.acts)), going_back=True)
    if run.state in BEFORE_ACTING:
        context.journal.say(RunState.PUT_BACK)  # it changed nothing that could be undone
    else:
        new = {str(number): [each.sha256, each.size, each.dev, each.ino] for number, each in context.staged.items()}
        context.journal.say(RunState.DONE, new=new)
    note(tools, run.place, SETTLED)
