"""How keys, ids, names and paths are shown: always harmless, and under `--redact` replaced by stable aliases."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gatewaydoctor.report.words import harmless

if TYPE_CHECKING:
    from collections.abc import Iterable

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_STRUCTURE = frozenset(
    (
        *("agent", "main", "global", "unknown", "cron", "run", "subagent", "acp", "acp-bridge", "hook", "node"),
        *("heartbeat", "direct", "dm", "group", "channel", "thread", "topic", "explicit", "dashboard"),
        *("telegram", "discord", "slack", "signal", "whatsapp", "matrix", "imessage", "webchat", "irc", "teams"),
    )
)
"""Words of session keys that say what a session is, not whose."""
_LONG_NUMBER = re.compile(r"\+?\d{5,}")


class Names:
    """Shows what came out of files. Without `redact` it only escapes; with it every id, name, peer and path becomes
    an alias such as `job-2`, the same one wherever it appears in this run. `places` are pairs of a path and what
    stands for it."""

    def __init__(self, *, redact: bool, places: Iterable[tuple[str, str]] = ()) -> None:
        self.redact = redact
        # Longest first, so that a directory inside another one gets its own alias.
        self._places = sorted(places, key=lambda place: -len(place[0]))
        self._aliases: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._secrets: dict[str, str] = {}

    def know(self, secret: str | None, kind: str) -> None:
        """Have this text replaced wherever it appears from now on."""
        if secret and self.redact and secret.lower() not in _STRUCTURE:
            self._secrets[secret] = self._alias(secret, kind)

    def key(self, key: str) -> str:
        """A session key; under redaction its structure stays and its ids go."""
        if not self.redact:
            return harmless(key)
        return ":".join(part if part.lower() in _STRUCTURE else self._alias(part, "id") for part in key.split(":"))

    def identifier(self, value: str, kind: str = "id") -> str:
        return self._alias(value, kind) if self.redact and value.lower() not in _STRUCTURE else harmless(value)

    def path(self, path: object) -> str:
        """A path; under redaction known places become `<state-dir>` and the like, and ids in names become aliases."""
        return self.text(str(path))

    def text(self, text: str) -> str:
        """Any other text that may hold names: a message, a piece of evidence."""
        if not self.redact:
            return harmless(text)
        for place, alias in self._places:
            text = text.replace(place, alias)
        for secret, alias in self._secrets.items():
            text = text.replace(secret, alias)
        if text.startswith("agent:") and " " not in text:
            return self.key(text)
        text = _UUID.sub(lambda found: self._alias(found[0], "id"), text)
        text = _LONG_NUMBER.sub(lambda found: self._alias(found[0], "number"), text)
        return harmless(text)

    def value(self, value: object) -> object:
        """A JSON-able value with every string in it shown by `text`; numbers stay."""
        match value:
            case str():
                return self.text(value) if self.redact else value
            case dict():
                return {self._field(name): self.value(item) for name, item in value.items()}
            case list() | tuple():
                return [self.value(item) for item in value]
            case _:
                return value

    def _field(self, name: object) -> str:
        return self.text(str(name)) if self.redact else str(name)

    def _alias(self, secret: str, kind: str) -> str:
        known = self._aliases.get(secret)
        if known is None:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            known = self._aliases[secret] = f"{kind}-{self._counts[kind]}"
        return known
