"""What settings of openclaw.json ask of each other. 2026.9.6 was seen to refuse each of these (docs/gateway.md)."""

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
"""The release that was started with them. An agent without an id it calls `agent`."""
PATH_THERE = "it is there where it runs"
SET_THERE = "it is set where it runs"
_ADDRESS = regex(r"[\d.:]++.*|.*[$:].*")
"""What is an address, or may be one: an IPv6 address and a variable were not tried."""
_IPV4 = regex(r"\d{1,3}(?:\.\d{1,3}){3}")
_DURATION = regex(r"(?i)\s*+(?:\d++(?:\.\d\d++)*(?:\.\d)?(?:\s*+(?:ms|s|m|h|d)\s*+|\s++|$))*")
"""Numbers with or without units. Digits and blanks are not given back, so that a long text costs no more than its
length. Groups are: a group with alternatives that are never given back takes too much in Python before 3.11.5."""

Rows = list[tuple[str, "Mapping[str, object]"]]


def contradictions(
    document: Mapping[str, object],
    state_dir: Path,
    env: Mapping[str, str],
    there: Callable[[str], bool],
    has_address: Callable[[str], bool | None],
) -> Iterator[RefusedSetting]:
    rows = agents_of(document)
    yield from _agents(document, rows, state_dir)
    yield from _listening(as_object(document.get("gateway")), has_address)
    yield from _auth(as_object(as_object(document.get("gateway")).get("auth")))
    mode = as_object(as_object(document.get("gateway")).get("tailscale")).get("mode")
    if mode in ("serve", "funnel") and not any(
        there(f"{folder}/tailscale") for folder in env.get("PATH", "").split(":") if folder
    ):
        what = f"{mode}, and the program tailscale is not here"
        yield RefusedSetting("gateway.tailscale", "mode", what, exit_code=1, unless=PATH_THERE)
    yield from _hooks(as_object(document.get("hooks")))
    yield from _unknown_agents(document, rows)
    yield from _heartbeat(as_object(as_object(document.get("agents")).get("defaults")), "agents.defaults")


def agents_of(document: Mapping[str, object]) -> Rows:
    """The agents of the config with their settings, by `entries`, else by `list`."""
    section = as_object(document.get("agents"))
    entries, listed = section.get("entries"), section.get("list")
    if isinstance(entries, dict):
        return [(key, row) for key, row in entries.items() if isinstance(row, dict)]
    rows = listed if isinstance(listed, list) else []
    return [(str(row.get("id", "agent")), row) for row in rows if isinstance(row, dict)]


def _agents(document: Mapping[str, object], rows: Rows, state_dir: Path) -> Iterator[RefusedSetting]:
    """What no two agents may have: the mark of the default one, and one directory."""
    name = "entries" if "entries" in as_object(document.get("agents")) else "list"
    marked = sum(row.get("default") is True for _, row in rows)
    if marked > 1:
        yield RefusedSetting("agents", name, f"{marked} agents have default true")
    folders = [_folder(agent_id, row.get("agentDir"), state_dir) for agent_id, row in rows]
    if len({*folders}) < len({agent_id.lower() for agent_id, _ in rows}):
        yield RefusedSetting("agents", name, "two agents have one agentDir")


def _folder(agent_id: str, given: object, state_dir: Path) -> Path:
    own = state_dir / "agents" / agent_id.lower() / "agent"
    return absolute(given) if isinstance(given, str) and given.startswith("/") else own


def _listening(gateway: Mapping[str, object], has_address: Callable[[str], bool | None]) -> Iterator[RefusedSetting]:
    bind, host = gateway.get("bind"), gateway.get("customBindHost")
    mode = as_object(gateway.get("tailscale")).get("mode")
    inside = bind in (None, "loopback") or (bind == "custom" and host == "127.0.0.1")
    if mode in ("serve", "funnel") and not inside:
        yield RefusedSetting("gateway", "bind", f"has to be loopback with gateway.tailscale.mode {mode}")
    if bind == "custom" and not host:
        yield RefusedSetting("gateway", "customBindHost", "missing, with gateway.bind custom", exit_code=1)
    if bind == "custom" and isinstance(host, str) and host and not _ADDRESS.fullmatch(host):
        yield RefusedSetting("gateway", "customBindHost", "not an IPv4 address", exit_code=1)
    if bind == "custom" and isinstance(host, str) and _IPV4.fullmatch(host) and not has_address(host):
        what = "an address that this host does not have"
        yield RefusedSetting(
            "gateway", "customBindHost", what, exit_code=1, unless="the host it runs on has that address"
        )
    if bind == "lan" and as_object(gateway.get("auth")).get("mode") == "none":
        yield RefusedSetting("gateway.auth", "mode", "none, with gateway.bind lan")


def _hooks(hooks: Mapping[str, object]) -> Iterator[RefusedSetting]:
    if hooks.get("enabled") is not True:
        return
    if not str(hooks.get("token") or "").strip():
        yield RefusedSetting("hooks", "token", "missing, with hooks.enabled", exit_code=1)
    if str(hooks.get("path") or "").strip() == "/":
        yield RefusedSetting("hooks", "path", "the root, with hooks.enabled", exit_code=1)


def _auth(auth: Mapping[str, object]) -> Iterator[RefusedSetting]:
    mode = auth.get("mode")
    if mode is None and auth.get("token") and auth.get("password"):
        yield RefusedSetting("gateway.auth", "mode", "missing, with both token and password", exit_code=1)
    token = auth.get("token")
    if mode == "token" and isinstance(token, str) and token and not token.strip():
        yield RefusedSetting("gateway.auth", "token", "only spaces", exit_code=1)
    if mode == "password" and not auth.get("password"):
        yield RefusedSetting("gateway.auth", "password", "missing, with gateway.auth.mode password")
    if mode == "trusted-proxy" and not auth.get("trustedProxy"):
        yield RefusedSetting("gateway.auth", "trustedProxy", "missing, with this gateway.auth.mode", exit_code=1)


def _unknown_agents(document: Mapping[str, object], rows: Rows) -> Iterator[RefusedSetting]:
    known = {"", "*", *(agent_id.strip().lower() for agent_id, _ in rows or [("main", {})])}
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
