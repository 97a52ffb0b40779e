"""Prune and cap: which rows a save removes (docs/gateway.md section 5). Pure: only the given dict changes."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

from gatewaydoctor.simulate.refstore import js
from gatewaydoctor.simulate.refstore.js import UNDEFINED
from gatewaydoctor.simulate.refstore.policy import Protection

if TYPE_CHECKING:
    from collections.abc import Collection

    from gatewaydoctor.simulate.refstore.policy import Policy

_SYNTHETIC_PREFIXES: Final = ("subagent:", "acp:", "cron:", "hook:", "node:")
_TELEGRAM_TOPIC = re.compile(r"telegram:(?:group|channel|direct|dm):.+:topic:[^:]+\Z")
_GROUP = re.compile(r"[^:]+:(?:group|channel):.+\Z")
_SIGNAL_GROUP = re.compile(r"((?:^|:)signal:group:)([^:]+)", re.I)


def prune(
    store: dict[str, Any], policy: Policy, *, now_ms: int, max_age_ms: int, preserve: Collection[str] = ()
) -> dict[str, Any]:
    """Remove and return the rows last updated before `now_ms - max_age_ms`; rows without updatedAt stay."""
    cutoff = now_ms - max_age_ms
    stale = {
        key: entry
        for key, entry in store.items()
        if not js.is_nullish(updated := js.get(entry, "updatedAt"))
        and js.to_number(updated) < cutoff
        and not is_preserved(key, entry, policy, preserve)
    }
    for key in stale:
        del store[key]
    return stale


def cap(store: dict[str, Any], policy: Policy, *, max_entries: int, preserve: Collection[str] = ()) -> dict[str, Any]:
    """Remove and return all but the newest `max_entries` rows; preserved rows stay and count against the limit.

    Ties keep file order; rows without updatedAt go first.
    """
    removable = [key for key, entry in store.items() if not is_preserved(key, entry, policy, preserve)]
    room = max(0, max_entries - (len(store) - len(removable)))
    if len(removable) <= room:
        return {}
    newest_first = js.by_number(removable, key=lambda key: _age_rank(store[key]), descending=True)
    return {key: store.pop(key) for key in newest_first[room:]}


def is_preserved(key: str, entry: Any, policy: Policy, preserve: Collection[str]) -> bool:
    """Whether this release never removes the row: a key being saved, or (2026.5.22) a group or thread."""
    if policy.protection is Protection.NOTHING:
        return False
    if key in preserve:
        return True
    return policy.protection is Protection.CONVERSATIONS and _is_conversation(key, entry)


def preserved_keys(policy: Policy, active_key: str | None) -> frozenset[str]:
    """The keys a save protects because one of them is being written."""
    if policy.protection is Protection.CONVERSATIONS:
        normal = fold_key(active_key or "")
        return frozenset({normal} if normal else ())
    return frozenset({active_key} if active_key else ())


def fold_key(key: str) -> str:
    """A session key trimmed and lower-cased, the id of a Signal group kept as it is."""
    pieces, end = [], 0
    trimmed = js.trim(key)
    for hit in _SIGNAL_GROUP.finditer(trimmed):
        # Each piece is trimmed on its own, as the release does it.
        pieces += [js.lower_text(trimmed[end : hit.start(2)]), js.trim(hit[2])]
        end = hit.end()
    return "".join((*pieces, js.lower_text(trimmed[end:])))


def _is_conversation(key: str, entry: Any) -> bool:
    rest = js.lower_text(_agent_rest(key) or key)
    if _is_synthetic(key, rest):
        return False
    if _thread_id(key) or _TELEGRAM_TOPIC.match(rest) or _GROUP.match(rest):
        return True
    chat_type = js.coalesce(js.get(entry, "chatType"), js.get(js.get(entry, "origin"), "chatType"))
    return js.lower_text(chat_type) in {"group", "channel", "thread"}


def _is_synthetic(key: str, rest: str) -> bool:
    bare = js.lower_text(key)
    agent_rest = js.lower_text(_agent_rest(key) or UNDEFINED)
    return (
        bare.startswith(("subagent:", "acp:"))
        or agent_rest.startswith(_SYNTHETIC_PREFIXES)
        or rest.startswith(("hook:", "node:"))
        or rest == "heartbeat"
        or rest.endswith(":heartbeat")
        or ":heartbeat:" in rest
    )


def _agent_rest(key: str) -> str | None:
    parts = [part for part in fold_key(key).split(":") if part]
    if len(parts) < 3 or parts[0] != "agent" or not js.trim(parts[1]):
        return None
    return ":".join(parts[2:])


def _thread_id(key: str) -> str:
    trimmed = js.trim(key)
    _, marker, thread = trimmed.lower().rpartition(":thread:")
    return js.trim(thread) if marker else ""


def _age_rank(entry: Any) -> float:
    at = entry.get("updatedAt") if isinstance(entry, dict) else None
    if type(at) is float:
        return at
    return js.to_number(js.coalesce(js.get(entry, "updatedAt"), -math.inf))
