"""What each release does with its session store, as data (gateway.md section 5; the released 2026.x packages)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from gatewaydoctor.simulate.refstore import js

if TYPE_CHECKING:
    from collections.abc import Mapping

DAY_MS: Final = 86_400_000


class Mode(StrEnum):
    WARN = "warn"
    ENFORCE = "enforce"


class Rotation(StrEnum):
    """What happens to a live file above rotateBytes before a save."""

    RENAME = "rename"
    COPY = "copy"
    NONE = "none"


class Protection(StrEnum):
    """Which rows prune, cap and disk budget leave alone."""

    NOTHING = "nothing"
    ACTIVE = "active"
    CONVERSATIONS = "conversations"


@dataclass(frozen=True, slots=True)
class Policy:
    """One release. Sizes in bytes, times in ms.

    `lock_file`: a save holds sessions.json.lock, which the disk budget counts. `strict_text`: a field that should
    be text and is not makes the save throw. `typed_entries`: rows are shaped, routed and slimmed on load.
    `cap_slack`: the cap waits for 10 % (at least 25) rows over the limit, unless forced.
    """

    release: str
    mode: Mode
    rotation: Rotation
    protection: Protection
    load_normalises: bool
    load_maintains: bool
    typed_entries: bool
    strict_text: bool
    strict_account: bool
    cap_slack: bool
    lock_file: bool
    durable_write: bool
    checkpoints: bool
    trajectories: bool
    cleanup_prunes_files: bool
    serialized_cache_bytes: float
    channel_aliases: Mapping[str, str]
    max_entries: int = 500
    prune_after_ms: int = 30 * DAY_MS
    rotate_bytes: int = 10_485_760
    high_water_ratio: float = 0.8


_ALIASES_3_28: Final = {
    "gchat": "googlechat",
    "google-chat": "googlechat",
    "imsg": "imessage",
    "internet-relay-chat": "irc",
}
_ALIASES_4_25: Final = _ALIASES_3_28 | {
    "bb": "bluebubbles",
    "enterprise-wechat": "wecom",
    "lark": "feishu",
    "nc": "nextcloud-talk",
    "nc-talk": "nextcloud-talk",
    "qywx": "wecom",
    "teams": "msteams",
    "twitch-chat": "twitch",
    "wework": "wecom",
    "zl": "zalo",
    "zlu": "zalouser",
}
_ALIASES_5_22: Final = {key: value for key, value in _ALIASES_4_25.items() if key != "bb"} | {
    "tencent-yuanbao": "yuanbao",
    "wechat": "openclaw-weixin",
    "weixin": "openclaw-weixin",
    "yb": "yuanbao",
    "元宝": "yuanbao",
    "微信": "openclaw-weixin",
}

_3_28: Final = Policy(
    release="2026.3.28",
    mode=Mode.WARN,
    rotation=Rotation.RENAME,
    protection=Protection.NOTHING,
    load_normalises=False,
    load_maintains=False,
    typed_entries=False,
    strict_text=True,
    strict_account=True,
    cap_slack=False,
    lock_file=True,
    durable_write=True,
    checkpoints=False,
    trajectories=False,
    cleanup_prunes_files=False,
    serialized_cache_bytes=math.inf,
    channel_aliases=MappingProxyType(_ALIASES_3_28),
)
_4_25: Final = replace(
    _3_28,
    release="2026.4.25",
    mode=Mode.ENFORCE,
    rotation=Rotation.COPY,
    protection=Protection.ACTIVE,
    load_normalises=True,
    load_maintains=True,
    strict_text=False,
    checkpoints=True,
    channel_aliases=MappingProxyType(_ALIASES_4_25),
)
_5_22: Final = replace(
    _4_25,
    release="2026.5.22",
    rotation=Rotation.NONE,
    protection=Protection.CONVERSATIONS,
    load_maintains=False,
    typed_entries=True,
    strict_account=False,
    cap_slack=True,
    lock_file=False,
    durable_write=False,
    trajectories=True,
    cleanup_prunes_files=True,
    serialized_cache_bytes=64 * 1024 * 1024,
    channel_aliases=MappingProxyType(_ALIASES_5_22),
)

POLICIES: Final[Mapping[str, Policy]] = MappingProxyType({p.release: p for p in (_3_28, _4_25, _5_22)})
"""Every release the reference store can act as, oldest first."""


@dataclass(frozen=True, slots=True)
class Maintenance:
    """`session.maintenance` of one gateway, resolved. None: no retention for reset archives, no disk budget."""

    mode: Mode
    max_entries: int
    prune_after_ms: int
    rotate_bytes: int
    reset_archive_retention_ms: int | None
    max_disk_bytes: int | None
    high_water_bytes: int | None

    def cap_trigger(self, policy: Policy) -> int:
        """Number of rows from which an unforced save caps (2026.5.22 waits for some slack)."""
        if not policy.cap_slack or self.max_entries <= 49:
            return max(self.max_entries, 0) + 1
        return self.max_entries + max(25, math.ceil(self.max_entries * 0.1))


def resolve_maintenance(policy: Policy, config: Mapping[str, Any] | None = None) -> Maintenance:
    """The settings a release takes from a `session.maintenance` object; what it cannot read gets the default."""
    given = config or {}
    prune_after = _duration(js.coalesce(given.get("pruneAfter"), given.get("pruneDays")), policy.prune_after_ms)
    reset = given.get("resetArchiveRetention")
    disk = _bytes(given.get("maxDiskBytes"))
    return Maintenance(
        mode=Mode(given.get("mode") or policy.mode),
        max_entries=int(js.coalesce(given.get("maxEntries"), policy.max_entries)),
        prune_after_ms=prune_after,
        rotate_bytes=_bytes(given.get("rotateBytes"), policy.rotate_bytes) or 0,
        reset_archive_retention_ms=None if reset is False else _duration(reset, prune_after),
        max_disk_bytes=disk,
        high_water_bytes=_high_water(given.get("highWaterBytes"), disk, policy.high_water_ratio),
    )


_UNIT_MS: Final = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": DAY_MS}
_UNIT_BYTES: Final = {"b": 1} | {
    unit + suffix: 1024**power for power, unit in enumerate("kmgt", 1) for suffix in ("", "b")
}
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h|d)?")
_BYTES = re.compile(r"([0-9]+(?:\.[0-9]+)?)([a-z]+)?\Z")


def _setting(value: Any) -> str:
    if js.is_number(value):
        return js.number_text(value)
    return js.lower_text(value)


def _duration(value: Any, default: int) -> int:
    text, total, end = _setting(value), 0.0, 0
    for part in _DURATION.finditer(text):
        alone = part.end() - part.start() == len(text)
        if part.start() != end or not (part[2] or alone):
            return default
        total += float(part[1]) * _UNIT_MS[part[2] or "d"]
        end = part.end()
    return math.floor(total + 0.5) if text and end == len(text) else default


def _bytes(value: Any, default: int | None = None) -> int | None:
    found = _BYTES.match(_setting(value))
    scale = _UNIT_BYTES.get(found[2] or "b") if found else None
    return math.floor(float(found[1]) * scale + 0.5) if found and scale else default


def _high_water(value: Any, disk: int | None, ratio: float) -> int | None:
    if disk is None:
        return None
    asked = _bytes(value)
    if asked is not None:
        return min(asked, disk)
    return max(1, min(disk, math.floor(disk * ratio))) if disk > 0 else 0
