"""A sound directory of databases under a config that asks for what is not there, or says what no release takes."""

from __future__ import annotations

import json
import socket
from functools import partial
from typing import TYPE_CHECKING, Any

from .damages import damage

if TYPE_CHECKING:
    from pathlib import Path

VARIABLE = {"source": "env", "provider": "default", "id": "NO_SUCH_VARIABLE_HERE"}
OF_A_FILE = {"source": "file", "provider": "mine", "id": "/token"}


def config(state: Path, **more: Any) -> None:
    """Settings at the top level of the config."""
    path = state / "openclaw.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | more, indent=2))


def gateway(state: Path, **more: Any) -> None:
    config(state, gateway=json.loads((state / "openclaw.json").read_text())["gateway"] | more)


def agents(state: Path, **more: Any) -> None:
    config(state, agents={**json.loads((state / "openclaw.json").read_text())["agents"], **more})


def _file_provider(state: Path, path: object, **more: object) -> dict[str, object]:
    return {"providers": {"mine": {"source": "file", "path": str(path), **more}}}


# Who may connect

AUTH: dict[str, dict[str, Any]] = {
    "token_a_reference_without_a_provider": {"mode": "token", "token": {"source": "env", "id": "X"}},
    "token_a_reference_to_no_source": {"mode": "token", "token": {"source": "vault", "provider": "v", "id": "X"}},
    "token_a_reference_to_an_unset_variable": {"mode": "token", "token": VARIABLE},
    "token_a_reference_to_an_unknown_provider": {"mode": "token", "token": {**VARIABLE, "provider": "nowhere"}},
    "token_a_number": {"mode": "token", "token": 5},
    "token_missing": {"mode": "token"},
    "token_of_spaces": {"mode": "token", "token": "  "},
    "password_missing": {"mode": "password"},
    "password_a_reference_to_an_unset_variable": {"mode": "password", "password": VARIABLE},
    "mode_none": {"mode": "none"},
    "mode_of_a_proxy_without_one": {"mode": "trusted-proxy"},
    "mode_of_no_kind": {"mode": "magic", "token": "x"},
    "mode_missing_with_token_and_password": {"token": "x", "password": "y"},
}


def _auth(state: Path, *, name: str) -> None:
    gateway(state, auth=AUTH[name])


for _name in AUTH:
    damage(name=f"config_{_name}")(partial(_auth, name=_name))


@damage()
def config_token_of_a_file_that_is_missing(state: Path) -> None:
    gateway(state, auth={"mode": "token", "token": OF_A_FILE})
    config(state, secrets=_file_provider(state, state / "nowhere.json"))


@damage()
def config_token_of_a_file(state: Path) -> None:
    (state / "secrets.json").write_text('{"token": "x"}')
    (state / "secrets.json").chmod(0o600)
    gateway(state, auth={"mode": "token", "token": OF_A_FILE})
    config(state, secrets=_file_provider(state, state / "secrets.json"))


@damage()
def config_token_of_a_torn_file(state: Path) -> None:
    (state / "secrets.json").write_text('{"token"')
    (state / "secrets.json").chmod(0o600)
    gateway(state, auth={"mode": "token", "token": OF_A_FILE})
    config(state, secrets=_file_provider(state, state / "secrets.json"))


@damage()
def config_token_of_a_program_that_is_missing(state: Path) -> None:
    gateway(state, auth={"mode": "token", "token": {"source": "exec", "provider": "mine", "id": "token"}})
    config(state, secrets={"providers": {"mine": {"source": "exec", "command": str(state / "nowhere")}}})


# Where it listens

LISTENS: dict[str, dict[str, Any]] = {
    "bind_lan": {"bind": "lan"},
    "bind_lan_without_a_token": {"bind": "lan", "auth": {"mode": "none"}},
    "bind_lan_with_a_page": {"bind": "lan", "controlUi": {"enabled": True}},
    "bind_tailnet": {"bind": "tailnet"},
    "bind_custom_without_a_host": {"bind": "custom"},
    "bind_custom_of_another_host": {"bind": "custom", "customBindHost": "192.0.2.7"},
    "bind_of_no_kind": {"bind": "moon"},
    "tls_without_a_certificate": {"tls": {"enabled": True, "autoGenerate": False, "certPath": "/nowhere.pem"}},
    "tailscale_served": {"tailscale": {"mode": "serve"}},
    "tailscale_served_on_lan": {"bind": "lan", "tailscale": {"mode": "serve"}},
}


