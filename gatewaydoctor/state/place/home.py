"""The gateway's idea of a home directory and of `~` (docs/gateway.md section 1, 2026.3.28 infra/home-dir)."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import TYPE_CHECKING

from gatewaydoctor.model.regex import regex

if TYPE_CHECKING:
    from collections.abc import Mapping

_TILDE = regex(r"~(?=$|[\\/])")
_NOT_A_VALUE = frozenset({"", "undefined", "null"})


def trimmed(env: Mapping[str, str], name: str) -> str | None:
    """The variable without surrounding blanks; None when absent or blank."""
    return env.get(name, "").strip() or None


def effective_home(env: Mapping[str, str]) -> Path:
    """The home the gateway works from: OPENCLAW_HOME (its `~` is the OS home), HOME, USERPROFILE, the password
    database, the current directory. The words `undefined` and `null` count as absent."""
    return absolute(home_text(env, os.getuid()))


def home_text(env: Mapping[str, str], uid: int) -> str:
    """The same for a process of user `uid` with that environment. A relative one is not resolved: it is meant from
    the working directory of that process."""
    os_home = _value(env, "HOME") or _value(env, "USERPROFILE") or _password_home(uid)
    explicit = _value(env, "OPENCLAW_HOME")
    if explicit and _TILDE.match(explicit):
        explicit = os_home and _TILDE.sub(lambda _: os_home, explicit, count=1)
    elif not explicit:
        explicit = os_home
    return explicit or "."


def user_path(text: str, home: Path) -> Path:
    """An absolute path from what a user wrote; a leading `~` is `home`. Symlinks are kept, `..` is resolved by
    text."""
    return absolute(without_tilde(text, str(home)))


def without_tilde(text: str, home: str) -> str:
    """What a user wrote, trimmed, with `home` for a leading `~`."""
    return _TILDE.sub(lambda _: home, text.strip(), count=1) if text.strip().startswith("~") else text.strip()


def absolute(text: str) -> Path:
    # Path.absolute() keeps "..", Path.resolve() follows links; the gateway does neither, and hashes the outcome.
    return Path(os.path.abspath(text))  # noqa: PTH100


def _value(env: Mapping[str, str], name: str) -> str | None:
    value = env.get(name, "").strip()
    return None if value in _NOT_A_VALUE else value


def _password_home(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_dir or None
    except KeyError:
        return None
