"""Which release last wrote a state directory, as far as files and databases tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.era import SCHEMAS, DatabaseRole
from gatewaydoctor.model.gateway.release import BEHAVIOURS, Policy, Release, numbers
from gatewaydoctor.system.fs import is_there

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gatewaydoctor.storage.sqlite.opened import Opened
    from gatewaydoctor.system.fs import ReadFs

_EXTENDED = ((2026, 7, 33), (2026, 8, 0))
"""The extended stable line of 2026.7 (7.33 to 7.35) keeps sessions in files, although 2026.7.2-beta did not. Its
cron jobs are in the state database, as in 2026.6.33 to 6.35."""

STATE_DATABASE = ("state", "openclaw.sqlite")

_IN_CONFIG = " in the config"


def policy_of(version: str) -> Policy | None:
    """The policy a version text such as `2026.4.25` or `2026.7.2-beta.1` falls under; None for any other text."""
    found = numbers(version)
    if found is None:
        return None
    if _EXTENDED[0] <= found < _EXTENDED[1]:
        return Policy.V2026_5_22
    return next(policy for policy, each in reversed(BEHAVIOURS.items()) if found >= each.since)


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
    if shown := _telltale(fs, state_dir):
        found.append(shown)
    if not found:
        return Release()
    order = list(Policy)
    # Of equal policies the one with a version wins, and the database's first.
    version, policy, evidence = max(reversed(found), key=lambda each: (order.index(each[1]), numbers(each[0]) or ()))
    return Release(version, policy, evidence, stamped=evidence.endswith(_IN_CONFIG))


def _telltale(fs: ReadFs, state_dir: Path) -> tuple[None, Policy, str] | None:
    """The newest release of which a file tells."""
    for policy, behaviour in reversed(BEHAVIOURS.items()):
        for name in behaviour.telltales:
            if is_there(fs, state_dir / name):
                return None, policy, f"{name} exists"
    return None


def _started(fs: ReadFs, state_dir: Path) -> tuple[str | None, Policy, str] | None:
    """The release that last started on the state database, else the one that made or last migrated it."""
    path = state_dir.joinpath(*STATE_DATABASE)
    if not is_there(fs, path):
        return None
    from gatewaydoctor.storage.sqlite.opened import read_database_once  # rarely needed: brings in apsw

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
