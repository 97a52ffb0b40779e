"""Entries that say `running`: which of them are, by the last sign of life and the gateway's (design section 6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatewaydoctor.model.entry import Entry
    from gatewaydoctor.model.files import FileRecord

DEFAULT_STUCK_AFTER_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class RunningEntry:
    """A row with status `running`, as number `row` of its store. `last_sign` is the newest of its times and its
    transcript's mtime (epoch ms, None where nothing tells). `stuck` follows from that, the threshold, and whether the
    gateway is live."""

    entry: Entry
    row: int
    transcript: FileRecord | None
    last_sign: int | None
    stuck: bool


def running_entry(
    entry: Entry, row: int, transcript: FileRecord | None, *, now: int, stuck_after: int, gateway_live: bool
) -> RunningEntry:
    """Judge one running row. A row without any time is stuck too: nothing about it shows life."""
    signs = (entry.last_sign, transcript.mtime if transcript else None)
    last_sign = max((sign for sign in signs if sign is not None), default=None)
    silent = last_sign is None or now - last_sign >= stuck_after
    return RunningEntry(entry, row, transcript, last_sign, silent and not gateway_live)
