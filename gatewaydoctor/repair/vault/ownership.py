"""Which directories are runs, and whose they are. What is not a run of ours is never counted, changed or removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gatewaydoctor.repair.vault.codec import read_part
from gatewaydoctor.repair.vault.layout import ELSEWHERE, OWN_FILES, RUN_ID, RUNS, SETTLED, WORKING, RunPlace, vault_of
from gatewaydoctor.repair.writing.errors import VaultDamaged
from gatewaydoctor.system.fs import is_there
from gatewaydoctor.system.reading import read_up_to

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatewaydoctor.system.fs import FileStat, ReadFs

_LONGEST_NOTE = 4096


class _Owned(msgspec.Struct, rename="camel"):
    """What plan and manifest both say of the run's state directory."""

    state_dir: str


def own_runs(fs: ReadFs, state_dir: Path, root: Path) -> Iterator[RunPlace]:
    """The runs in the vault `root` that belong to this state directory: all in a vault inside it, wherever it was
    moved to; elsewhere those whose plan names it. Raises OSError where the vault cannot be read."""
    for directory, stat in _inside(fs, root):
        if _is_run(fs, directory, stat) and (root == vault_of(state_dir) or _claimed(fs, state_dir, directory)):
            yield RunPlace(directory, state_dir)


def foreign_directories(fs: ReadFs, root: Path) -> Iterator[Path]:
    """What else is among the runs of a vault. Raises OSError."""
    return (directory for directory, stat in _inside(fs, root) if not _is_run(fs, directory, stat))


def _inside(fs: ReadFs, root: Path) -> Iterator[tuple[Path, FileStat]]:
    runs = root / RUNS
    try:
        if fs.realpath(runs) == runs:
            yield from ((runs / name, stat) for name, stat in sorted(fs.entries(runs)))
    except (FileNotFoundError, NotADirectoryError, RuntimeError):
        return  # no vault, or a loop of links


def _is_run(fs: ReadFs, directory: Path, stat: FileStat) -> bool:
    """Whether the directory has the name of a run and its parts, or is one that was just begun or is almost gone."""
    if not stat.is_dir or RUN_ID.fullmatch(directory.name) is None:
        return False
    try:
        inside = dict(fs.entries(directory))
        files = inside.pop("files", None)
        if files is not None and not files.is_dir:
            return False
        if any(name in inside and inside[name].is_file for name in ("plan.json", "manifest.json")):
            return True
        return set(inside) <= OWN_FILES and (files is None or not any(True for _ in fs.names(directory / "files")))
    except PermissionError:
        return True  # whoever may not look must not take it for nothing


def _claimed(fs: ReadFs, state_dir: Path, directory: Path) -> bool:
    """Whether the run says that it is this directory's, or a note here says so and not one where the run says."""
    owner = _owner(fs, directory)
    noted = is_there(fs, vault_of(state_dir) / ELSEWHERE / directory.name)
    if owner is None or owner == state_dir:
        return noted or owner == state_dir
    # A note goes with a directory that is moved.
    return noted and not is_there(fs, vault_of(owner) / ELSEWHERE / directory.name)


def _owner(fs: ReadFs, directory: Path) -> Path | None:
    for name in ("plan.json", "manifest.json"):
        try:
            return fs.realpath(directory / read_part(fs, directory / name, _Owned).state_dir)
        except (VaultDamaged, OSError, ValueError, RuntimeError):
            continue
    return None


def notes(fs: ReadFs, state_dir: Path) -> Iterator[tuple[str, Path, str]]:
    """Runs whose vault is elsewhere, as the notes of the own vault tell: run id, that vault, and the last word on it.
    Raises PermissionError where they may not be read."""
    directory = vault_of(state_dir) / ELSEWHERE
    try:
        names = sorted(name for name in fs.names(directory) if RUN_ID.fullmatch(name))
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        try:
            text = _note(fs, directory / name)
        except PermissionError:
            raise
        except OSError:
            continue  # no file of ours
        root, *words = text.splitlines() or [""]
        if root.startswith("/") and "\0" not in root:
            yield name, directory / root, words[-1] if words else WORKING


def _note(fs: ReadFs, path: Path) -> str:
    if fs.lstat(path).is_symlink:
        return fs.readlink(path)  # written on a full disk
    return read_up_to(fs, path, _LONGEST_NOTE).decode(errors="surrogateescape")


def settled(word: str) -> bool:
    """Whether the last word of a note says that nothing is left to do."""
    return word == SETTLED
