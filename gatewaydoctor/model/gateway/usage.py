"""What one sessions.usage call must read (docs/gateway.md section 10)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UsageLoad:
    """Usage-counted files of one sessions directory. `lines` is None where they were not counted, `unread` how many
    files could not be. `cache_bytes` is the size of the usage cache of 2026.5.22, None without one."""

    files: int
    bytes: int
    largest: int
    lines: int | None = None
    unread: int = 0
    cache_bytes: int | None = None
