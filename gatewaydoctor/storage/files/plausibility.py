"""Whether a member found next to damage is a session or a part of one."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

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
