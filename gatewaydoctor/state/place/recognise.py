"""Telling a state directory from its neighbours, for an operator who named one a level too deep or too high."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.errors import CannotExamine
from gatewaydoctor.model.gateway.place import NothingKept

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.system.fs import ReadFs

CONFIG_NAMES = ("openclaw.json", "clawdbot.json", "moldbot.json", "moltbot.json")
_STATE_DATABASE = ("state", "openclaw.sqlite")
_OF_AGENT = ("sessions", "agent")
_INSIDE = {"agents", "cron", "credentials", "delivery-queue", "identity", "logs", "sessions", "state", "subagents"}
"""Directories of a state directory that are named instead of it."""
_LEVELS = 4
"""So many parents are tried: agents/ID/sessions/FILE is that deep."""
_TRIED = 100
"""So many names of a wrong directory are tried for the right one."""


def is_state_dir(fs: ReadFs, path: Path) -> bool:
    """Whether a directory has a config, an agent or the database of an installation. What cannot be asked may be
    there, and counts."""
    if any(_there(fs, path / name) for name in (*CONFIG_NAMES, "/".join(_STATE_DATABASE))):
        return True
    agents = path / "agents"
    try:
        return any(_there(fs, agents / name / part) for name in fs.names(agents) for part in _OF_AGENT)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError:
        return True


def require_outermost(fs: ReadFs, path: Path) -> None:
    """Raises CannotExamine for a directory inside a state directory, such as its agents or one agent's."""
    if any(_there(fs, path / name) for name in CONFIG_NAMES):
        return
    if (outer := enclosing(fs, path)) is not None:
        raise CannotExamine(f"{path} is a part of the state directory {outer}.", f"Name that: --state-dir {outer}")


def require_state(fs: ReadFs, path: Path) -> None:
    """Raises NothingKept where a directory has no config, no agent and no database: of a mistyped path or a volume
    that is not mounted nothing is known, which is not the same as nothing wrong."""
    if is_state_dir(fs, path):
        return
    empty = next(iter(fs.names(path)), None) is None
    real = fs.realpath(path)
    link = f" (a link to {real})" if fs.lstat(path).is_symlink else ""
    hint = "Check the path, and whether its volume is mounted. A new installation has nothing here yet."
    if (near := nearby(fs, path)) is not None:
        hint = f"Name the state directory: --state-dir {near}"
    elif (other := _of_another_version(fs, real)) is not None:
        hint = f"There is a state directory next to it, perhaps of another version: --state-dir {other}"
    what = "is empty" if empty else "has no config, no agent and no database"
    refused = ": a gateway refuses to start there without gateway.mode" if link else ""
    raise NothingKept(f"{path}{link} {what}{refused}.", hint)


def nearby(fs: ReadFs, path: Path) -> Path | None:
    """The state directory around a path, else one right inside it; None where there is none. The path may be a file
    or missing."""
    return enclosing(fs, path) or _inside(fs, path)


def enclosing(fs: ReadFs, path: Path) -> Path | None:
    """The state directory that a path lies in, by one of the names that every state directory has."""
    for outer in path.parents[:_LEVELS]:
        part = path.relative_to(outer).parts[0]
        known = part in _INSIDE or part.startswith(("openclaw.json", "sessions.json"))
        if known and is_state_dir(fs, outer):
            return outer
    return None


def _of_another_version(fs: ReadFs, real: Path) -> Path | None:
    """The state directory at the same place below a sibling of one of its parents: versions/2/home/S for
    versions/1/home/S."""
    for parent in (real, *real.parents[: _LEVELS - 1]):
        rest = real.relative_to(parent)
        try:
            names = sorted(fs.names(parent.parent))[:_TRIED]
        except (OSError, ValueError):
            continue
        found = [parent.parent / name / rest for name in names if parent.parent / name != parent]
        if (other := next((each for each in found if is_state_dir(fs, each)), None)) is not None:
            return other
    return None


def _inside(fs: ReadFs, path: Path) -> Path | None:
    try:
        names = sorted(fs.names(path), key=lambda name: (name != ".openclaw", name))[:_TRIED]
    except (OSError, ValueError):
        return None
    return next((path / name for name in names if is_state_dir(fs, path / name)), None)


def _there(fs: ReadFs, path: Path) -> bool:
    try:
        fs.lstat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError:
        return True
    return True
