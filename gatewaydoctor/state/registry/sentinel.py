"""What a restart left for the gateway that comes up: a note that goes into a conversation, however old it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.state.cron.jobs import whole_number
from gatewaydoctor.storage.jsontext.gateway_json import parse
from gatewaydoctor.storage.jsontext.grammar import Illegal
from gatewaydoctor.system.reading import read_up_to

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.system.fs import ReadFs

NAME = "restart-sentinel.json"
_LARGEST = 1024 * 1024


def read_sentinel(fs: ReadFs, state_dir: Path) -> int | None:
    """When restart-sentinel.json was left (epoch ms), by its payload, else by its mtime; None without one. Nothing is
    raised."""
    path = state_dir / NAME
    try:
        at = fs.stat(path).mtime
        raw = parse(read_up_to(fs, path, _LARGEST))
    except OSError:
        return None
    except Illegal:
        return at
    payload = raw.get("payload") if isinstance(raw, dict) else None
    told = whole_number(payload.get("ts")) if isinstance(payload, dict) else None
    return told if told is not None else at


def is_paired(fs: ReadFs, state_dir: Path) -> bool:
    """Whether devices were paired here: the gateway's own needs that to delete sessions."""
    try:
        return next(iter(fs.names(state_dir / "devices")), None) is not None
    except OSError:
        return False
