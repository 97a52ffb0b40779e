"""launchd: the gateway's LaunchAgent, started through the gate."""

from __future__ import annotations

import plistlib
from typing import TYPE_CHECKING, Any

from gatewaydoctor.integrate import gate
from gatewaydoctor.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatewaydoctor.integrate.site import Site

_NAME = "gatewaydoctor-gate"
_PAUSE_S = 60
_PATH = "/opt/homebrew/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
_UMASK = 0o077


def label(site: Site) -> str:
    """The label named, else what the gateway calls its own: ai.openclaw.gateway, or ai.openclaw.PROFILE
    (src/daemon/constants, 2026.3.28)."""
    return site.unit or f"ai.openclaw.{site.profile or 'gateway'}"


def agent(site: Site) -> str:
    """The agent that is installed with the gate before its program; where none is, one as the gateway installs."""
    name = label(site)
    plist = dict(site.agent) if site.agent is not None else _new_agent(site, name)
    plist["ProgramArguments"] = ["/bin/sh", "-c", _script(site), _NAME, *_gateway(site, plist)]
    try:
        text = plistlib.dumps(plist, sort_keys=False).decode()
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(
            f"The LaunchAgent cannot be written: {error}.", "Move the installed one aside and run this again."
        ) from error
    head, body = text.split("<plist", 1)
    return f"{head}{_comment(name)}<plist{body}"


def _script(site: Site) -> str:
    # launchd tries again at once, for as long as it takes.
    stopped = f"[ $? -ne {gate.DO_NOT_START} ] || {{ sleep {_PAUSE_S}; exit {gate.DO_NOT_START}; }}"
    return f'{site.line("gate", "--limit", str(site.limit))} || {stopped}; exec "$@"'


def _gateway(site: Site, plist: Mapping[str, Any]) -> list[str]:
    """What starts the gateway, without a gate that is there already."""
    if site.gateway:
        return list(site.gateway)
    given = [str(word) for word in plist.get("ProgramArguments") or ()]
    words = given[given.index(_NAME) + 1 :] if _NAME in given else given
    if not words:
        raise UsageError("The installed LaunchAgent has no program.", "Pass it: --gateway 'COMMAND'.")
    return words


def _new_agent(site: Site, name: str) -> dict[str, Any]:
    logs = f"{site.state_dir}/logs"
    profile = {"OPENCLAW_PROFILE": site.profile} if site.profile else {}
    return {
        "Label": name,
        "RunAtLoad": True,
        "KeepAlive": True,
        "Umask": _UMASK,
        "ProgramArguments": ["openclaw", "gateway"],
        "StandardOutPath": f"{logs}/gateway.log",
        "StandardErrorPath": f"{logs}/gateway.err.log",
        "EnvironmentVariables": {"PATH": _PATH, "OPENCLAW_STATE_DIR": site.state_dir, **profile},
    }


def _comment(name: str) -> str:
    # Two hyphens may not be in here, so no option is spelled out.
    return f"""\
<!--
Asks gatewaydoctor before every start of the gateway and stops a start only if
it would lose data, fail or loop; it asks again every {_PAUSE_S} s. A gate that is
missing, broken or slow stops nothing.
Where it goes:   ~/Library/LaunchAgents/LABEL.plist, where LABEL is
                 {name.replace("--", "- -")}
                 (`openclaw gateway install` writes that file, too: after it,
                 make and load this one again)
Switch it on:    launchctl bootout gui/$(id -u)/LABEL
                 launchctl bootstrap gui/$(id -u) FILE
Start anyway:    launchctl setenv {gate.SWITCH} off
                 (undo with launchctl unsetenv {gate.SWITCH})
Switch it off:   openclaw gateway install
-->
"""


FORMS = {"agent": agent}
