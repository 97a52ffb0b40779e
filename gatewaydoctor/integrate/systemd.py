"""systemd: a drop-in for the gateway's service."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from gatewaydoctor.integrate import gate
from gatewaydoctor.integrate.quoting import systemd

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
    words = (gate.SCRIPT, "gatewaydoctor-gate", *gate.command(site))
    command = " ".join(map(systemd, words))
    return f"""\
# Asks gatewaydoctor before every start of {unit}.
# It stops a start only if it would lose data, fail or loop. A gate that is
# missing, broken or slow stops nothing.
# Where it goes:   {directory}/gatewaydoctor.conf
# Switch it on:    {systemctl} daemon-reload
# Start anyway:    {systemctl} set-environment {gate.SWITCH}=off
#                  (undo: {systemctl} unset-environment {gate.SWITCH})
# Switch it off:   remove the file; {systemctl} daemon-reload

[Service]
# The gate takes at most {site.limit} s, which count as part of the start. If
# the unit has a longer limit than {_USUAL_S} s, write that and {site.limit} s
# here: {systemctl} show -p TimeoutStartUSec {unit}
TimeoutStartSec={site.limit + _USUAL_S}
ExecStartPre=/bin/sh -c {command}
"""


FORMS = {"user": partial(drop_in, user=True), "system": partial(drop_in, user=False)}
