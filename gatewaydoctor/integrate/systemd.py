"""systemd: a drop-in for the gateway's service."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gatewaydoctor.integrate import gate
from gatewaydoctor.integrate.quoting import systemd, systemd_script

if TYPE_CHECKING:
    from gatewaydoctor.integrate.site import Site

_USUAL_S = 90
"""How long systemd lets a start take unless told otherwise; the gateway's own unit says 30 (2026.3.28)."""


def unit_name(site: Site) -> str:
    """The unit named, else what the gateway calls its own: openclaw-gateway, or openclaw-gateway-PROFILE
    (src/daemon/constants, 2026.3.28)."""
    name = site.unit or f"openclaw-gateway{f'-{site.profile}' if site.profile else ''}"
    return name if name.endswith(".service") else f"{name}.service"


def drop_in(site: Site, *, user: bool) -> str:
    unit, systemctl = unit_name(site), "systemctl --user" if user else "systemctl"
    directory = f"{'~/.config/systemd/user' if user else '/etc/systemd/system'}/{unit}.d"
    once = f"{systemctl} set-environment {gate.SWITCH}=off"
    advice = gate.advice(
        site,
        stop=f"{systemctl} stop {unit}",
        start=f"{systemctl} start {unit}",
        override=f"{once}; {systemctl} restart {unit}; {systemctl} unset-environment {gate.SWITCH}",
    )
    words = ("gatewaydoctor-gate", *gate.arguments(site, advice))
    command = " \\\n    ".join(map(systemd, words))
    script = systemd_script(gate.script())
    whole = 2 * site.limit
    return f"""\
# Looks at the state directory before every start of {unit} and stops a start only where it would
# lose data. A check that is missing, broken or slow stops nothing.
# Where it goes:      {directory}/gatewaydoctor.conf
# Switch it on:       {systemctl} daemon-reload
# Start all the same: {once}
#                     ({systemctl} unset-environment {gate.SWITCH} takes that back)
# Switch it off:      remove the file; {systemctl} daemon-reload

[Service]
# The gate may take {whole} s and counts as part of the start. Where the unit has a longer limit than {_USUAL_S} s,
# write that and {whole} s here: {systemctl} show -p TimeoutStartUSec {unit}
TimeoutStartSec={whole + _USUAL_S}
ExecStartPre=/bin/sh -c {script} \\
    {command}
"""


FORMS = {"user": partial(drop_in, user=True), "system": partial(drop_in, user=False)}
