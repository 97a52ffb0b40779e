"""Which release last wrote a state directory, as far as the files tell (facts.md sections 2, 5 and 12)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.config import Policy, Release

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gatewaydoctor.system.fs import ReadFs

_VERSION = re.compile(r"v?([0-9]{4})\.([0-9]{1,2})\.([0-9]{1,3})(?![0-9])")

# First release of each policy: enforce became the default mode in 2026.4.20, rotation went in 2026.4.27, sessions
# moved into SQLite in 2026.7.2-beta.1.
_FIRST = (
    ((2026, 7, 2), Policy.V2026_9_6),
    ((2026, 4, 27), Policy.V2026_5_22),
    ((2026, 4, 20), Policy.V2026_4_25),
    ((0, 0, 0), Policy.V2026_3_28),
)

# Files no release before the named policy's makes. Newest first. Their absence says nothing.
_TELLTALES = (
    ("session-sqlite-migration-runs", Policy.V2026_9_6),
    ("config-journal-fingerprint.key", Policy.V2026_9_6),
    ("tasks/runs.sqlite", Policy.V2026_5_22),
    ("gateway-instance-id", Policy.V2026_5_22),
    ("cron/jobs-state.json", Policy.V2026_4_25),
)


def policy_of(version: str) -> Policy | None:
    """The policy a version text such as `2026.4.25` or `2026.7.2-beta.1` falls under; None for any other text."""
    found = _VERSION.match(version.strip())
    if not found:
        return None
    numbers = tuple(int(part) for part in found.groups())
    return next(policy for first, policy in _FIRST if numbers >= first)


def guess_release(fs: ReadFs, state_dir: Path, document: Mapping[str, object]) -> Release:
    """The later of what the config's `meta.lastTouchedVersion` (else `wizard.lastRunVersion`) and the files say.

    9.6 no longer stamps the config, so files that only a later release makes outrank an older stamp.
    """
    stamped = _stamp(document)
    shown = next((row for row in _TELLTALES if _exists(fs, state_dir / row[0])), None)
    if stamped and (shown is None or list(Policy).index(shown[1]) <= list(Policy).index(stamped[1])):
        return Release(stamped[0], stamped[1], stamped[2])
    if shown:
        return Release(None, shown[1], f"{shown[0]} exists")
    return Release()


def _stamp(document: Mapping[str, object]) -> tuple[str, Policy, str] | None:
    for section, key in (("meta", "lastTouchedVersion"), ("wizard", "lastRunVersion")):
        inner = document.get(section)
        version = inner.get(key) if isinstance(inner, dict) else None
        if isinstance(version, str) and (policy := policy_of(version)):
            return version.strip()[:40], policy, f"{section}.{key} in the config"
    return None


def _exists(fs: ReadFs, path: Path) -> bool:
    try:
        fs.lstat(path)
    except OSError:
        return False
    return True
