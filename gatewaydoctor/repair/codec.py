"""Plans, manifests and receipts as JSON files. Names that are no UTF-8 survive as escaped surrogates."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, TypeVar

import msgspec

from gatewaydoctor.model.plan import PLAN_SCHEMA_VERSION, Plan
from gatewaydoctor.repair.errors import BadPlan, VaultDamaged
from gatewaydoctor.state.reading import read_up_to

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.model.receipt import Manifest, Receipt
    from gatewaydoctor.model.snapshot import SnapshotManifest
    from gatewaydoctor.state.fs import ReadFs

T = TypeVar("T", bound=msgspec.Struct)

LARGEST_FILE = 1024 * 1024 * 1024
"""Bytes. No plan comes near it; what is larger is not read."""


def encode(value: Plan | Manifest | Receipt | SnapshotManifest) -> bytes:
    return json.dumps(msgspec.to_builtins(value), separators=(",", ":")).encode() + b"\n"


def with_id(plan: Plan) -> Plan:
    """The plan with the id that follows from its content."""
    return msgspec.structs.replace(plan, plan_id=_derived_id(plan))


def _derived_id(plan: Plan) -> str:
    return hashlib.sha256(encode(msgspec.structs.replace(plan, plan_id=""))).hexdigest()[:16]


def read_plan(fs: ReadFs, path: Path) -> Plan:
    """Raises BadPlan for a file that is no plan, is of a newer schema, or was edited."""
    hint = "Make a new one: gatewaydoctor repair --plan-out FILE."
    try:
        plan = _read(fs, path, Plan)
    except OSError as error:
        raise BadPlan(f"The plan {path} cannot be read: {error.strerror or error}.", hint) from None
    except ValueError:
        raise BadPlan(f"{path} is no plan of gatewaydoctor.", hint) from None
    if plan.schema_version.split(".")[0] != PLAN_SCHEMA_VERSION.split(".")[0]:
        raise BadPlan(f"{path} is a plan of schema {plan.schema_version}; this version reads 1.x.", hint)
    if plan.plan_id != _derived_id(plan):
        raise BadPlan(f"{path} was changed after it was made: its id does not follow from its content.", hint)
    return plan


def read_part(fs: ReadFs, path: Path, kind: type[T]) -> T:
    """A file of the vault. Raises VaultDamaged."""
    hint = "gatewaydoctor runs verify shows what the vault still holds."
    try:
        return _read(fs, path, kind)
    except OSError as error:
        raise VaultDamaged(f"{path} cannot be read: {error.strerror or error}.", hint) from None
    except ValueError:
        raise VaultDamaged(f"{path} is damaged.", hint) from None


def _read(fs: ReadFs, path: Path, kind: type[T]) -> T:
    return msgspec.convert(json.loads(read_up_to(fs, path, LARGEST_FILE)), kind)
