"""The token and the certificate of a gateway are read from files: 2026.9.6 refuses these, as seen."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.outcome.verdict import Start
from gatewaydoctor.state.config.accepted import RELEASES
from tests.world import StateDir

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

OF_A_FILE = {"source": "file", "provider": "mine", "id": "/token"}
OF_A_PROGRAM = {"source": "exec", "provider": "mine", "id": "token"}
SINGLE = {"mode": "singleValue"}
CERT = "-----BEGIN CERTIFICATE-----\nMAMCAQA=\n-----END CERTIFICATE-----\n"
CURVE = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
WITH_A_PASSPHRASE = (
    "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,5CE5\n\n"
    "MAMC\n-----END RSA PRIVATE KEY-----\n"
)
KEY = "-----BEGIN PRIVATE KEY-----\nMAMCAQA=\n-----END PRIVATE KEY-----\n"


def told(state: StateDir) -> tuple[Start, str]:
    judgement = state.judge()
    found = "".join(each.message for each in judgement.of("config-refused"))
    assert "Quartzite" not in found
    return judgement.verdict.start, found


def provided(
    state: StateDir, reference: Mapping[str, object], provider: Mapping[str, object], **auth: object
) -> StateDir:
    gateway = {"mode": "local", "auth": {"mode": "token", "token": reference, **auth}}
    state.config({"gateway": gateway, "secrets": {"providers": {"mine": provider}}})
    return state


def of_a_file(state: StateDir, data: str | bytes, pointer: str = "/token", **more: object) -> StateDir:
    path = state.file("secrets.json", data)
    return provided(state, {**OF_A_FILE, "id": pointer}, {"source": "file", "path": str(path), **more})


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path, "2026.9.6")


@pytest.mark.parametrize(
    ("data", "pointer", "more"),
    [
        ('{"token": "Quartzite"}', "/token", {}),
        ('\ufeff{"token": "Quartzite"}', "/token", {}),
        (b'{"token": "Quartzite\xff"}', "/token", {}),
        ('{"token": 5, "token": "Quartzite"}', "/token", {}),
        ('{"a": {"b/c": "Quartzite"}}', "/a/b~1c", {}),
        ('{"a": [1, "Quartzite"]}', "/a/1", {}),
        ("Quartzite\n", "value", SINGLE),
    ],
)
def test_a_token_that_is_there_stops_no_start(
    data: str, pointer: str, more: dict[str, object], state: StateDir
) -> None:
    assert told(of_a_file(state, data, pointer, **more)) == (Start.YES, "")


@pytest.mark.parametrize(
    ("data", "pointer", "more", "what"),
    [
        ('{"token": "Quartzite', "/token", {}, "cannot be parsed"),
        ("", "/token", {}, "cannot be parsed"),
        ('{"token": "Quartzite" /* mine */}', "/token", {}, "cannot be parsed"),
        ('["Quartzite"]', "/0", {}, "holds no object"),
        ('{"Quartzite": "x"}', "/token", {}, "not in the file, or empty"),
        ('{"token": 5}', "/token", {}, "not in the file, or empty"),
        ('{"token": ""}', "/token", {}, "not in the file, or empty"),
        ('{"a": ["Quartzite"]}', "/a/1", {}, "not in the file, or empty"),
        ("", "value", SINGLE, "not in the file, or empty"),
        ("Quartzite", "/token", SINGLE, "not under the name value"),
        ('{"token": "Quartzite"}', "/token", {"maxBytes": 10}, "too large"),
    ],
)
def test_a_token_that_is_not_in_its_file_stops_it(
    data: str, pointer: str, more: dict[str, object], what: str, state: StateDir
) -> None:
    start, found = told(of_a_file(state, data, pointer, **more))
    assert start is Start.NO
    assert "gateway.auth.token (" in found
    assert what in found


@pytest.mark.parametrize("release", RELEASES)
def test_a_torn_file_stops_every_release_and_a_second_name_the_newest(release: str, tmp_path: Path) -> None:
    state = StateDir(tmp_path, release)
    assert told(of_a_file(state, '{"token'))[0] is Start.NO
    of_a_file(state, '{"token": "Quartzite"}')
    os.link(state.root / "secrets.json", state.root / "other.json")
    assert told(state)[0] is (Start.NO if release == RELEASES[-1] else Start.YES)


def test_a_file_that_others_read_may_be_allowed(tmp_path: Path) -> None:
    state = of_a_file(StateDir(tmp_path, "2026.7.1"), '{"token": "Quartzite"}', allowInsecurePath=True)
    (state.root / "secrets.json").chmod(0o644)
    assert told(state) == (Start.YES, "")


@pytest.mark.parametrize(("mode", "what"), [(0o640, "0640"), (0o604, "0604"), (0o622, "0622")])
def test_a_file_of_secrets_is_its_owners_alone(mode: int, what: str, state: StateDir) -> None:
    of_a_file(state, '{"token": "Quartzite"}')
    (state.root / "secrets.json").chmod(mode)
    start, found = told(state)
    assert (start, what in found) == (Start.NO, True)


def test_a_file_of_secrets_has_one_name_and_is_no_link(state: StateDir) -> None:
    of_a_file(state, '{"token": "Quartzite"}')
    path = state.root / "secrets.json"
    os.link(path, state.root / "other.json")
    assert "in a file with a second hard link" in told(state)[1]
    path.unlink()
    path.symlink_to("other.json")
    assert told(state) == (Start.NO, "1 setting the gateway refuses: gateway.auth.token (in a link).")


def test_a_provider_has_to_be_there_and_of_the_source(state: StateDir) -> None:
    nowhere = {"source": "env", "provider": "nowhere", "id": "HOME"}
    assert told(provided(state, nowhere, {"source": "env"}))[0] is Start.NO
    assert told(provided(state, OF_A_FILE, {"source": "env"}))[0] is Start.NO
    mine = {"source": "env", "provider": "mine", "id": "HOME"}
    assert told(provided(state, mine, {"source": "env", "allowlist": ["OTHER"]}))[0] is Start.NO


def test_a_secret_that_is_not_asked_for_is_not_read(state: StateDir) -> None:
    provider = {"source": "file", "path": "/nowhere/at/all"}
    assert told(provided(state, OF_A_FILE, provider, mode="none")) == (Start.YES, "")
    assert told(provided(state, OF_A_FILE, provider, mode="password", password="x")) == (Start.YES, "")
    assert told(provided(state, OF_A_FILE, provider))[0] is Start.AT_RISK


@pytest.mark.parametrize(("mode", "start"), [({"mode": "token"}, Start.NO), ({}, Start.YES)])
def test_a_password_of_the_environment_makes_up_for_a_token_where_no_mode_is_set(
    mode: dict[str, object], start: Start, state: StateDir
) -> None:
    path = state.file("secrets.json", "{")
    sections = {"auth": {"token": OF_A_FILE, **mode}, "mode": "local"}
    provider = {"source": "file", "path": str(path)}
    env = {"vars": {"OPENCLAW_GATEWAY_PASSWORD": "x"}}
    state.config({"gateway": sections, "secrets": {"providers": {"mine": provider}}, "env": env})
    assert told(state)[0] is start


def program(state: StateDir, mode: int = 0o700, **more: object) -> StateDir:
    path = state.file("print-token", "#!/bin/sh\necho Quartzite\n")
    path.chmod(mode)
    return provided(state, OF_A_PROGRAM, {"source": "exec", "command": str(path), **more})


def test_a_program_for_secrets_is_its_owners_alone_and_can_be_run(state: StateDir) -> None:
    assert told(program(state)) == (Start.YES, "")
    assert told(program(state, 0o770))[0] is Start.NO
    assert told(program(state, 0o600))[0] is Start.NO
    assert told(program(state, trustedDirs=["/usr/local/bin"]))[0] is Start.NO


def test_a_program_for_secrets_is_no_link(state: StateDir) -> None:
    program(state)
    (state.root / "print-token").rename(state.root / "other")
    (state.root / "print-token").symlink_to("other")
    assert told(state)[0] is Start.NO


@pytest.mark.parametrize(
    ("tls", "start"),
    [
        ({"enabled": True}, Start.YES),
        ({"enabled": True, "certPath": "/etc/no-such-file"}, Start.YES),
        ({"enabled": True, "autoGenerate": False}, Start.NO),
        ({"enabled": True, "certPath": "/etc/hostname"}, Start.NO),
        ({"enabled": True, "autoGenerate": False, "certPath": "/etc/no-such-file"}, Start.NO),
        ({"enabled": True, "autoGenerate": False, "certPath": "/etc/no", "keyPath": "/etc/no"}, Start.AT_RISK),
        ({"enabled": False, "autoGenerate": False, "certPath": "/etc/no-such-file"}, Start.YES),
        ({"enabled": True, "autoGenerate": False, "certPath": "~/cert.pem"}, Start.YES),
    ],
)
def test_a_certificate_and_its_key_are_there_or_both_are_made(
    tls: dict[str, object], start: Start, state: StateDir
) -> None:
    state.config({"gateway": {"mode": "local", "tls": tls}})
    assert told(state)[0] is start


@pytest.mark.parametrize(
    "damaged", ["", "garbage", KEY[:40], KEY.replace("MAMC", "AAAA"), KEY.replace("MAMC", "MAkC"), CURVE, CERT]
)
def test_a_key_is_a_whole_pem(damaged: str, state: StateDir) -> None:
    state.file("gateway/tls/gateway-cert.pem", CERT)
    state.file("gateway/tls/gateway-key.pem", damaged)
    state.config({"gateway": {"mode": "local", "tls": {"enabled": True}}})
    refused = "1 setting the gateway refuses: gateway.tls.keyPath (not a PEM file, or cut short)."
    assert told(state) == (Start.NO, refused)


@pytest.mark.parametrize(
    "key", [CURVE + KEY.replace("PRIVATE", "EC PRIVATE"), WITH_A_PASSPHRASE, f"text\n{KEY}{KEY[:40]}"]
)
def test_a_key_may_follow_on_the_parameters_of_its_curve_and_may_have_headers(key: str, state: StateDir) -> None:
    state.file("gateway/tls/gateway-cert.pem", f"{KEY}{CERT}")
    state.file("gateway/tls/gateway-key.pem", key)
    state.config({"gateway": {"mode": "local", "tls": {"enabled": True}}})
    assert told(state) == (Start.YES, "")
