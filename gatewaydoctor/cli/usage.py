"""`usage`: what one sessions.usage call must read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatewaydoctor.cli.run import Outcome, Run, only_formats
from gatewaydoctor.model.errors import ExitCode

if TYPE_CHECKING:
    from gatewaydoctor.examine.stores import StoreFacts
    from gatewaydoctor.model.usage import UsageLoad

BYTES_PER_SECOND = 250_000_000
"""How fast Node reads transcripts line by line and parses each line: the order of what Node 22 was measured at on a
300 MB `usage-heavy` directory (1.1 s). The gateway of the incident was far slower, for it was short of memory."""


@dataclass(frozen=True, slots=True)
class UsageTotal:
    stores: tuple[tuple[StoreFacts, UsageLoad], ...]
    bytes_per_second: int = BYTES_PER_SECOND

    @property
    def files(self) -> int:
        return sum(load.files for _, load in self.stores)

    @property
    def bytes(self) -> int:
        return sum(load.bytes for _, load in self.stores)

    @property
    def lines(self) -> int:
        return sum(load.lines or 0 for _, load in self.stores)

    @property
    def estimate_ms(self) -> float:
        return 1000 * self.bytes / self.bytes_per_second


def usage(run: Run) -> Outcome:
    """Usage-counted files, bytes and lines per store, and an estimate of what reading them costs the event loop. The
    estimate assumes a gateway with memory to spare."""
    from gatewaydoctor.cli.examining import look, view
    from gatewaydoctor.report.screens import usage as screen
    from gatewaydoctor.state.usage import counted_load

    only_formats(run, "usage", "text", "json")
    judgement = look(run)
    x = judgement.examination
    seen = view(run, x)
    total = UsageTotal(
        tuple((store, counted_load(run.fs, store.read.ref.sessions_dir, store.listing.files)) for store in x.stores)
    )
    details = {
        "files": total.files,
        "bytes": total.bytes,
        "lines": total.lines,
        "estimateMs": round(total.estimate_ms),
        "assumedBytesPerSecond": total.bytes_per_second,
        "stores": [
            {
                "agentId": store.agent_id,
                "files": load.files,
                "bytes": load.bytes,
                "lines": load.lines,
                "largest": load.largest,
                "unread": load.unread,
                "cacheBytes": load.cache_bytes,
            }
            for store, load in total.stores
        ],
    }
    return Outcome(
        "usage",
        ExitCode.OK,
        run,
        judgement,
        seen.names,
        details=details,
        screen=lambda console: screen.show(console, judgement, total, seen),
    )
