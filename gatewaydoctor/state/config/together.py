"""What settings of openclaw.json ask of each other. Each release was started over these (docs/gateway.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.config import RefusedSetting
from gatewaydoctor.model.regex import regex
from gatewaydoctor.state.place.home import absolute
from gatewaydoctor.storage.jsontext.gateway_json import as_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

RELEASE = "2026.9.6"
"""The newest release that was started over each of them. An agent without an id it calls `agent`."""
PATH_THERE = "it is there where it runs"
SET_THERE = "it is set where it runs"
_PASSWORD = "OPENCLAW_GATEWAY_PASSWORD"
_ADDRESS = regex(r"[\d.:]++.*|.*[$:].*")
"""What is an address, or may be one: an IPv6 address and a variable were not tried."""
_IPV4 = regex(r"\d{1,3}(?:\.\d{1,3}){3}")
_DURATION = regex(r"(?i)\s*+(?:\d++(?:\.\d\d++)*(?:\.\d)?(?:\s*+(?:ms|s|m|h|d)\s*+|\s++|$))*")
"""Numbers with or without units. Digits and blanks are not given back, so that a long text costs no more than its
length. Groups are: a group with alternatives that are never given back takes too much in Python before 3.11.5."""

Rows = list[tuple[str, "Mapping[str, object]"]]


def contradictions(
    document: Mapping[str, object], state_dir: Path, env: Mapping[str, str], auth_exit: int | None
) -> Iterator[RefusedSetting]:
    """Refused by every release. `auth_exit` is the exit code over what anyone may enter, where it is
    not the usual one."""
    gateway = as_object(document.get("gateway"))
    yield from _directories(document, agents_of(document), state_dir)
    yield from _listening(gateway, auth_exit)
    yield from _auth(as_object(gateway.get("auth")), env, auth_exit)
    yield from _hooks(as_object(document.get("hooks")))
    yield from _heartbeat(as_object(as_object(document.get("agents")).get("defaults")), "agents.defaults")


def contradictions_of_databases(document: Mapping[str, object]) -> Iterator[RefusedSetting]:
    """Refused since 2026.8.1."""
    rows = agents_of(document)
    marked = sum(row.get("default") is True for _, row in rows)
    if marked > 1:
        yield RefusedSetting("agents", _agents_name(document), f"{marked} agents have default true")


def token_of_spaces(document: Mapping[str, object]) -> Iterator[RefusedSetting]:
    """Refused since 2026.9.3."""
    auth = as_object(as_object(document.get("gateway")).get("auth"))
    token = auth.get("token")
    if auth.get("mode") == "token" and isinstance(token, str) and token and not token.strip():
        yield RefusedSetting("gateway.auth", "token", "only spaces", exit_code=1)


def program_that_is_missing(
    document: Mapping[str, object], env: Mapping[str, str], there: Callable[[str], bool]
) -> Iterator[RefusedSetting]:
    """Refused by RELEASE; 2026.5.22 starts without it."""
    gateway = as_object(document.get("gateway"))
    mode, host = as_object(gateway.get("tailscale")).get("mode"), gateway.get("customBindHost")
    if mode in ("serve", "funnel") and not any(
        there(f"{folder}/tailscale") for folder in env.get("PATH", "").split(":") if folder
    ):
        what = f"{mode}, and the program tailscale is not here"
        yield RefusedSetting("gateway.tailscale", "mode", what, exit_code=1, unless=PATH_THERE)
    if gateway.get("bind") == "custom" and isinstance(host, str) and host and not _ADDRESS.fullmatch(host):
        yield RefusedSetting("gateway", "customBindHost", "not an IPv4 address", exit_code=1)


def address_that_is_missing(
    document: Mapping[str, object], has_address: Callable[[str], bool | None]
) -> Iterator[RefusedSetting]:
    """Refused by 2026.5.22 and 9.6."""
    gateway = as_object(document.get("gateway"))
    host = gateway.get("customBindHost")
    of_host = gateway.get("bind") == "custom" and isinstance(host, str) and _IPV4.fullmatch(host)
    if of_host and not has_address(str(host)):
        what, unless = "an address that this host does not have", "the host it runs on has that address"
        yield RefusedSetting("gateway", "customBindHost", what, exit_code=1, unless=unless)


def hooks_with_the_token_of_the_gateway(document: Mapping[str, object]) -> Iterator[RefusedSetting]:
    """Refused up to 2026.5.22; 2026.7.1 and later start and warn."""
    hooks, auth = as_object(document.get("hooks")), as_object(as_object(document.get("gateway")).get("auth"))
    token = hooks.get("token")
    of_token = auth.get("mode") in (None, "token") and hooks.get("enabled") is True
    if of_token and isinstance(token, str) and token.strip() and token == auth.get("token"):
        yield RefusedSetting("hooks", "token", "that of the gateway", exit_code=1)


def agents_of(document: Mapping[str, object]) -> Rows:
    """The agents of the config with their settings, by `entries`, else by `list`."""
    section = as_object(document.get("agents"))
    entries, listed = section.get("entries"), section.get("list")
    if isinstance(entries, dict):
        return [(key, row) for key, row in entries.items() if isinstance(row, dict)]
    rows = listed if isinstance(listed, list) else []
    return [(str(row.get("id", "agent")), row) for row in rows if isinstance(row, dict)]


def _agents_name(document: Mapping[str, object]) -> str:
    return "entries" if "entries" in as_object(document.get("agents")) else "list"


def _directories(document: Mapping[str, object], rows: Rows, state_dir: Path) -> Iterator[RefusedSetting]:
    folders = [_folder(agent_id, row.get("agentDir"), state_dir) for agent_id, row in rows]
    if len({*folders}) < len({agent_id.lower() for agent_id, _ in rows}):
        yield RefusedSetting("agents", _agents_name(document), "two agents have one agentDir")


def _folder(agent_id: str, given: object, state_dir: Path) -> Path:
    own = state_dir / "agents" / agent_id.lower() / "agent"
    return absolute(given) if isinstance(given, str) and given.startswith("/") else own


def _listening(gateway: Mapping[str, object], auth_exit: int | None) -> Iterator[RefusedSetting]:
    bind, host = gateway.get("bind"), gateway.get("customBindHost")
    mode = as_object(gateway.get("tailscale")).get("mode")
    inside = bind in (None, "loopback") or (bind == "custom" and host == "127.0.0.1")
    if mode in ("serve", "funnel") and not inside:
        yield RefusedSetting("gateway", "bind", f"has to be loopback with gateway.tailscale.mode {mode}")
    if bind == "custom" and not host:
        yield RefusedSetting("gateway", "customBindHost", "missing, with gateway.bind custom", exit_code=1)
    if bind == "lan" and as_object(gateway.get("auth")).get("mode") == "none":
        yield RefusedSetting("gateway.auth", "mode", "none, with gateway.bind lan", exit_code=auth_exit)


def _hooks(hooks: Mapping[str, object]) -> Iterator[RefusedSetting]:
    if hooks.get("enabled") is not True:
        return
    if not str(hooks.get("token") or "").strip():
        yield RefusedSetting("hooks", "token", "missing, with hooks.enabled", exit_code=1)
    if str(hooks.get("path") or "").strip() == "/":
        yield RefusedSetting("hooks", "path", "the root, with hooks.enabled", exit_code=1)


def _auth(auth: Mapping[str, object], env: Mapping[str, str], auth_exit: int | None) -> Iterator[RefusedSetting]:
    mode = auth.get("mode")
    if mode is None and auth.get("token") and auth.get("password"):
        yield RefusedSetting("gateway.auth", "mode", "missing, with both token and password", exit_code=1)
    if mode == "password" and not auth.get("password") and not env.get(_PASSWORD, "").strip():
        what = f"missing, and {_PASSWORD} is not set here"
        yield RefusedSetting("gateway.auth", "password", what, exit_code=auth_exit, unless=SET_THERE)
    if mode == "trusted-proxy" and not auth.get("trustedProxy"):
        yield RefusedSetting("gateway.auth", "trustedProxy", "missing, with this gateway.auth.mode", exit_code=1)


def unknown_agents(document: Mapping[str, object]) -> Iterator[RefusedSetting]:
    """Refused since 2026.7.1."""
    known = {"", "*", *(agent_id.strip().lower() for agent_id, _ in agents_of(document) or [("main", {})])}
    bindings = document.get("bindings")
    named = [
        (f"bindings.{at}", "agentId", as_object(each).get("agentId"))
        for at, each in enumerate(bindings if isinstance(bindings, list) else ())
    ]
    for agents in as_object(document.get("broadcast")).values():
        named += [
            ("broadcast.*", str(at), each) for at, each in enumerate(agents if isinstance(agents, list) else ())
        ]
    for section, name, agent in named:
        if isinstance(agent, str) and agent.strip().lower() not in known:
            yield RefusedSetting(section, name, "an agent that the config does not have")


def _heartbeat(defaults: Mapping[str, object], section: str) -> Iterator[RefusedSetting]:
    every = as_object(defaults.get("heartbeat")).get("every")
    if isinstance(every, str) and "${" not in every and not _DURATION.fullmatch(every):
        yield RefusedSetting(f"{section}.heartbeat", "every", "text, not a duration such as 30m")
