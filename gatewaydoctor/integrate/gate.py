"""The one decision about a start that systemd, launchd, Docker and Kubernetes share."""

from __future__ import annotations

import shlex
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatewaydoctor.integrate.site import Site

SWITCH = "GATEWAYDOCTOR_GATE"
"""Environment variable: `off` starts the gateway without a check."""


@cache
def fragment() -> str:
    """The function gatewaydoctor_gate for any POSIX shell: it fails only where a start now would lose data."""
    return Path(__file__).with_name("gate.sh").read_text()


def arguments(site: Site, advice: str) -> tuple[str, ...]:
    """What the function takes: how long, what to say to whom it stops, and the check."""
    return (str(site.limit), advice, *site.argv("check"))


def call(site: Site, advice: str) -> str:
    """The function called, in a shell."""
    return shlex.join(("gatewaydoctor_gate", *arguments(site, advice)))


def advice(site: Site, *, stop: str | None, start: str, override: str) -> str:
    """What to do once a start was stopped: lines with commands, for a person in a hurry."""
    lines = (
        ("stop what restarts it", stop),
        ("see the repair", site.line("repair")),
        ("do it", site.line("repair", "--apply")),
        ("start", start),
        ("start all the same", override),
    )
    return "\n".join(f"  {what + ':':<23}{command}" for what, command in lines if command)
