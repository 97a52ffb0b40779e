"""The settings file of a directory: gatewaydoctor.toml, else the table [tool.gatewaydoctor] of pyproject.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gatewaydoctor.model.errors import CannotExamine, UsageError
from gatewaydoctor.system.fs import is_there

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.system.fs import ReadFs

OWN_FILE = "gatewaydoctor.toml"
SHARED_FILE = "pyproject.toml"
LARGEST_FILE = 4 * 1024 * 1024


def settings_table(fs: ReadFs, directory: Path) -> tuple[dict[str, Any], str]:
    """The settings as they are written, and the name of the file; an empty table where there is none. Raises
    UsageError for a file that is not TOML, CannotExamine for one that cannot be read."""
    own = _toml(fs, directory / OWN_FILE)
    if own is not None:
        return own, OWN_FILE
    shared = _toml(fs, directory / SHARED_FILE, mentioning=b"gatewaydoctor") or {}
    tools = shared.get("tool", {})
    table = tools.get("gatewaydoctor", {}) if isinstance(tools, dict) else {}
    if not isinstance(table, dict):
        raise UsageError(f"{SHARED_FILE}: tool.gatewaydoctor is not a table.", "Write [tool.gatewaydoctor].")
    return table, SHARED_FILE


def _toml(fs: ReadFs, path: Path, mentioning: bytes = b"") -> dict[str, Any] | None:
    """A TOML file, None where there is none or it never mentions the word."""
    if not is_there(fs, path):
        return None
    try:
        data = _content(fs, path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CannotExamine(
            f"{path} could not be read: {reason}.", "Fix it, or run from another directory."
        ) from error
    if len(data) > LARGEST_FILE:
        raise UsageError(
            f"{path} is too large for a settings file.", "Make it smaller, or run from another directory."
        )
    if mentioning not in data:
        return None
    import tomllib

    try:
        return tomllib.loads(data.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path.name} is not TOML: {error}.", f"Fix {path}.") from error


def _content(fs: ReadFs, path: Path) -> bytes:
    with fs.open(path) as stream:
        data = b""
        while len(data) <= LARGEST_FILE and (block := stream.read(LARGEST_FILE)):
            data += block
    return data
