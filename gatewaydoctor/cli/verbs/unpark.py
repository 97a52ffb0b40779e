"""`unpark`: what was parked, back in its place."""

from __future__ import annotations

from typing import Annotated

from gatewaydoctor.cli.parser.parameters import argument, option
from gatewaydoctor.cli.shell.run import Outcome, Run
from gatewaydoctor.cli.shell.writing import GatewayStopped, Vault, WorkDir, Yes, write_session
from gatewaydoctor.cli.verbs.park import planned
from gatewaydoctor.cli.verbs.repair_options import Apply, PlanOut
from gatewaydoctor.repair.drafting.options import Options, Repair

Named = Annotated[str, argument(metavar="KEY", help="A parked session key or agent, or its number.")]
ToVault = Annotated[bool, option("--to-vault", help="Move it to the vault instead: it is not wanted any more.")]


def unpark(
    run: Run,
    *,
    named: Named,
    to_vault: ToVault = False,
    apply: Apply = False,
    yes: Yes = False,
    plan_out: PlanOut = None,
    vault: Vault = None,
    work_dir: WorkDir = None,
    gateway_stopped: GatewayStopped = False,
) -> Outcome:
    """Puts back what `park` took away, also after the gateway has run in between. Refuses where the session is there
    again. With --to-vault it goes to the vault. Shows a plan; with --apply does that, and `undo` undoes it."""
    options = Options(names=frozenset({named}), drop_parked=to_vault)
    session = write_session(run, vault=vault, gateway_stopped=gateway_stopped, work_dir=work_dir)
    return planned(run, session, Repair.UNPARK, options, apply=apply, yes=yes, out=plan_out)
