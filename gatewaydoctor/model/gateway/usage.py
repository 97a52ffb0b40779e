"""What one sessions.usage call must read, and what that costs the event loop (docs/gateway.md section 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from gatewaydoctor.model.gateway.release import Policy

if TYPE_CHECKING:
    from collections.abc import Iterable

PAGE: Final = 50
"""Sessions that a call sums by default, the newest first."""

PIECE: Final = 65_536
"""Bytes that are read at once; all usage lines in them are handled without a break."""

MS_PER_LINE: Final = 0.5
MS_PER_MB: Final = 5.4
MS_PER_FILE: Final = 0.4
"""Measured with 2026.3.28 and 2026.4.25, CPU: 5,000 usage lines of 500 bytes 2.7 s, 264 MB in six lines each 1.4 s,
400 files opened 0.2 s. A loaded gateway is slower."""

MS_PER_PRICE: Final = 120.0
"""Measured with 2026.5.22: 88 to 173 ms of CPU for the price of one usage line, most of it in looking plugins up."""


class UsageFile(Struct, frozen=True):
    """One of the newest files. `new_bytes` and `usage_lines`: what a cache does not know yet; `estimated` where the
    lines were not all read."""

    at: int
    bytes: int
    new_bytes: int
    usage_lines: int
    estimated: bool = False


class UsageLoad(Struct, frozen=True):
    """Usage-counted files of one sessions directory. `lines` and `usage_lines` are None where they were not counted,
    `unread` how many files could not be. `cache_bytes` is the size of the usage cache of 2026.5.22, None without one.
    `newest`: at most PAGE files, the newest first."""

    files: int
    bytes: int
    largest: int
    lines: int | None = None
    unread: int = 0
    cache_bytes: int | None = None
    usage_lines: int | None = None
    newest: tuple[UsageFile, ...] = ()


class UsageCost(Struct, frozen=True):
    """What one call of `release` makes the event loop do: files and bytes to read, usage lines to price, the time in
    ms, and the longest piece of it. `agent`: whose call is the dearest; None where a call is for every agent."""

    release: Policy
    files: int
    bytes: int
    usage_lines: int
    loop_ms: int
    block_ms: int
    agent: str | None = None
    estimated: bool = False


def call_cost(loads: Iterable[tuple[str, UsageLoad]], policy: Policy | None) -> UsageCost:
    """The cost of one call, from the loads by agent. Up to 2026.4.25 a call is for every agent and reads the newest
    PAGE sessions whole; 2026.5.22 has one for each agent, and then reads in the background what its cache lacks.
    2026.9.6 reads in a worker. Of an unknown release, the one with the dearest call."""
    listed, release = list(loads), policy or Policy.V2026_5_22
    match release:
        case Policy.V2026_9_6:
            return UsageCost(release, 0, 0, 0, 0, 0)
        case Policy.V2026_5_22:
            costs = [_cost(release, load.files, load.newest, MS_PER_PRICE, agent) for agent, load in listed]
            return max(costs, key=lambda each: each.loop_ms, default=_cost(release, 0, (), MS_PER_PRICE))
        case Policy.V2026_3_28 | Policy.V2026_4_25:
            files = sorted((file for _, load in listed for file in load.newest), key=lambda each: -each.at)
            return _cost(release, sum(load.files for _, load in listed), files[:PAGE], MS_PER_LINE)


def _cost(
    release: Policy, opened: int, files: Iterable[UsageFile], line_ms: float, agent: str | None = None
) -> UsageCost:
    read = [file for file in files if file.new_bytes]
    lines, count = sum(file.usage_lines for file in read), sum(file.new_bytes for file in read)
    longest = max((_longest(file, line_ms) for file in read), default=0.0)
    loop_ms = lines * line_ms + count / 1_000_000 * MS_PER_MB + opened * MS_PER_FILE
    estimated = any(file.estimated for file in read)
    return UsageCost(release, len(read), count, lines, round(loop_ms), round(longest), agent, estimated)


def _longest(file: UsageFile, line_ms: float) -> float:
    """The usage lines of one piece of this file, if they are spread evenly."""
    share = min(1.0, PIECE / file.new_bytes)
    return share * (file.usage_lines * line_ms + file.new_bytes / 1_000_000 * MS_PER_MB)
