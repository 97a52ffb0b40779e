"""The one decision about a start that systemd, launchd, Docker and Kubernetes share."""

from __future__ import annotations

import shlex
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from gatewaydoctor.checks.judge import start_loses

if TYPE_CHECKING:
    from gatewaydoctor.integrate.site import Site

SWITCH = "GATEWAYDOCTOR_GATE"
"""Environment variable: `off` starts the gateway without a check."""


@cache
def fragment() -> str:
    """The function gatewaydoctor_gate for any POSIX shell: it ends with 1 only where a start now would lose data."""
    return files(__package__).joinpath("gate.sh").read_text()


def script() -> str:
    """A script whose arguments are those of the function, and whose exit code is 1 or 0."""
    return f'{fragment()}\ngatewaydoctor_gate "$@"\n[ $? -ne 1 ]\n'


def arguments(site: Site, advice: str) -> tuple[str, ...]:
    """What the function takes: how long, what to say to whom it stops, and the check."""
    only = (word for rule in start_loses() for word in ("--only", rule))
    return (str(site.limit), advice, *site.argv("check", *only))


def guarded(site: Site, advice: str, otherwise: str) -> str:
    """Lines of shell that go on, or do something else where a start would lose data."""
    call = shlex.join(("gatewaydoctor_gate", *arguments(site, advice)))
    return f"{fragment()}\n{call}\n[ $? -ne 1 ] || {otherwise}\n"


def wrapper(site: Site, advice: str, notes: str = "") -> str:
    """A script that runs its arguments, where there are any, unless a start would lose data."""
    return f'#!/bin/sh\n{notes}{guarded(site, advice, "exit 1")}[ $# -eq 0 ] || exec "$@"\n'


def advice(site: Site, *, stop: str | None = None, start: str | None = None, override: str) -> str:
    """What to do once a start was stopped: lines with commands, for a person in a hurry. Some damage nothing can
    mend; then a copy is all that a start has to wait for."""
    lines = (
        ("stop what restarts it", stop),
        ("see the repair", site.line("repair")),
        ("do it", site.line("repair", "--apply")),
        ("start", start),
        ("if it recovers nothing", site.line("snapshot")),
        ("and start all the same", override),
    )
    return "\n".join(f"  {what + ':':<24}{command}" for what, command in lines if command)
