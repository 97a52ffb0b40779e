"""Rows that a release drops or stumbles over when it loads a store."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatewaydoctor.model.gateway.entry import Entry

KEPT = 100
"""Rows of either sort that are kept for listing; everything is counted."""

_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,254}")


@dataclass(frozen=True, slots=True)
class RowFaults:
    """`not_objects` are the first rows whose value is no object. `unsafe` counts rows whose sessionId 2026.5.22
    refuses, so that it drops the row (facts.md section 5); `unsafe_keys` are the first of them."""

    not_objects: tuple[str, ...] = ()
    unsafe: int = 0
    unsafe_keys: tuple[str, ...] = ()


class RowFaultCollector:
    """Takes the rows of a store one by one."""

    def __init__(self) -> None:
        self._not_objects: list[str] = []
        self._unsafe_keys: list[str] = []
        self._unsafe = 0

    def take(self, entry: Entry) -> None:
        if not entry.valid:
            if len(self._not_objects) < KEPT:
                self._not_objects.append(entry.key)
        elif entry.session_id is not None and not _SAFE_ID.fullmatch(entry.session_id):
            self._unsafe += 1
            if len(self._unsafe_keys) < KEPT:
                self._unsafe_keys.append(entry.key)

    def result(self) -> RowFaults:
        return RowFaults(tuple(self._not_objects), self._unsafe, tuple(self._unsafe_keys))
