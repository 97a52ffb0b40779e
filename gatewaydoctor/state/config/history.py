"""The copies next to a config and what they say about it: evidence for `config-shrunk` (gateway.md, failure 24)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.config import ConfigCopy, ConfigHistory
from gatewaydoctor.model.regex import regex
from gatewaydoctor.state.config.text import Unreadable, parse_config
from gatewaydoctor.system.reading import read_up_to

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.model.gateway.config import Config
    from gatewaydoctor.system.fs import FileStat, ReadFs

MAX_READ_BYTES = 256 * 1024
MAX_READ = 12
"""Copies that are read; the others are listed by size and time only. The gateway may keep 32 `.clobbered.` files."""

_BASELINE_BYTES = 512
_SUFFIX = regex(r"\.(bak(\.[0-9]+)?|last-good|pre-update|(clobbered|rejected)\..+)")
_GOOD = regex(r"\.(bak(\.[0-9]+)?|last-good|pre-update)")


def config_history(fs: ReadFs, config: Config) -> ConfigHistory:
    """Compares a config with the copies the gateway keeps. Copies that cannot be listed or read count as not there; a
    config that does not exist is compared as one of 0 bytes. Clobbered and rejected copies are listed, never a
    measure."""
    copies = _copies(fs, config.path)
    good = [copy for copy in copies if _GOOD.fullmatch(copy.name, len(config.path.name)) and copy.parses is not False]
    return ConfigHistory(
        size=config.size,
        copies=copies,
        larger=tuple(copy for copy in good if copy.size >= _BASELINE_BYTES and config.size < copy.size // 2),
        second_object_at=config.problem.second_object_at if config.problem else None,
        lost_meta=not config.has_meta and any(copy.has_meta for copy in good),
        lost_mode=config.gateway_mode is None and any(copy.gateway_mode for copy in good),
    )


def _copies(fs: ReadFs, config: Path) -> tuple[ConfigCopy, ...]:
    """Newest first."""
    try:
        found = [
            (name, stat)
            for name, stat in fs.entries(config.parent)
            if name.startswith(config.name) and stat.is_file and _SUFFIX.fullmatch(name, len(config.name))
        ]
    except OSError:
        return ()
    # What can serve as a measure is read before what cannot.
    found.sort(key=lambda row: (not _GOOD.fullmatch(row[0], len(config.name)), -row[1].mtime_ns, row[0]))
    return tuple(
        _copy(fs, config.parent / name, stat, read=index < MAX_READ) for index, (name, stat) in enumerate(found)
    )


def _copy(fs: ReadFs, path: Path, stat: FileStat, *, read: bool) -> ConfigCopy:
    if not read or stat.size > MAX_READ_BYTES:
        return ConfigCopy(path.name, stat.size, stat.mtime)
    try:
        parsed = parse_config(read_up_to(fs, path, MAX_READ_BYTES), path)
    except OSError:
        return ConfigCopy(path.name, stat.size, stat.mtime)
    except Unreadable:
        return ConfigCopy(path.name, stat.size, stat.mtime, parses=False)
    if not isinstance(parsed, dict):
        return ConfigCopy(path.name, stat.size, stat.mtime, parses=False)
    gateway = parsed.get("gateway")
    mode = gateway.get("mode") if isinstance(gateway, dict) else None
    return ConfigCopy(
        path.name,
        stat.size,
        stat.mtime,
        parses=True,
        has_meta=isinstance(parsed.get("meta"), dict),
        gateway_mode=mode.strip() or None if isinstance(mode, str) else None,
    )