def _listens(state: Path, *, name: str) -> None:
    gateway(state, **LISTENS[name])


for _name in LISTENS:
    damage(by_config=True, name=f"config_{_name}")(partial(_listens, name=_name))


TAKEN = socket.socket()
"""Held while these tests run."""


@damage(by_config=True)
def config_port_taken(state: Path) -> None:
    if not TAKEN.getsockname()[1]:
        TAKEN.bind(("127.0.0.1", 0))
        TAKEN.listen()
    gateway(state, port=TAKEN.getsockname()[1])


# Sections

SECTIONS: dict[str, dict[str, Any]] = {
    "plugin_that_is_unknown": {"plugins": {"entries": {"nonesuch": {"enabled": True}}}},
    "plugin_entry_of_a_wrong_kind": {"plugins": {"entries": {"nonesuch": True}}},
    "plugin_entry_with_an_unknown_name": {"plugins": {"entries": {"nonesuch": {"enabld": True}}}},
    "plugin_path_that_is_missing": {"plugins": {"load": {"paths": ["/nowhere/plugin"]}}},
    "plugin_allowed_that_is_unknown": {"plugins": {"allow": ["nonesuch"]}},
    "plugin_slot_that_is_unknown": {"plugins": {"slots": {"memory": "nonesuch"}}},
    "channel_without_a_token": {"channels": {"telegram": {"enabled": True}}},
    "channel_that_is_unknown": {"channels": {"nonesuch": {"enabled": True}}},
    "channel_with_an_unknown_name": {"channels": {"telegram": {"enabled": True, "nonesuch": 1}}},
    "channel_token_an_unset_variable": {"channels": {"telegram": {"enabled": True, "botToken": VARIABLE}}},
    "provider_of_nothing": {"models": {"providers": {"mine": {}}}},
    "provider_with_models_of_text": {
        "models": {"providers": {"mine": {"baseUrl": "http://127.0.0.1:9", "models": "x"}}}
    },
    "provider_of_an_unknown_kind": {
        "models": {"providers": {"mine": {"baseUrl": "http://127.0.0.1:9", "api": "nonesuch", "models": []}}}
    },
    "provider_key_an_unset_variable": {
        "models": {"providers": {"mine": {"baseUrl": "http://127.0.0.1:9", "apiKey": VARIABLE, "models": []}}}
    },
    "binding_of_an_unknown_agent": {"bindings": [{"agentId": "nobody", "match": {"channel": "telegram"}}]},
    "binding_of_an_unknown_channel": {"bindings": [{"agentId": "main", "match": {"channel": "nonesuch"}}]},
    "hooks_without_a_token": {"hooks": {"enabled": True}},
    "hooks_at_the_root": {"hooks": {"enabled": True, "token": "of-hooks", "path": "/"}},
    "hooks_with_the_token_of_the_gateway": {"hooks": {"enabled": True, "token": "x"}},
    "log_level_of_no_kind": {"logging": {"level": "loud"}},
    "log_in_a_directory_that_is_missing": {"logging": {"file": "/nowhere/at/all/gateway.log"}},
    "mcp_server_of_nothing": {"mcp": {"servers": {"mine": {}}}},
    "variable_of_a_number": {"env": {"vars": {"PORT": 5}}},
    "webhook_token_an_unset_variable": {"cron": {"webhookToken": VARIABLE}},
    "secrets_of_a_wrong_kind": {"secrets": {"providers": {"mine": {"source": "nowhere"}}}},
    "tool_profile_of_no_kind": {"tools": {"profile": "nonesuch"}},
    "name_that_is_unknown": {"nonesuch": {"a": 1}},
    "stamp_that_is_no_version": {"meta": {"lastTouchedVersion": "soon"}},
    "time_zone_of_no_place": {"agents": {"defaults": {"userTimezone": "Moon/Base"}}},
}


def _section(state: Path, *, name: str) -> None:
    more = SECTIONS[name]
    if "agents" in more:
        agents(state, **more["agents"])
    else:
        config(state, **more)


