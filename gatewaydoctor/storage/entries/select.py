"""Choosing rows of a store. Pure."""

from __future__ import annotations

import re
from fnmatch import translate
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from gatewaydoctor.model.gateway.entry import Entry, Kind, Status


class Selection(Struct, frozen=True):
    """Rows that match every condition given. `updated_before` and `updated_after` are epoch ms, both exclusive; a row
    without updatedAt counts as older than anything. `larger_than` is bytes. `jobs` match id or name, in any case."""

    statuses: frozenset[Status] = frozenset()
    kinds: frozenset[Kind] = frozenset()
    job_ids: frozenset[str] | None = None
    updated_before: int | None = None
    updated_after: int | None = None
    key_glob: str | None = None
    larger_than: int | None = None

    def matcher(self) -> Matcher:
        return Matcher(self, re.compile(translate(self.key_glob)) if self.key_glob is not None else None)


class Matcher(Struct, frozen=True):
    """A selection ready for use on many rows."""

    selection: Selection
    key_pattern: re.Pattern[str] | None

    def __call__(self, entry: Entry) -> bool:
        wanted = self.selection
        updated = entry.updated_at if entry.updated_at is not None else -1
        return (
            (not wanted.statuses or entry.status in wanted.statuses)
            and (not wanted.kinds or entry.kind in wanted.kinds)
            and (wanted.job_ids is None or (entry.job_id or "").lower() in wanted.job_ids)
            and (wanted.updated_before is None or updated < wanted.updated_before)
            and (wanted.updated_after is None or updated > wanted.updated_after)
            and (wanted.larger_than is None or entry.bytes > wanted.larger_than)
            and (self.key_pattern is None or self.key_pattern.match(entry.key) is not None)
        )
