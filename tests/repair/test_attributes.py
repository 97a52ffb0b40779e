"""Extended attributes and access lists of a file that is replaced."""

from __future__ import annotations

import os
import struct
import sys
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.repair.run.apply import apply
from gatewaydoctor.repair.run.undo import undo
from gatewaydoctor.repair.vault.catalog import find_run
from gatewaydoctor.repair.writing.fs import OsWriteFs
from gatewaydoctor.system.fs import DiskSpace
from tests.repair.scene import DEAD, SESSIONS, make, tools, tree

if TYPE_CHECKING:
    from pathlib import Path

ACL = "system.posix_acl_access"
_ID_LESS = 0xFFFFFFFF


def access_list(uid: int) -> bytes:
    """rw for the owner, r for one more user, nothing for the group and the others."""
    rows = [(1, 6, _ID_LESS), (2, 4, uid), (4, 0, _ID_LESS), (16, 4, _ID_LESS), (32, 0, _ID_LESS)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *row) for row in rows)


def put(path: Path, name: str, value: bytes) -> None:
    if sys.platform != "linux":
        pytest.skip("extended attributes are read on Linux only")
    try:
        os.setxattr(path, name, value)
    except OSError as error:
        pytest.skip(f"this filesystem takes no {name}: {error.strerror}")


class Tight(OsWriteFs):
    """Believes that there is no room, so that undo takes the vault's own copies."""

    def space(self, path: Path) -> DiskSpace:
        return DiskSpace(10**12, 0, 10**6)


class Refusing(OsWriteFs):
    """Stands for a filesystem that takes no attributes."""

    def set_attributes(self, file: Path | int, wanted: object) -> None:
        pass


NAMES = [pytest.param("user.note", b"\x00\xffmine", id="user"), pytest.param(ACL, access_list(65534), id="acl")]


@pytest.mark.parametrize(("name", "value"), NAMES)
@pytest.mark.parametrize("fs", [OsWriteFs(), Tight()], ids=["copied back", "renamed back"])
def test_they_are_kept_there_and_back(tmp_path: Path, name: str, value: bytes, fs: OsWriteFs) -> None:
    scene = make(tmp_path / "state")
    store = scene.root / SESSIONS / "sessions.json"
    put(store, name, value)
    receipt = apply(scene.plan, tools(OsWriteFs()), DEAD)
    assert receipt is not None
    assert not any("could not be kept" in sentence for sentence in receipt.verified)
    assert os.getxattr(store, name) == value
    assert store.stat().st_mode == scene.before[f"{SESSIONS}/sessions.json"][0]
    # An access list would open the vault to others.
    assert {tuple(os.listxattr(path)) for path in (scene.root / ".gatewaydoctor").rglob("*")} == {()}
    undo(find_run(tools(), scene.root, None, None), tools(fs), DEAD)
    assert tree(scene.root) == scene.before
    assert os.getxattr(store, name) == value


def test_what_cannot_be_kept_is_said(tmp_path: Path) -> None:
    scene = make(tmp_path / "state")
    put(scene.root / SESSIONS / "sessions.json", "user.note", b"x")
    receipt = apply(scene.plan, tools(Refusing()), DEAD)
    assert receipt is not None
    assert f"These attributes of {SESSIONS}/sessions.json could not be kept: user.note." in receipt.verified