for _name in SECTIONS:
    damage(name=f"config_{_name}")(partial(_section, name=_name))


DEFAULTS: dict[str, object] = {
    "model_a_number": {"model": 5},
    "model_without_a_provider": {"model": "nonesuch"},
    "model_of_an_unknown_provider": {"model": {"primary": "nonesuch/one"}},
    "workspace_a_file": {"workspace": "/etc/hostname"},
    "heartbeat_every_odd_time": {"heartbeat": {"every": "soon"}},
    "name_that_is_unknown": {"nonesuch": 1},
    "sandbox_of_no_kind": {"sandbox": {"mode": "nonesuch"}},
}


def _default(state: Path, *, name: str) -> None:
    agents(state, defaults=DEFAULTS[name])


for _name in DEFAULTS:
    damage(name=f"config_default_{_name}")(partial(_default, name=_name))


@damage()
def config_agent_with_an_unknown_name(state: Path) -> None:
    listed = json.loads((state / "openclaw.json").read_text())["agents"]["list"]
    agents(state, list=[{**listed[0], "nonesuch": 1}, *listed[1:]])


@damage()
def config_agent_entry_with_an_unknown_name(state: Path) -> None:
    config(state, agents={"entries": {"main": {"nonesuch": 1}, "second": {}}})


@damage()
def config_plugin_that_is_torn(state: Path) -> None:
    folder = state / "broken-plugin"
    folder.mkdir()
    (folder / "openclaw.plugin.json").write_text('{"id": "bro')
    (folder / "index.js").write_text("export default {")
    config(state, plugins={"load": {"paths": [str(folder)]}})


# The file itself


@damage()
def config_including_a_torn_file(state: Path) -> None:
    (state / "more.json").write_text('{"session": {')
    config(state, **{"$include": "./more.json"})


@damage()
def config_including_a_list(state: Path) -> None:
    (state / "more.json").write_text("[1]")
    config(state, **{"$include": "./more.json"})


@damage()
def config_including_a_file_outside(state: Path) -> None:
    state.with_name("outside.json").write_text("{}")
    config(state, **{"$include": "../outside.json"})


@damage()
def config_including_itself(state: Path) -> None:
    config(state, **{"$include": "./openclaw.json"})


@damage()
def config_in_the_spelling_of_json5(state: Path) -> None:
    text = (state / "openclaw.json").read_text()
    (state / "openclaw.json").write_text("/* mine */\n" + text.replace('"', "'").rstrip("}\n ") + "},},\n")


@damage()
def config_with_a_name_twice(state: Path) -> None:
    text = (state / "openclaw.json").read_text()
    (state / "openclaw.json").write_text(text.replace("{", '{"gateway": {"mode": "remote"},', 1))


@damage()
def config_with_a_number_that_is_none(state: Path) -> None:
    text = (state / "openclaw.json").read_text()
    (state / "openclaw.json").write_text(text.replace("{", '{"session": {"maintenance": {"maxEntries": NaN}},', 1))


@damage()
def config_of_0_bytes(state: Path) -> None:
    (state / "openclaw.json").write_bytes(b"")


@damage()
def config_of_a_list(state: Path) -> None:
    (state / "openclaw.json").write_text("[]")


@damage()
def config_in_utf_16(state: Path) -> None:
    text = (state / "openclaw.json").read_text()
    (state / "openclaw.json").write_bytes(text.encode("utf-16"))


# Much at once


@damage()
def config_sound_with_plugins(state: Path) -> None:
    config(
        state,
        plugins={"enabled": True, "entries": {"memory-core": {"enabled": True}}},
        hooks={"enabled": True, "token": "of-hooks"},
        channels={"defaults": {"groupPolicy": "open", "heartbeat": {"showOk": True}}},
        logging={"level": "info"},
    )


CHANNELS: dict[str, object] = {
    "with_an_unknown_name": {"nonesuch": 1},
    "of_a_wrong_word": {"groupPolicy": "maybe"},
    "with_text_for_a_choice": {"heartbeat": {"showOk": "yes"}},
    "a_list": [],
}


def _channels(state: Path, *, name: str) -> None:
    config(state, channels={"defaults": CHANNELS[name]})


for _name in CHANNELS:
    damage(name=f"config_channels_defaults_{_name}")(partial(_channels, name=_name))
