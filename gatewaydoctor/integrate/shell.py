"""Any script that starts a gateway: the gate alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.integrate import gate

if TYPE_CHECKING:
    from gatewaydoctor.integrate.site import Site

_NOTES = f"""\
# Looks at the state directory before a start and stops it, with exit code 1, only where it would lose data. A check
# that is missing, broken or slow stops nothing.
# Where it goes:      gatewaydoctor-gate.sh
# Switch it on:       sh gatewaydoctor-gate.sh openclaw gateway      starts the gateway, or does not
#                     sh gatewaydoctor-gate.sh || exit 1             in a script of your own
# Start all the same: {gate.SWITCH}=off sh gatewaydoctor-gate.sh ...
"""


def script(site: Site) -> str:
    return gate.wrapper(site, gate.advice(site, override=f"{gate.SWITCH}=off"), _NOTES)


FORMS = {"script": script}
