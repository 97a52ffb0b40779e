"""`park`: one session or agent out of the next start's sight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec.structs import replace

from gatewaydoctor.cli.parser.parameters import argument
from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats
from gatewaydoctor.cli.shell.writing import (
    GatewayStopped,
    Vault,
    WorkDir,
    WriteSession,
    Yes,
    require_own_clock,
    write_session,
)
from gatewaydoctor.cli.verbs.repair import plan_or_apply
from gatewaydoctor.cli.verbs.repair_options import Apply, PlanOut
from gatewaydoctor.repair.drafting.options import Options, Repair

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

Named = Annotated[str, argument(metavar="KEY", help="A session key, or an agent id.")]


def park(
    run: Run,
    *,
    named: Named,
    apply: Apply = False,
    yes: Yes = False,
    plan_out: PlanOut = None,
    vault: Vault = None,
    work_dir: WorkDir = None,
    gateway_stopped: GatewayStopped = False,
) -> Outcome:
    """Takes one session, or everything an agent has, out of the next start's sight: out of sessions.json with its
    transcripts, or out of the agent's database with all that belongs to it. It waits next to the store, and `unpark`
    puts it back. Shows a plan; with --apply does exactly that, and `undo` undoes it."""
    options = Options(names=frozenset({named}))
    session = write_session(run, vault=vault, gateway_stopped=gateway_stopped, work_dir=work_dir)
    return planned(run, session, Repair.PARK, options, apply=apply, yes=yes, out=plan_out)


def planned(
    run: Run,
    session: AbstractContextManager[WriteSession],
    repair: Repair,
    options: Options,
    *,
    apply: bool,
    yes: bool,
    out: str | None,
) -> Outcome:
    """The plan of one repair that is a verb of its own, and with `apply` what came of it."""
    only_formats(run, repair, "text", "json")
    if apply:
        require_own_clock(run)
    with session as work:
        told = plan_or_apply(run, work, (repair,), options, apply=apply, yes=yes, out=out)
        return replace(told, command=repair.value)
