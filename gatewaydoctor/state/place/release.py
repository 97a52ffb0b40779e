"""Which release last wrote a state directory, as far as files and databases tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.config import Policy, Release
from gatewaydoctor.model.gateway.era import SCHEMAS, DatabaseRole
from gatewaydoctor.model.regex import regex

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gatewaydoctor.storage.database.opened import Opened
    from gatewaydoctor.system.fs import ReadFs

_VERSION = regex(r"v?([0-9]{4})\.([0-9]{1,2})\.([0-9]{1,3})(?![0-9])")

# First release of each policy: enforce became the default mode in 2026.4.20, rotation went in 2026.4.27, sessions
# moved into SQLite in 2026.7.2-beta.1.
_FIRST = (
    ((2026, 7, 2), Policy.V2026_9_6),
    ((2026, 4, 27), Policy.V2026_5_22),
    ((2026, 4, 20), Policy.V2026_4_25),
    ((0, 0, 0), Policy.V2026_3_28),
)

_EXTENDED = ((2026, 7, 33), (2026, 8, 0))
"""The extended stable line of 2026.7 (7.33 to 7.35) keeps sessions in files, although 2026.7.2-beta did not. Its
cron jobs are in the state database, as in 2026.6.33 to 6.35."""

STATE_DATABASE = ("state", "openclaw.sqlite")

# Files no release before the named policy's makes. Newest first. Their absence says nothing.
_IN_CONFIG = " in the config"
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
    if _EXTENDED[0] <= numbers < _EXTENDED[1]:
        return Policy.V2026_5_22
    return next(policy for first, policy in _FIRST if numbers >= first)


def first_release_of(role: DatabaseRole, schema: int) -> str | None:
    """The first release that writes this schema; None for one that is not known here."""
    place = {DatabaseRole.AGENT: 1, DatabaseRole.STATE: 2}.get(role)
    if place is None:
        return None
    return next((row[0] for row in SCHEMAS if row[place] == schema), None)


def guess_release(fs: ReadFs, state_dir: Path, document: Mapping[str, object]) -> Release:
    """The latest of what the state database says of its last start, what the config's `meta.lastTouchedVersion` (else
    `wizard.lastRunVersion`) says, and what files tell.

    9.x no longer stamps the config, so what only a later release writes outranks an older stamp.
    """
    found = [each for each in (_started(fs, state_dir), _stamp(document)) if each]
    shown = next((row for row in _TELLTALES if _exists(fs, state_dir / row[0])), None)
    if shown:
        found.append((None, shown[1], f"{shown[0]} exists"))
    if not found:
        return Release()
    order = list(Policy)
    # Of equal policies the one with a version wins, and the database's first.
    version, policy, evidence = max(reversed(found), key=lambda each: (order.index(each[1]), _numbers(each[0])))
    return Release(version, policy, evidence, stamped=evidence.endswith(_IN_CONFIG))


def _numbers(version: str | None) -> tuple[int, ...]:
    found = _VERSION.match(version or "")
    return tuple(int(part) for part in found.groups()) if found else ()


def _started(fs: ReadFs, state_dir: Path) -> tuple[str | None, Policy, str] | None:
    """The release that last started on the state database, else the one that made or last migrated it."""
    path = state_dir.joinpath(*STATE_DATABASE)
    if not _exists(fs, path):
        return None
    from gatewaydoctor.storage.database.opened import read_database_once  # rarely needed: brings in apsw

    found = read_database_once(fs, path, _recorded)
    if not isinstance(found, tuple):
        return None
    version, row = found
    policy = policy_of(version)
    return (version, policy, f"{row} in {path.name}") if policy else None


def _recorded(database: Opened) -> tuple[str, str] | None:
    from gatewaydoctor.storage.database.select import Tables, text

    rows = {
        text(key) or "primary": text(version)
        for key, version in Tables(database).rows("schema_meta", ("meta_key", "app_version"))
    }
    for row in ("startup-migrations", "primary"):
        if version := (rows.get(row) or "").partition("\n")[0].strip()[:40]:
            return version, f"schema_meta {row}"
    schema = first_release_of(DatabaseRole.STATE, database.user_version)
    return (schema, f"schema {database.user_version}") if schema else None


def _stamp(document: Mapping[str, object]) -> tuple[str | None, Policy, str] | None:
    for section, key in (("meta", "lastTouchedVersion"), ("wizard", "lastRunVersion")):
        inner = document.get(section)
        version = inner.get(key) if isinstance(inner, dict) else None
        if isinstance(version, str) and (policy := policy_of(version)):
            return version.strip()[:40], policy, f"{section}.{key}{_IN_CONFIG}"
    return None


def _exists(fs: ReadFs, path: Path) -> bool:
    try:
        fs.lstat(path)
    except OSError:
        return False
    return True
