"""What everything passes that leaves the program under `--redact`: text by its words, documents by their fields.

Names (names.py) gives ids and paths stable aliases where they are known to be such. This makes it safe: a word stays
only if the program itself uses it, a number only if it is a figure, and times move. What a file, an argument or the
system brought in is replaced, known or not.
"""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime

from gatewaydoctor.model.units import MINUTE_MS
from gatewaydoctor.report.ownwords import own_words

_DAY_MINUTES = 24 * 60
_LEAST_OFFSET, _MOST_OFFSET = 100 * _DAY_MINUTES, 1_100 * _DAY_MINUTES

ALIAS_KINDS = (
    *("agent", "job-id", "job", "session", "topic", "id", "name", "number", "word", "time-zone", "run", "address"),
    *("path", "hash", "time"),
)
_UP_TO_MINUTES = 5
"""Parts of a time: year, month, day, hour, minute."""
_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")
_PARTS = (
    ("run", r"\d{8}T\d{6}Z(?:-\w+)*"),
    (
        "time",
        r"(?<!\d)(?<!\d[.-])\d{4}-\d{2}-\d{2}(?:[T ]\d{2}[:-]\d{2}(?:[:-]\d{2}(?:[.-]\d{1,9})?)?)?"
        r"(?:Z|[+-]\d{2}:\d{2})?(?!\w)",
    ),
    ("kept", rf"(?<![\w-])(?:{'|'.join(ALIAS_KINDS)})-\d{{1,7}}(?![\w-])"),
    ("id", rf"(?<!\w){_UUID}(?!\w)"),
    ("hash", r"(?<!\w)(?:[0-9a-f]{40}|[0-9a-f]{64})(?!\w)"),
    ("kept", r"(?<![\w.])(?:127\.0\.0\.1|0\.0\.0\.0)(?![\w.])"),
    ("address", r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])"),
    (
        "zone",
        r"\b(?:Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific)/\w+(?:[/+-]\w+)*",
    ),
    ("kept", r"(?<![\w.])20\d{2}\.\d{1,2}\.\d{1,3}(?:-(?:beta|alpha)\.\d{1,3})?(?![\w])"),
    ("cron", r"(?<!\S)(?=\S+(?: \S+)*? ?\*)(?:[\d*?/,\-LW#]+ ){4,5}[\d*?/,\-LW#]+(?!\S)"),
    ("kept", r"(?<![\w.,])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\w)"),
    ("port", r"(?<=:)\d{4,5}(?![\w:])(?!\.\d)|(?<=\bport )\d{2,5}(?!\w)"),
    ("number", r"\+\d{1,4}(?:[ ()./-]{1,2}\d{2,})+(?!\w)|\(\d{2,5}\)[ -]?\d{2,}(?:[ ./-]\d{2,})*(?!\w)"),
    ("number", r"(?<![\w.,-])\d{2,5}(?:-\d{2,5}){2,}(?![\w-])"),
    ("number", r"\+?\d{4,}(?![\w])"),
    ("word", r"\w+"),
)
_TOKENS = re.compile("|".join(f"(?P<{kind}{place}>{pattern})" for place, (kind, pattern) in enumerate(_PARTS)))
_FIGURE = re.compile(r"\d{1,3}[a-zA-Z]{0,3}")
_PIECES = re.compile(r"_+|\d+|[^\W\d_]+")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[^A-Z]+")

_TIME_FIELD = re.compile(
    r"(?:.*[a-z])?At(?:Ms)?|at|now|.*[mM]time(?:Ms|Ns)?|.*SignOfLife(?:Ms)?|oldest|newest|.*UpdatedAt"
)
_SIZE_FIELD = re.compile(r".*(?:[bB]ytes|[sS]ize|Freed|Needed|total|available)")
_IDENTIFYING = re.compile(
    r"port|pid|.*Pid|uid|gid|dev|ino|inode|seen|owner|owners|majority|starttime|startTime|peer|phone|chat|.*Id"
)
_HASH_FIELD = re.compile(r"sha256|.*Sha256|hash|fingerprint|planId|digest")
_EPOCH_MS = range(10**12, 4 * 10**12)
_EPOCH_NS = range(10**18, 4 * 10**18)


