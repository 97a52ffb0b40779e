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


def unpark(
    run: Run,
    *,
    named: Named,
    apply: Apply = False,
    yes: Yes = False,
    plan_out: PlanOut = None,
    vault: Vault = None,
    gateway_stopped: GatewayStopped = False,
) -> Outcome:
    """Puts back what `park` took away, also after the gateway has run in between. Refuses where the session is there
    again. Shows a plan; with --apply does exactly that, and `undo` undoes it."""
    only_formats(run, "unpark", "text", "json")
    if apply:
        require_own_clock(run)
    with bench(run, vault=vault, gateway_stopped=gateway_stopped) as work:
        options = Options(names=frozenset({named}))
        told = plan_or_apply(run, work, (Repair.UNPARK,), options, apply=apply, yes=yes, out=plan_out)
        return replace(told, command="unpark")
