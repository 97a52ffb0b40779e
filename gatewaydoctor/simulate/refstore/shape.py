"""The typed rows of 2026.5.22: what is dropped, defaulted and slimmed on every load and save."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from gatewaydoctor.simulate.refstore import js
from gatewaydoctor.simulate.refstore.files import PathRefused, SessionsDir
from gatewaydoctor.simulate.refstore.js import UNDEFINED

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewaydoctor.simulate.refstore.policy import Policy


RESERVED_SLOTS: Final = frozenset(
    """
    abortCutoffMessageSid abortCutoffTimestamp abortedLastRun acp agentHarnessId agentRuntimeOverride
    authProfileOverride authProfileOverrideCompactionCount authProfileOverrideSource cacheRead
    cacheWrite channel chatType claudeCliSessionId cliSessionBindings cliSessionIds
    compactionCheckpoints compactionCount constructor contextTokens deliveryContext displayName
    elevatedLevel endedAt estimatedCostUsd execAsk execHost execNode execSecurity
    fallbackNoticeActiveModel fallbackNoticeReason fallbackNoticeSelectedModel fastMode forkedFromParent
    groupActivation groupActivationNeedsSystemIntro groupChannel groupId hasOwnProperty
    heartbeatIsolatedBaseSessionKey heartbeatTaskState inheritedToolAllow inheritedToolDeny inputTokens
    isPrototypeOf label lastAccountId lastChannel lastHeartbeatSentAt lastHeartbeatText
    lastInteractionAt lastThreadId lastTo lastTtsReadLatestAt lastTtsReadLatestHash
    liveModelSwitchPending memoryFlushAt memoryFlushCompactionCount memoryFlushContextHash model
    modelOverride modelOverrideFallbackOriginModel modelOverrideFallbackOriginProvider
    modelOverrideSource modelProvider origin outputTokens parentSessionKey pendingFinalDelivery
    pendingFinalDeliveryAttemptCount pendingFinalDeliveryContext pendingFinalDeliveryCreatedAt
    pendingFinalDeliveryIntentId pendingFinalDeliveryLastAttemptAt pendingFinalDeliveryLastError
    pendingFinalDeliveryText pluginDebugEntries pluginExtensionSlotKeys pluginExtensions
    pluginNextTurnInjections pluginOwnerId propertyIsEnumerable prototype providerOverride queueCap
    queueDebounceMs queueDrop queueMode quotaSuspension reasoningLevel responseUsage route runtimeMs
    sendPolicy sessionFile sessionId sessionStartedAt skillsSnapshot space spawnDepth spawnedBy
    spawnedWorkspaceDir startedAt status subagentControlScope subagentRecovery subagentRole subject
    systemPromptReport systemSent thinkingLevel toLocaleString toString totalTokens totalTokensFresh
    traceLevel ttsAuto updatedAt usageFamilyKey usageFamilySessionIds valueOf verboseLevel
    """.split()  # noqa: SIM905 - a list would be a hundred lines long
)
"""Names a plugin may not claim as its slot in a session row (2026.5.22): fields of the row, members of Object."""


_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]*\Z")
_SLOT_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")

MAX_DEPTH: Final = 32
MAX_NODES: Final = 4096
MAX_KEYS: Final = 512
MAX_TEXT: Final = 64 * 1024
MAX_BYTES: Final = 256 * 1024
"""Limits of one plugin value; a larger one is dropped."""


def shape_entry(value: Any, policy: Policy) -> Any:
    """The row with its id, file and time of the right type; UNDEFINED where the row is dropped."""
    if not isinstance(value, dict):
        return UNDEFINED
    wanted = dict(value)
    if "sessionId" in value:
        session_id = _safe_id(value["sessionId"])
        if session_id is None:
            return UNDEFINED
        if not _names_transcript(session_id, policy) and not js.lower_text(value.get("sessionFile")):
            del wanted["sessionId"]
        else:
            wanted["sessionId"] = session_id
    if not isinstance(wanted.get("sessionFile", ""), str):
        del wanted["sessionFile"]
    updated_at = value.get("updatedAt", 0)
    if not (js.is_finite(updated_at) and updated_at >= 0):
        wanted["updatedAt"] = 0
    return value if _same(wanted, value) else wanted


def strip_skills(entry: dict[str, Any]) -> dict[str, Any]:
    """The row without the resolved skill texts inside its skills snapshot."""
    snapshot = entry.get("skillsSnapshot")
    if not isinstance(snapshot, dict) or "resolvedSkills" not in snapshot:
        return entry
    return entry | {"skillsSnapshot": {k: v for k, v in snapshot.items() if k != "resolvedSkills"}}


def tidy_plugins(entry: dict[str, Any]) -> dict[str, Any]:
    """The row with plugin data and plugin slot keys trimmed; what is malformed or too large is dropped."""
    entry = _tidy_field(entry, "pluginExtensions", lambda value: value if is_plugin_value(value) else UNDEFINED)
    return _tidy_field(entry, "pluginExtensionSlotKeys", _slot_key)


def is_plugin_value(value: Any) -> bool:
    """Whether a plugin may keep this value: within the limits above and all numbers finite."""
    return _within_limits(value, 0, [0]) and len(js.stringify(value, compact=True).encode()) <= MAX_BYTES


def _tidy_field(entry: dict[str, Any], field: str, accept: Callable[[Any], Any]) -> dict[str, Any]:
    if field not in entry:
        return entry
    kept = _tidy_plugin_map(entry[field], accept) if isinstance(entry[field], dict) else {}
    if kept is entry[field]:
        return entry
    without = {name: value for name, value in entry.items() if name != field}
    return entry | {field: kept} if kept else without


def _tidy_plugin_map(plugins: dict[str, Any], accept: Callable[[Any], Any]) -> dict[str, Any]:
    """The map of maps with trimmed names and accepted values; the same object where nothing changed."""
    changed = False
    tidy: dict[str, Any] = {}
    for raw_id, slots in plugins.items():
        plugin_id = js.trim(raw_id)
        if not plugin_id or not isinstance(slots, dict):
            changed = True
            continue
        kept = {js.trim(name): accept(value) for name, value in slots.items()}
        named = [(name, value) for name, value in kept.items() if name and value is not UNDEFINED]
        same = plugin_id == raw_id and named == list(slots.items())
        changed = changed or not same
        if named:
            tidy[plugin_id] = js.ordered_object(named)
        else:
            changed = True
    return js.ordered_object(tidy.items()) if changed else plugins


def _slot_key(value: Any) -> Any:
    key = js.text_or_undefined(value)
    if not isinstance(key, str) or not _SLOT_KEY.match(key) or key in RESERVED_SLOTS:
        return UNDEFINED
    return key


def _within_limits(value: Any, depth: int, nodes: list[int]) -> bool:
    nodes[0] += 1
    if nodes[0] > MAX_NODES or depth > MAX_DEPTH:
        return False
    match value:
        case str():
            return js.units(value) <= MAX_TEXT
        case list():
            return all(_within_limits(item, depth + 1, nodes) for item in value)
        case dict():
            return len(value) <= MAX_KEYS and all(
                js.units(key) <= MAX_TEXT and _within_limits(item, depth + 1, nodes) for key, item in value.items()
            )
        case _:
            return not js.is_number(value) or js.is_finite(value)


def _safe_id(value: Any) -> str | None:
    trimmed = js.trim(value) if isinstance(value, str) else ""
    return trimmed if len(trimmed) <= 255 and _SAFE_ID.match(trimmed) else None


def _names_transcript(session_id: str, policy: Policy) -> bool:
    try:
        SessionsDir("/", policy).transcript(session_id)
    except PathRefused:
        return False
    return True


def _same(left: dict[str, Any], right: dict[str, Any]) -> bool:
    return left.keys() == right.keys() and all(js.strictly_equal(left[key], right[key]) for key in left)
