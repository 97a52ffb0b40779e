"""What a snippet is made from."""

from __future__ import annotations

import re
import shlex
from enum import Enum
from typing import TYPE_CHECKING, Any
from unicodedata import category

from msgspec import Struct

from gatewaydoctor.model.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LIMIT_S = 20
"""How long a check may hold up a start. The gateway's own systemd unit gives a start 30 s (2026.3.28)."""
CONTAINER_STATE_DIR = "/home/node/.openclaw"
"""Where the gateway's image keeps its state (docs/install/docker of 2026.3.28)."""

_UNIT_NAME = re.compile(r"[A-Za-z0-9:_.@\\-]{1,200}")
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/:@-]*")
_INEXPRESSIBLE = {"Cc", "Cs", "Zl", "Zp"}
"""Unicode categories no target takes: control characters, bytes that are not text, line and paragraph separators."""


class Where(Enum):
    """Where the paths of a snippet are valid: on this machine, in the gateway's container, on other hosts."""

    HERE = "here"
    CONTAINER = "container"
    ELSEWHERE = "elsewhere"


class Site(Struct, frozen=True):
    """`program` is what starts gatewaydoctor, `options` name what it is to examine, `state_dir` is absolute. `unit`
    is a service as its manager calls it, None for what the gateway calls it. `limit` in seconds. `package` is
    where gatewaydoctor comes from: a pyz, a wheel, a directory of wheels or an image. `gateway` starts the
    gateway. `agent` is the LaunchAgent that is installed, None where there is none."""

    program: tuple[str, ...]
    options: tuple[str, ...]
    state_dir: str
    profile: str | None = None
    unit: str | None = None
    limit: int = LIMIT_S
    image: str | None = None
    package: str | None = None
    gateway: tuple[str, ...] | None = None
    fixtures: str = "fixtures"
    textfile_dir: str = "/var/lib/prometheus/node-exporter"
    agent: Mapping[str, Any] | None = None

    def argv(self, *words: str) -> tuple[str, ...]:
        """The arguments of one gatewaydoctor command on this site."""
        verb, *rest = words
        return (*self.program, verb, *self.options, *rest)

    def line(self, *words: str) -> str:
        """The same as a POSIX shell reads it."""
        return shlex.join(self.argv(*words))


def checked(site: Site) -> Site:
    """The site as it is. Raises UsageError for text that no snippet could hold."""
    for what, text in _texts(site):
        bad = next((char for char in text if category(char) in _INEXPRESSIBLE or ord(char) & 0xFFFE == 0xFFFE), None)
        if bad is not None:
            raise UsageError(
                f"{what} contains the character U+{ord(bad):04X}, which a snippet cannot contain.",
                "Rename it, or use a symbolic link to it.",
            )
    if site.unit is not None and not _UNIT_NAME.fullmatch(site.unit):
        raise UsageError(f"--unit {site.unit!r} is not a service name.", "Try openclaw-gateway.service.")
    if site.image is not None and not _IMAGE.fullmatch(site.image):
        raise UsageError(f"--image {site.image!r} is not an image name.", "Try openclaw:local.")
    return site


def _texts(site: Site) -> Iterator[tuple[str, str]]:
    yield from (("The path of the program", each) for each in site.program)
    yield "The path of the state directory", site.state_dir
    yield from (("An option", each) for each in site.options)
    yield from (("--gateway", each) for each in site.gateway or ())
    yield "--fixtures", site.fixtures
    yield "--textfile-dir", site.textfile_dir
