"""How keys, ids, names and paths are shown: always harmless, and under `--redact` replaced by stable aliases."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gatewaydoctor.model.regex import regex
from gatewaydoctor.report.vocabulary import (
    FIELDS_IN_WORDS,
    KEY_WORDS,
    PATH_WORDS,
    SUFFIX_WORDS,
    is_field_name,
    is_own_word,
)
from gatewaydoctor.report.words import quoted, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatewaydoctor.model.command import Command

_UUID = regex(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_LONG_NUMBER = regex(r"\+?\d{6,}")
_REST = r"/[^\s'\"`,;()<>]*[^\s'\"`,;()<>.:]"
_PATH = regex(rf"(?<![\w.>])~?{_REST}")
_KEY = regex(r"\bagent:[^\s'\"`,;()<>]*[^\s'\"`,;()<>.:]")
_STAMP = regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9-]{8}Z?|[0-9]{3}Z")
_ID_AFTER = {"agent": "agent", "cron": "job-id", "run": "session", "thread": "topic", "topic": "topic"}
_SHORT = 3
"""A secret of fewer characters is not looked for inside sentences: it would be found in half the words."""


class Names:
    """Shows what came out of files. Without `redact` it only escapes; with it every id, name, peer and path becomes
    an alias such as `job-2`, the same one wherever it appears in this run, and only words the program knows stay.
    `places` are pairs of a path and the word for it."""

    def __init__(self, *, redact: bool, places: Iterable[tuple[str, str]] = ()) -> None:
        self.redact = redact
        self._exact = False
        # Longest first, so that a directory inside another one gets its own alias.
        self._places = sorted((p for p in places if len(p[0]) > 1), key=lambda place: -len(place[0]))
        self._aliases: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._sentences: dict[str, re.Pattern[str]] = {}

    def exact(self) -> Names:
        """The same aliases without escapes, for output that is encoded: JSON keeps every name as it is."""
        twin = Names(redact=self.redact, places=self._places)
        twin._exact = True
        twin._aliases, twin._counts, twin._sentences = self._aliases, self._counts, self._sentences
        return twin

    def know(self, secret: str | None, kind: str) -> None:
        """Have this text replaced wherever it appears from now on, also inside sentences."""
        if not secret or not self.redact or secret.lower() in KEY_WORDS:
            return
        self._alias(secret, kind)
        if len(secret) >= _SHORT:
            self._sentences[secret] = re.compile(rf"(?<![\w-]){re.escape(secret)}(?![\w-])", re.IGNORECASE)

    def key(self, key: str) -> str:
        """A session key; under redaction its structure stays and its ids go."""
        if not self.redact:
            return self._shown(key)
        parts, before = [], ""
        for part in key.split(":"):
            lowered = part.lower()
            known = not part or (lowered in KEY_WORDS and before != "run")
            parts.append(part if known else self._alias(part, _ID_AFTER.get(before, "id")))
            before = lowered
        return ":".join(parts)

    def identifier(self, value: str, kind: str = "id") -> str:
        return self._alias(value, kind) if self.redact and value.lower() not in KEY_WORDS else self._shown(value)

    def path(self, path: object) -> str:
        """A path; under redaction known places become `<state-dir>` and the like, and of the rest only names that
        are the same everywhere stay."""
        text = str(path)
        if not self.redact:
            return self._shown(text)
        head = ""
        for place, alias in self._places:
            if text == place or text.startswith(f"{place}/"):
                head, text = alias, text[len(place) :]
                break
        return head + "/".join(self._file_name(part) for part in text.split("/"))

    def text(self, text: str) -> str:
        """A sentence of the program that may hold names: known names, paths, keys, ids and long numbers go."""
        return self._shown(self._masked(text))

    def command(self, command: Command) -> Command:
        """The same command, each of its words masked as a sentence is."""
        return replace(command, words=tuple(map(self._masked, command.words))) if self.redact else command

    def line(self, command: Command) -> str:
        """A command to paste; in exact output with every character as it is."""
        masked = self.command(command)
        return str(masked) if self._exact else " ".join(quoted(masked))

    def _masked(self, text: str) -> str:
        if not self.redact:
            return text
        if known := self._aliases.get(text.lower()):
            return known
        if text.startswith("agent:"):
            return self.key(text)  # blanks in it end no key
        for place, _ in self._places:
            text = re.sub(rf"{re.escape(place)}(?![\w-]|\.\w)(?:{_REST})?", lambda found: self.path(found[0]), text)
        text = _PATH.sub(lambda found: self.path(found[0]), text)
        text = _KEY.sub(lambda found: self.key(found[0]), text)
        # Last, for an alias must not be taken for a name and replaced again.
        for secret, pattern in self._sentences.items():
            text = pattern.sub(self._aliases[secret.lower()], text)
        text = _UUID.sub(lambda found: self._alias(found[0], "id"), text)
        return _LONG_NUMBER.sub(lambda found: self._alias(found[0], "number"), text)

    def value(self, value: object, field: str = "") -> object:
        """A JSON-able value with every string in it shown; numbers stay. Under redaction a string that is neither a
        word of the program nor in a field of sentences becomes an alias."""
        match value:
            case str():
                return self._string(value, field)
            case dict():
                return {self.field(str(name)): self.value(item, str(name)) for name, item in value.items()}
            case list() | tuple() if self.redact and field == "segments":
                return []  # the bytes of a file that a plan rewrites
            case list() | tuple():
                return [self.value(item, field) for item in value]
            case _:
                return value

    def fields(self, counts: Iterable[tuple[str, int]]) -> dict[str, int]:
        """Counts by a word from a file; two words that look alike are counted together."""
        summed: dict[str, int] = {}
        for name, count in counts:
            shown_name = self.field(name)
            summed[shown_name] = summed.get(shown_name, 0) + count
        return summed

    def _string(self, text: str, field: str) -> str:
        if not self.redact:
            return self._shown(text)
        if known := self._aliases.get(text.lower()):
            return self._shown(known)
        if field in FIELDS_IN_WORDS:
            return self.text(text)
        if is_own_word(text):
            return text
        if "/" in text or "\\" in text:
            return self.path(text)
        return self.key(text) if ":" in text and " " not in text else self._file_name(text)

    def field(self, name: str) -> str:
        """The name of a field or a word that is counted: the gateway's own spelling stays."""
        if not self.redact:
            return self._shown(name)
        return name if is_field_name(name) and name.lower() not in self._aliases else self._string(name, "")

    def _file_name(self, name: str) -> str:
        """One name between slashes: what comes before the suffixes is a session, a topic, a person."""
        if name in PATH_WORDS and name.lower() not in self._aliases:
            return name
        stem, tail = name, ""
        while (cut := stem.rfind(".")) > 0:
            last = stem[cut + 1 :]
            if last not in SUFFIX_WORDS and not _STAMP.fullmatch(last):
                if _UUID.fullmatch(last) is None and not last.isdigit():
                    break
                last = self._alias(last, "number" if last.isdigit() else "id")
            stem, tail = stem[:cut], f".{last}{tail}"
        if f"{stem}{tail}" in PATH_WORDS:
            return f"{stem}{tail}"
        owner, topic, rest = stem.partition("-topic-")
        if not rest and stem in KEY_WORDS:
            return stem + tail
        # `sessions.json.bak.1` belongs to a file of a name that is the same everywhere.
        first, dot, suffix = tail[1:].partition(".")
        if f"{stem}.{first}" in PATH_WORDS:
            return f"{stem}.{first}{dot}{suffix}"
        return self._alias(owner, "name") + (topic + self._alias(rest, "topic") if rest else "") + tail

    def _shown(self, text: str) -> str:
        return text if self._exact else shown(text)

    def _alias(self, secret: str, kind: str) -> str:
        # Ids are looked up in any case by the gateway, and so they are here.
        folded = secret.lower()
        known = self._aliases.get(folded)
        if known is None:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            known = self._aliases[folded] = f"{kind}-{self._counts[kind]}"
        return known
