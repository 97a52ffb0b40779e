"""Any script that starts a gateway: the line that asks the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.integrate import gate

if TYPE_CHECKING:
    from gatewaydoctor.integrate.site import Site

_NOTES = f"""\
# Asks gatewaydoctor before a start and stops it, with exit code
# {gate.DO_NOT_START}, only if it would lose data, fail or loop. A gate that is
# missing, broken or slow stops nothing.
# Where it goes:    gatewaydoctor-gate.sh
# Switch it on:     sh gatewaydoctor-gate.sh openclaw gateway      starts the gateway, or does not
#                   sh gatewaydoctor-gate.sh || exit               in a script of your own
# Start anyway:     {gate.SWITCH}=off sh gatewaydoctor-gate.sh ...
"""


def script(site: Site) -> str:
    return gate.wrapper(site, _NOTES)


FORMS = {"script": script}
