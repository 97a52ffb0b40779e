"""What the gateway reads before it listens: the secret that clients need, from a variable, a file or a program, and
its certificate. 2026.9.6 was seen to refuse each of these, earlier ones most (docs/gateway.md, section 1).
Nothing of a secret leaves this module."""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.config import RefusedSetting
from gatewaydoctor.model.regex import regex
from gatewaydoctor.state.config.together import PATH_THERE, SET_THERE
from gatewaydoctor.state.place.home import absolute
from gatewaydoctor.storage.jsontext.gateway_json import as_object, parse
from gatewaydoctor.storage.jsontext.grammar import Illegal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatewaydoctor.state.config.outside import Outside
    from gatewaydoctor.system.fs import FileStat

    Fault = tuple[str, str]
    """What is wrong, and what may be so where the gateway runs."""

_LARGEST = 1024 * 1024
"""Bytes of a file of secrets, where its provider sets no other limit."""
RUN_BY_OWNER = "it runs as the owner of that file"


def of_clients(
    document: Mapping[str, object], outside: Outside, env: Mapping[str, str], *, newest: bool
) -> Iterator[RefusedSetting]:
    """Of the secret that gateway.auth.mode asks for only: a start does without others, and without a mode also where
    the environment has the other kind."""
    auth = as_object(as_object(document.get("gateway")).get("auth"))
    section = as_object(document.get("secrets"))
    for name, other in (("token", "PASSWORD"), ("password", "TOKEN")):
        reference, mode = auth.get(name), auth.get("mode")
        if mode not in (None, name) or not isinstance(reference, dict):
            continue
        if mode is None and env.get(f"OPENCLAW_GATEWAY_{other}", "").strip():
            continue
        for what, unless in _of_reference(reference, section, outside, env, newest=newest):
            yield RefusedSetting("gateway.auth", name, what, exit_code=1, unless=unless)


def _of_reference(
    reference: Mapping[str, object],
    section: Mapping[str, object],
    outside: Outside,
    env: Mapping[str, str],
    *,
    newest: bool,
) -> Iterator[Fault]:
    source, alias, wanted = (str(reference.get(each)) for each in ("source", "provider", "id"))
    provider = as_object(as_object(section.get("providers")).get(alias))
    own = source in ("env", "store") and alias == as_object(section.get("defaults")).get(source, "default")
    if provider.get("source") != source and not own:
        yield ("of a provider of another source" if provider else "of a provider that the config does not have"), ""
    elif source == "env":
        yield from _of_variable(wanted, provider if provider.get("source") == source else {}, env)
    elif source == "file":
        yield from _of_file(wanted, provider, outside, newest=newest)
    elif source == "exec":
        yield from _of_program(provider, outside)


def _of_variable(name: str, provider: Mapping[str, object], env: Mapping[str, str]) -> Iterator[Fault]:
    allowed = provider.get("allowlist")
    if isinstance(allowed, list) and name not in allowed:
        yield "a variable that its provider does not allow", ""
    elif not env.get(name, "").strip():
        yield "a variable that is not set here", SET_THERE


def _of_file(wanted: str, provider: Mapping[str, object], outside: Outside, *, newest: bool) -> Iterator[Fault]:
    path, limit = provider.get("path"), provider.get("maxBytes")
    if not isinstance(path, str) or not path.startswith("/") or "\0" in path:
        return
    stat = outside.lstat(path)
    if stat is None:
        yield "in a file that is not there", _elsewhere(path, outside)
        return
    largest = int(limit) if isinstance(limit, int | float) and limit >= 1 else _LARGEST
    lax = provider.get("allowInsecurePath") is True  # of releases up to 2026.7.1
    what = "in a file with a second hard link" if newest and stat.nlink > 1 else _unsafe_file(stat, largest, lax=lax)
    if what:
        yield what, ""
        return
    if stat.uid != outside.owner and not lax:
        yield "in a file of another user", RUN_BY_OWNER
    data = outside.read(path, largest)
    if data is not None and (what := _unfit(data, wanted, single=provider.get("mode") == "singleValue")):
        yield what, ""


def _unsafe_file(stat: FileStat, largest: int, *, lax: bool) -> str:
    if stat.is_symlink or not stat.is_file:
        return "in a link" if stat.is_symlink else "in what is not a file"
    if stat.mode & 0o077 and not lax:
        return f"in a file that others may use (mode {stat.mode & 0o777:04o})"
    return "in a file that is too large" if stat.size > largest else ""


