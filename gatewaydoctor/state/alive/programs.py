"""Telling an OpenClaw process by its command line. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.regex import regex

if TYPE_CHECKING:
    from collections.abc import Sequence

_RUNTIME = regex(r"(node|nodejs|bun|deno|tsx)(-?v?[\d.]+)?")
_NAMES = r"(openclaw|clawdbot|moltbot|moldbot)"
_OWN_TITLE = regex(rf"{_NAMES}(-[\w-]+)?")
_OWN_SCRIPT = regex(rf"(^|/){_NAMES}(\.mjs|\.js)?$|/openclaw/(dist|src)/")
_ANY_BUILD = regex(r"(^|/)((dist|src)/(index|entry)\.(js|mjs|ts)|scripts/run-node\.mjs)$")
_WORKER = regex(r"/openclaw/dist/.*\bworker\.js$")
_SCRIPT_WORDS = 3
"""Words that are not options and may be the script: options such as `-r` bring a word of their own."""


def is_runtime(argv: Sequence[str]) -> bool:
    """Whether the program is one that can run OpenClaw at all."""
    return _RUNTIME.fullmatch(_program(argv)) is not None


def is_openclaw(argv: Sequence[str]) -> bool:
    """Whether a command line is OpenClaw's: its own process title (2026.3.28 and later overwrite theirs with
    `openclaw` or `openclaw-gateway`, padded with blanks), or a JavaScript runtime on one of its scripts. A shell, an
    editor or a grep that has such a word among its arguments is not, and neither is any other JavaScript program."""
    if _OWN_TITLE.fullmatch(_program(argv)):
        return True
    if not is_runtime(argv):
        return False
    words = [word.replace("\\", "/") for word in argv[1:] if not word.startswith("-")]
    return any(
        _OWN_SCRIPT.search(word) or (_ANY_BUILD.search(word) and "gateway" in words) for word in words[:_SCRIPT_WORDS]
    )


def is_worker(argv: Sequence[str]) -> bool:
    """Whether a process is a helper that a gateway of 2026.9 starts for itself: it works where its parent works."""
    return is_runtime(argv) and any(_WORKER.search(word.replace("\\", "/")) for word in argv[1 : 1 + _SCRIPT_WORDS])


def _program(argv: Sequence[str]) -> str:
    return argv[0].split(" ", 1)[0].rpartition("/")[2].lower() if argv else ""
