"""`unpark`: what was parked, back in its place."""

from __future__ import annotations

from typing import Annotated

import typer
from msgspec.structs import replace

from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats
from gatewaydoctor.cli.shell.writing import GatewayStopped, Vault, Yes, bench, require_own_clock
from gatewaydoctor.cli.verbs.repair import Apply, PlanOut, plan_or_apply
from gatewaydoctor.repair.drafting.options import Options, Repair

Named = Annotated[str, typer.Argument(metavar="KEY", help="A parked session key or agent, or its number.")]
ToVault = Annotated[bool, typer.Option("--to-vault", help="Move it to the vault instead: it is not wanted any more.")]


def unpark(
    run: Run,
    *,
    named: Named,
    to_vault: ToVault = False,
    apply: Apply = False,
    yes: Yes = False,
    plan_out: PlanOut = None,
    vault: Vault = None,
    gateway_stopped: GatewayStopped = False,
) -> Outcome:
    """Puts back what `park` took away, also after the gateway has run in between. Refuses where the session is there
    again. With --to-vault it goes to the vault. Shows a plan; with --apply does that, and `undo` undoes it."""
    only_formats(run, "unpark", "text", "json")
    if apply:
        require_own_clock(run)
    with bench(run, vault=vault, gateway_stopped=gateway_stopped) as work:
        options = Options(names=frozenset({named}), drop_parked=to_vault)
        told = plan_or_apply(run, work, (Repair.UNPARK,), options, apply=apply, yes=yes, out=plan_out)
        return replace(told, command="unpark")
