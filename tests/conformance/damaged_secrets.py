"""A sound directory of databases whose gateway reads its token, or its certificate, from a file that is not right."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

from .damaged_configs import OF_A_FILE, config, gateway
from .damages import damage

if TYPE_CHECKING:
    from pathlib import Path

# The file of a token

CONTENTS: dict[str, bytes] = {
    "of_0_bytes": b"",
    "with_a_list": b'["x"]',
    "with_a_number": b"5",
    "with_null": b"null",
    "without_the_name": b'{"other": "x"}',
    "with_a_number_for_a_token": b'{"token": 5}',
    "with_an_empty_token": b'{"token": ""}',
    "with_a_token_of_spaces": b'{"token": "   "}',
    "with_an_object_for_a_token": b'{"token": {"a": "x"}}',
    "with_a_byte_order_mark": b'\xef\xbb\xbf{"token": "x"}',
    "with_a_comment": b'{"token": "x" /* mine */}',
    "with_bytes_that_are_no_text": b'{"token": "\xff\xfe"}',
    "with_the_name_twice": b'{"token": 5, "token": "x"}',
    "of_more_than_a_megabyte": b'{"token": "x", "rest": "' + b"y" * 1_100_000 + b'"}',
}


def token_file(state: Path, data: bytes = b'{"token": "x"}', identity: str = "/token", **more: object) -> Path:
    """A gateway that takes its token from a file of its state directory."""
    path = state / "secrets.json"
    path.write_bytes(data)
    path.chmod(0o600)
    gateway(state, auth={"mode": "token", "token": {**OF_A_FILE, "id": identity}})
    config(state, secrets={"providers": {"mine": {"source": "file", "path": str(path), **more}}})
    return path


def _content(state: Path, *, name: str) -> None:
    token_file(state, CONTENTS[name])


for _name in CONTENTS:
    damage(name=f"config_token_of_a_file_{_name}")(partial(_content, name=_name))


@damage()
def config_token_deep_in_a_file(state: Path) -> None:
    token_file(state, b'{"a": {"b/c": "x"}}', "/a/b~1c")


@damage()
def config_token_in_a_list_of_a_file(state: Path) -> None:
    token_file(state, b'{"a": ["y", "x"]}', "/a/1")


@damage()
def config_token_past_the_end_of_a_list(state: Path) -> None:
    token_file(state, b'{"a": ["y"]}', "/a/1")


@damage()
def config_token_alone_in_a_file(state: Path) -> None:
    token_file(state, b"x\n", "value", mode="singleValue")


@damage()
def config_token_alone_in_a_file_of_0_bytes(state: Path) -> None:
    token_file(state, b"", "value", mode="singleValue")


@damage()
def config_token_alone_in_a_file_of_spaces(state: Path) -> None:
    token_file(state, b" \n", "value", mode="singleValue")


@damage()
def config_token_alone_under_another_name(state: Path) -> None:
    token_file(state, b"x\n", "/token", mode="singleValue")


@damage()
def config_token_of_a_file_that_others_read(state: Path) -> None:
    token_file(state).chmod(0o644)


@damage()
def config_token_of_a_file_that_others_write(state: Path) -> None:
    token_file(state).chmod(0o622)


@damage()
def config_token_of_a_file_of_its_group(state: Path) -> None:
    token_file(state).chmod(0o640)


@damage()
def config_token_of_a_file_of_another_user(state: Path) -> None:
    os.chown(token_file(state), 1000, 1000)


@damage()
def config_token_of_a_linked_file(state: Path) -> None:
    path = token_file(state)
    path.rename(state / "other.json")
    path.symlink_to(state / "other.json")


@damage()
def config_token_of_a_file_with_a_second_name(state: Path) -> None:
    os.link(token_file(state), state / "other.json")


@damage()
def config_token_of_a_directory(state: Path) -> None:
    path = token_file(state)
    path.unlink()
    path.mkdir()


@damage()
def config_token_of_a_file_in_a_directory_that_all_write(state: Path) -> None:
    (state / "open").mkdir()
    (state / "open").chmod(0o777)
    path = token_file(state)
    path.rename(state / "open" / "secrets.json")
    config(state, secrets={"providers": {"mine": {"source": "file", "path": str(state / "open" / "secrets.json")}}})


@damage()
def config_token_of_a_provider_of_another_source(state: Path) -> None:
    token_file(state)
    config(state, secrets={"providers": {"mine": {"source": "env"}}})


@damage()
def config_token_not_on_the_list_of_variables(state: Path) -> None:
    gateway(state, auth={"mode": "token", "token": {"source": "env", "provider": "mine", "id": "PATH"}})
    config(state, secrets={"providers": {"mine": {"source": "env", "allowlist": ["OTHER"]}}})


@damage()
def config_token_of_a_store_without_it(state: Path) -> None:
    gateway(state, auth={"mode": "token", "token": {"source": "store", "provider": "default", "id": "NOT_THERE"}})


@damage()
def config_password_of_a_torn_file(state: Path) -> None:
    token_file(state, b'{"token"')
    gateway(state, auth={"mode": "password", "password": OF_A_FILE})


@damage()
def config_unused_password_of_a_torn_file(state: Path) -> None:
    token_file(state, b'{"token"')
    gateway(state, auth={"mode": "token", "token": "x", "password": OF_A_FILE})


@damage()
def config_key_of_a_provider_of_a_torn_file(state: Path) -> None:
    token_file(state, b'{"token"')
    gateway(state, auth={"mode": "token", "token": "x"})
    mine = {"baseUrl": "http://127.0.0.1:9", "apiKey": OF_A_FILE, "models": []}
    config(state, models={"providers": {"mine": mine}})


@damage()
def config_token_of_hooks_of_a_torn_file(state: Path) -> None:
    token_file(state, b'{"token"')
    gateway(state, auth={"mode": "token", "token": "x"})
    config(state, hooks={"enabled": True, "token": OF_A_FILE})


# The program that prints one


def program(state: Path, text: str = "#!/bin/sh\necho x\n", mode: int = 0o700, **more: object) -> Path:
    path = state / "print-token"
    path.write_text(text)
    path.chmod(mode)
    gateway(state, auth={"mode": "token", "token": {"source": "exec", "provider": "mine", "id": "token"}})
    mine = {"source": "exec", "command": str(path), "jsonOnly": False, **more}
    config(state, secrets={"providers": {"mine": mine}})
    return path


@damage()
def config_token_of_a_program(state: Path) -> None:
    program(state)


@damage()
def config_token_of_a_linked_program(state: Path) -> None:
    path = program(state)
    path.rename(state / "other-program")
    path.symlink_to(state / "other-program")


@damage()
def config_token_of_a_program_that_all_write(state: Path) -> None:
    program(state, mode=0o777)


@damage()
def config_token_of_a_program_that_its_group_writes(state: Path) -> None:
    program(state, mode=0o770)


@damage()
def config_token_of_a_program_of_another_user(state: Path) -> None:
    os.chown(program(state), 1000, 1000)


@damage()
def config_token_of_a_program_without_the_right_to_run(state: Path) -> None:
    program(state, mode=0o600)


@damage()
def config_token_of_a_program_outside_its_directories(state: Path) -> None:
    program(state, trustedDirs=["/usr/local/bin"])


@damage()
def config_token_of_a_program_that_is_a_directory(state: Path) -> None:
    path = program(state)
    path.unlink()
    path.mkdir()


@damage()
def config_token_of_a_program_in_a_directory_that_is_a_link(state: Path) -> None:
    path = program(state)
    (state / "programs").mkdir()
    path.rename(state / "programs" / "print-token")
    (state / "linked").symlink_to(state / "programs")
    command = str(state / "linked" / "print-token")
    config(state, secrets={"providers": {"mine": {"source": "exec", "command": command, "jsonOnly": False}}})


# The certificate


def certificate(state: Path, files: dict[str, bytes], **more: object) -> None:
    folder = state / "gateway" / "tls"
    folder.mkdir(parents=True, mode=0o700)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    gateway(state, tls={"enabled": True, **more})


PAIRS: dict[str, dict[str, bytes]] = {
    "without_its_key": {"gateway-cert.pem": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"},
    "key_alone": {"gateway-key.pem": b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"},
    "of_0_bytes": {"gateway-cert.pem": b"", "gateway-key.pem": b""},
    "of_garbage": {"gateway-cert.pem": b"garbage", "gateway-key.pem": b"garbage"},
}


def _pair(state: Path, *, name: str) -> None:
    certificate(state, PAIRS[name])


for _name in PAIRS:
    damage(by_config=True, name=f"config_certificate_{_name}")(partial(_pair, name=_name))


@damage(by_config=True)
def config_certificate_not_to_be_made(state: Path) -> None:
    gateway(state, tls={"enabled": True, "autoGenerate": False})