def _unfit(data: bytes, wanted: str, *, single: bool) -> str:
    """What is wrong with the contents of a file of secrets, and nothing of them."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    if single:
        value: object = data.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r")
        return "not under the name value" if wanted != "value" else _no_text(value)
    try:
        document = parse(data)
    except Illegal:
        return "in a file that cannot be parsed"
    if not isinstance(document, dict):
        return "in a file that holds no object"
    return _no_text(_at(document, wanted))


def _at(document: object, pointer: str) -> object:
    """What a JSON pointer points to; None where nothing is."""
    for part in pointer[1:].split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(document, list):
            document = document[int(name)] if name.isdecimal() and int(name) < len(document) else None
        else:
            document = as_object(document).get(name)
    return document


def _no_text(value: object) -> str:
    return "" if isinstance(value, str) and value.strip() else "not in the file, or empty"


def _of_program(provider: Mapping[str, object], outside: Outside) -> Iterator[Fault]:
    path, trusted = provider.get("command"), provider.get("trustedDirs")
    if not isinstance(path, str) or not path.startswith("/") or "\0" in path:
        return
    stat = outside.lstat(path)
    if provider.get("allowInsecurePath") is True or provider.get("allowSymlinkCommand") is True:
        return
    if stat is None:
        yield "of a program that is not there", _elsewhere(path, outside)
    elif stat.is_symlink or not stat.is_file:
        yield "of a program that is a link or not a file", ""
    elif stat.mode & 0o022:
        yield f"of a program that others may write (mode {stat.mode & 0o777:04o})", ""
    elif not stat.mode & 0o111:
        yield "of a program that may not be run", ""
    elif isinstance(trusted, list) and trusted and not _within(path, trusted):
        yield "of a program outside its trustedDirs", ""
    elif stat.uid != outside.owner:
        yield "of a program of another user", RUN_BY_OWNER


def _within(path: str, folders: list[object]) -> bool:
    """Whether it is in one of them; in any that is not absolute it may be."""
    return any(
        not isinstance(each, str) or not each.startswith("/") or absolute(path).is_relative_to(absolute(each))
        for each in folders
    )


_PAIR = (("certPath", "gateway-cert.pem", b"CERTIFICATE"), ("keyPath", "gateway-key.pem", b"PRIVATE KEY"))
"""Each file of the pair: its setting, its name where that is not given, and what the label of its block ends with."""
_PEM = regex(rb"-----BEGIN ([A-Z0-9 ]+)-----([^-]*+(?:-(?!----)[^-]*+)*)-----END \1-----")


def of_certificate(document: Mapping[str, object], outside: Outside) -> Iterator[RefusedSetting]:
    """A pair that is not there is made, unless autoGenerate is off; one file alone is never completed."""
    tls = as_object(as_object(document.get("gateway")).get("tls"))
    if tls.get("enabled") is not True:
        return
    folder = outside.state_dir / "gateway" / "tls"
    paths = {name: str(tls.get(name) or "").strip() or str(folder / usual) for name, usual, _ in _PAIR}
    if not all(path.startswith("/") for path in paths.values()):
        return
    missing = [name for name, path in paths.items() if not outside.there(path)]
    if len(missing) == 2 and tls.get("autoGenerate") is not False:
        return
    for name, _, label in _PAIR:
        path = paths[name]
        if name in missing:
            unless = _elsewhere(path, outside)
            yield RefusedSetting("gateway.tls", name, "a file that is not there", exit_code=1, unless=unless)
        elif (data := outside.read(path, _LARGEST)) is not None and not _is_pem(data, label):
            yield RefusedSetting("gateway.tls", name, "not a PEM file, or cut short", exit_code=1)


def _is_pem(data: bytes, label: bytes) -> bool:
    """Whether the first block with such a label is one whole value by its own length. Blocks of another kind may come
    before it, as the parameters of a curve do; what is in one with headers, as of a key with a passphrase, is not
    judged."""
    body = next((block[2] for block in _PEM.finditer(data) if block[1].endswith(label)), None)
    if body is None or b":" in body:
        return body is not None
    try:
        value = binascii.a2b_base64(body)
    except binascii.Error:
        return False
    long = value[1] & 0x7F if len(value) > 1 and value[1] & 0x80 else 0
    length = int.from_bytes(value[2 : 2 + long], "big") if long else int.from_bytes(value[1:2], "big")
    return value[:1] == b"\x30" and len(value) >= 2 + long + length > 2


def _elsewhere(path: str, outside: Outside) -> str:
    return "" if absolute(path).is_relative_to(outside.state_dir) else PATH_THERE
