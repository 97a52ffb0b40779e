"""What is known about a member found behind damage: whether it may be a session, and what the gateway's own layout
proves about it.

The gateway writes two spaces a level: a row's key follows a newline and two spaces, and the value of a row closes on
a line of two spaces and a bracket, that of an object inside a row further in."""

from __future__ import annotations

import re
from enum import IntEnum
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO

from gatewaydoctor.storage.files.cut import LARGEST_ENTRY

if TYPE_CHECKING:
    from gatewaydoctor.model.gateway.entry import Entry


_BARE_KEYS = frozenset({"main", "global", "unknown"})
PARTS = frozenset(
    {"origin", "deliveryContext", "skillsSnapshot", "systemPromptReport", "acp", "identity", "cliSessionBindings"}
    | {"preCompaction", "postCompaction", "quotaSuspension", "subagentRecovery", "pluginExtensions", "delivery"}
)
"""Objects that the gateway keeps inside entries (docs/gateway.md section 3)."""


class Look(IntEnum):
    """`SURE` has sessionId and updatedAt, or one of them under a key of the gateway's own making: no object inside an
    entry has that (docs/gateway.md sections 3 and 4). `LIKELY` has one of these marks."""

    NONE = 0
    LIKELY = 1
    SURE = 2


def marked(entry: Entry) -> bool:
    """Whether it has the marks of an entry, sessionId and updatedAt, whatever its key."""
    return entry.session_id is not None and entry.updated_at is not None


def look(entry: Entry) -> Look:
    """What the row looks like by its key and its fields. Of one too large to be looked into the key decides."""
    if not entry.valid or entry.key in PARTS:
        return Look.NONE
    named = entry.agent_id is not None or entry.key in _BARE_KEYS
    unread = entry.end - entry.value_start > LARGEST_ENTRY
    marks = (entry.session_id is not None) + (entry.updated_at is not None)
    if marks == 2 or (named and (marks or unread)):
        return Look.SURE
    return Look.LIKELY if marks or named or unread or ":" in entry.key else Look.NONE


_LEAD = b"\n  "
_CLOSINGS = (b"\n  }", b"\n  ]")
_EMPTY = (b"{}", b"[]")
_LOOK_BACK = 64
# Lines of two or six spaces: four-space layouts have none. Lines of an odd number: the gateway's layout has none.
_OWN_INDENT = re.compile(rb"\n(?: {2}| {6})[\"\]}]")
# Before a part of a row, which is further in, and before a value.
_ELSEWHERE = re.compile(rb"(?:\n {4,}|\": *)\Z")
_ODD_INDENT = re.compile(rb"\n(?:  )* [\"\]}]")
_NESTED = b'\n    "'
_NESTED_TWICE = b'\n        "'
# The keys that name an agent, and the bare ones of the gateway.
_SHAPE = re.compile(r'agent:[^:\x00-\x20"{}\[\]]+:[^\x00-\x1f"{}]+|main|global|unknown')


def is_own_layout(opening: bytes) -> bool:
    """Whether the first bytes of a file, its very start damaged or not, are laid out as the gateway does."""
    more_than_damage = 2
    own = len(list(islice(_OWN_INDENT.finditer(opening), more_than_damage)))
    # One such line may be a damaged one of four spaces, where fields stand eight in.
    is_own = own == more_than_damage or (own == 1 and _NESTED_TWICE not in opening)
    return (
        _NESTED in opening
        and is_own
        and len(list(islice(_ODD_INDENT.finditer(opening), more_than_damage))) < more_than_damage
    )


class LayoutEvidence:
    """Asks the bytes around a member of `stream`."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def is_row(self, entry: Entry) -> bool:
        """Whether the layout shows a row: its value closes as one does, and its key is where one is. A key whose
        place is damaged counts where it has the full shape of an agent's key and cannot be the value of a field."""
        before = self._bytes(max(0, entry.start - _LOOK_BACK), entry.start)
        led = before.endswith(_LEAD)
        closing = self._bytes(max(entry.value_start, entry.end - 4), entry.end)
        if closing in _CLOSINGS:
            return led or (_ELSEWHERE.search(before) is None and _SHAPE.fullmatch(entry.key) is not None)
        is_object = self._bytes(entry.value_start, entry.value_start + 1) in (b"{", b"[")
        return led and (not is_object or closing in _EMPTY)

    def _bytes(self, start: int, stop: int) -> bytes:
        self._stream.seek(start)
        return self._stream.read(stop - start)
