"""Plans, manifests and receipts as JSON files. Names that are not UTF-8 survive as escaped surrogates."""

from __future__ import annotations

import hashlib
import json
import os
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from gatewaydoctor.model.repair.edits import Rebuild
from gatewaydoctor.model.repair.plan import PLAN_SCHEMA_VERSION, Copy, Move, Plan, Transact
from gatewaydoctor.repair.writing.errors import BadPlan, VaultDamaged
from gatewaydoctor.system.reading import read_up_to

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatewaydoctor.model.repair.plan import Act, Fingerprint
    from gatewaydoctor.model.repair.receipt import Manifest, Receipt
    from gatewaydoctor.model.repair.snapshot import SnapshotManifest
    from gatewaydoctor.system.fs import ReadFs

T = TypeVar("T", bound=msgspec.Struct)

LARGEST_FILE = 256 * 1024 * 1024
"""Bytes. A plan that drops every other of a million rows has about 50 MB; what is larger is not read."""
_ALL_MODE_BITS = 0o177777
_NOBODY_AT_ALL = 2**32 - 1
"""No uid or gid: the number that means `leave it`."""


def encode(value: Plan | Manifest | Receipt | SnapshotManifest) -> bytes:
    return _encoded(msgspec.to_builtins(value))


def _encoded(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode() + b"\n"


def with_id(plan: Plan) -> Plan:
    """The plan with the id that follows from its content."""
    return msgspec.structs.replace(plan, plan_id=_derived_id(plan))


def _derived_id(plan: Plan) -> str:
    return _id_of(msgspec.to_builtins(plan))


def _id_of(document: dict[str, object]) -> str:
    """The id of a plan as it was written, whatever fields the version had that wrote it."""
    return hashlib.sha256(_encoded(document | {"planId": ""})).hexdigest()[:16]


def read_plan(fs: ReadFs, path: Path) -> Plan:
    """Raises BadPlan for a file that is not a plan, is of a newer schema, or was edited."""
    hint = "Make a new one: `gatewaydoctor repair --plan-out FILE`."
    try:
        document = _document(fs, path, Plan)
        plan = msgspec.convert(document, Plan)
    except OSError as error:
        raise BadPlan(f"Cannot read the plan {path}: {error.strerror or error}.", hint) from None
    except ValueError:
        raise BadPlan(f"{path} is not a gatewaydoctor plan.", hint) from None
    if not _sound(plan):
        raise BadPlan(f"{path} is not a valid gatewaydoctor plan: its parts do not match.", hint)
    if plan.schema_version.split(".")[0] != PLAN_SCHEMA_VERSION.split(".")[0]:
        raise BadPlan(f"{path} has plan schema {plan.schema_version}; this version reads 1.x.", hint)
    if plan.plan_id != _id_of(document):
        raise BadPlan(f"{path} was changed after it was made: its id does not match its content.", hint)
    return plan


def read_part(fs: ReadFs, path: Path, kind: type[T]) -> T:
    """A file of the vault. Raises VaultDamaged."""
    hint = "`gatewaydoctor runs verify` shows what the vault still holds."
    try:
        return msgspec.convert(_document(fs, path, kind), kind)
    except OSError as error:
        raise VaultDamaged(f"{path} cannot be read: {error.strerror or error}.", hint) from None
    except ValueError:
        raise VaultDamaged(f"{path} is damaged.", hint) from None


def _document(fs: ReadFs, path: Path, kind: type[msgspec.Struct]) -> Any:
    """The value in a file that holds such a thing. Raises ValueError for what is none, and OSError."""
    if fs.stat(path).size > LARGEST_FILE:
        raise ValueError("too large")
    data = read_up_to(fs, path, LARGEST_FILE)
    try:
        # Stops at the first value that does not fit, before any large object is made of something else. It refuses
        # escaped lone surrogates, which names may hold: another escape means them.
        msgspec.json.decode(data.replace(b"\\ud", b"\\u0"), type=kind)
        return json.loads(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _sound(plan: Plan) -> bool:
    """Whether every number points to a fingerprint, every path can be one, and every mode and owner exists."""
    known = range(len(plan.fingerprints))
    return all(_fits(act, known) for act in plan.acts) and all(
        _nameable(seen.path) and _real(seen) for seen in plan.fingerprints
    )


def _fits(act: Act, known: range) -> bool:
    if isinstance(act, Move):
        return act.source in known
    if isinstance(act, Transact):
        sources = range(len(act.sources))
        read = (each for edit in act.edits if isinstance(edit, Rebuild) for each in _sources_of(edit))
        named = all(number in known for number in (*act.concerned, *act.sources))
        return _nameable(act.target) and named and all(number in sources for number in read)
    copies = [each for each in act.segments if isinstance(each, Copy)]
    return (
        _nameable(act.target)
        and all(number in known for number in (act.replaces, act.like) if number is not None)
        and all(each.source in known and 0 <= each.start <= each.end for each in copies)
    )


def _sources_of(edit: Rebuild) -> Iterator[int]:
    """Places among the sources of its act."""
    yield from (each.source for each in edit.brought)
    if edit.schema is not None:
        yield edit.schema


def _nameable(path: str) -> bool:
    try:
        return b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        return False


def _real(seen: Fingerprint) -> bool:
    whole = min(seen.dev, seen.ino, seen.size, seen.mode, seen.uid, seen.gid) >= 0
    return whole and seen.mode <= _ALL_MODE_BITS and max(seen.uid, seen.gid) < _NOBODY_AT_ALL
