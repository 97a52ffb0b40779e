"""The line that asks `gate` before a start, as systemd, launchd, Docker and Kubernetes run it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatewaydoctor.integrate.site import Site

SWITCH = "GATEWAYDOCTOR_GATE"
"""Environment variable: `off` starts the gateway without a check."""
DO_NOT_START = 78
"""The exit code of `gate` that holds a start back. Any other lets it go on: a gate that is missing or broken ends
with one of the shell's or of Python's."""
STOPPED = f"[ $? -ne {DO_NOT_START} ] || exit {DO_NOT_START}"
"""What follows `COMMAND ||` in a shell."""
SCRIPT = f'"$@" || {STOPPED}'
"""A script whose arguments are the command."""


def command(site: Site) -> tuple[str, ...]:
    """The arguments of the gate on this site."""
    return site.argv("gate", "--limit", str(site.limit))


def line(site: Site) -> str:
    """One line for any POSIX shell, which ends with 78 where the start is held back and else goes on."""
    return f"{site.line('gate', '--limit', str(site.limit))} || {STOPPED}"


def wrapper(site: Site, notes: str = "") -> str:
    """A script that asks the gate and then runs its arguments, where there are any."""
    return f'#!/bin/sh\n{notes}{line(site)}\n[ $# -eq 0 ] || exec "$@"\n'