def secret_offset() -> int:
    """Minutes by which the times of one document move: how many is secret, and every time by the same."""
    return _LEAST_OFFSET + secrets.randbelow(_MOST_OFFSET - _LEAST_OFFSET)


class Redaction:
    """One run's replacements: what is equal before is equal afterwards, and times keep their order and, to the
    minute, their distances."""

    def __init__(self) -> None:
        self._offset = secret_offset()
        self._aliases: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}
        self._words = own_words()

    def text(self, text: str) -> str:
        """Lines for people, or one string of a document."""
        # A colour ends with a letter, which is no part of the word behind it.
        pieces = _COLOUR.split(text)
        pieces[::2] = [_TOKENS.sub(self._token, piece) for piece in pieces[::2]]
        return "".join(pieces)

    def value(self, value: object, field: str = "") -> object:
        """A JSON-able value by the names of its fields."""
        match value:
            case bool() | None:
                return value
            case str():
                return self._string(value, field)
            case int() | float():
                return self._number(value, field)
            case bytes():
                return ""
            case dict():
                return {self.text(str(name)): self.value(item, str(name)) for name, item in value.items()}
            case list() | tuple():
                # The bytes of a rewritten file are what it was redacted for.
                return [] if field == "segments" else [self.value(item, field) for item in value]
            case _:
                return self._string(str(value), field)

    def _string(self, text: str, field: str) -> str:
        if _HASH_FIELD.fullmatch(field):
            return self._alias(text, "hash") if text else text
        return self.text(text)

    def _number(self, number: int | float, field: str) -> int | float:
        if isinstance(number, int) and number in _EPOCH_NS:
            return self._moved(number // 1_000_000) * 1_000_000
        if _IDENTIFYING.fullmatch(field):
            return 0
        is_time = _TIME_FIELD.fullmatch(field) is not None and abs(number) >= 1_000
        if is_time or (int(number) in _EPOCH_MS and not _SIZE_FIELD.fullmatch(field)):
            return self._moved(int(number))
        return number

    def _moved(self, ms: int) -> int:
        return (ms // MINUTE_MS + self._offset) * MINUTE_MS

    def _token(self, found: re.Match[str]) -> str:
        kind = (found.lastgroup or "").rstrip("0123456789")
        text = found[0]
        match kind:
            case "kept":
                return text
            case "time":
                return self._time(text)
            case "port":
                return "PORT"
            case "cron":
                return "CRON"
            case "zone":
                return "ZONE"
            case "word":
                return self._word(text)
            case "number" if text in self._words:
                return text
            case _:
                return self._alias(text, kind)

    def _time(self, text: str) -> str:
        """The moved time, spelled as this one is, with seconds of 0."""
        zone = re.search(r"([+-])(\d{2}):(\d{2})\Z", text)
        east = int(f"{zone[1]}1") * (60 * int(zone[2]) + int(zone[3])) if zone else 0
        digits = re.findall(r"\d+", text[: zone.start()] if zone else text)[:_UP_TO_MINUTES]
        try:
            at = datetime(*(*map(int, digits), *(0, 0))[:_UP_TO_MINUTES], tzinfo=UTC)  # type: ignore[arg-type, misc]
            moved = datetime.fromtimestamp(self._moved((int(at.timestamp()) - 60 * east) * 1000) / 1000, UTC)
        except (ValueError, OverflowError, OSError):
            return self._alias(text, "time")
        told = moved.strftime("%Y %m %d %H %M").split()
        numbers = iter(told[: len(digits)])
        return re.sub(r"\d+", lambda found: next(numbers, "0" * len(found[0])), text)

    def _word(self, text: str) -> str:
        if text.lower() in self._words or _FIGURE.fullmatch(text) or len(text) == 1:
            return text
        if all(self._is_own(piece) for piece in _PIECES.findall(text)):
            return text
        return self._alias(text.lower(), "word")

    def _is_own(self, piece: str) -> bool:
        """Whether a part of a name such as `stateDir` or `over_cap` is a word of the program."""
        if piece.isdigit():
            return len(piece) < 4
        return piece[0] == "_" or all(part.lower() in self._words for part in _CAMEL.findall(piece))

    def _alias(self, text: str, kind: str) -> str:
        known = self._aliases.get((kind, text))
        if known is None:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            known = self._aliases[kind, text] = f"{kind}-{self._counts[kind]}"
        return known
