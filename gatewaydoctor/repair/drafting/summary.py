"""A store in figures, the same way before and after."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.entry import MACHINE_KINDS
from gatewaydoctor.model.gateway.store import UNREADABLE_FROM_BYTES
from gatewaydoctor.model.repair.plan import StoreSummary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gatewaydoctor.model.gateway.entry import Kind, Status
    from gatewaydoctor.storage.files.sessions import FileSessions


def summarise(sessions: FileSessions, path: str, agent_id: str) -> StoreSummary:
    return store_summary(path, agent_id, sessions.counts, sessions.reading.bytes, sessions.reading.readable.value)


def store_summary(
    path: str,
    agent_id: str,
    counts: Mapping[tuple[Kind, Status], int],
    size: int,
    readable: str = "yes",
    *,
    database: bool = False,
) -> StoreSummary:
    """`counts` are rows by kind and status. A file too large for the gateway reads as empty, however sound; a
    `database` may have any size."""
    if not database and readable == "yes" and size >= UNREADABLE_FROM_BYTES:
        readable = "gateway-empty"
    status: Counter[str] = Counter()
    kind: Counter[str] = Counter()
    for (of_kind, of_status), count in counts.items():
        status[of_status.value] += count
        kind[of_kind.value] += count
    return StoreSummary(
        path=path,
        agent_id=agent_id,
        readable="yes" if readable == "yes" else "no" if readable == "no" else "gateway-empty",
        bytes=size,
        entries=sum(counts.values()),
        conversations=sum(count for (of_kind, _), count in counts.items() if of_kind not in MACHINE_KINDS),
        status={word: count for word, count in sorted(status.items()) if count},
        kind={word: count for word, count in sorted(kind.items()) if count},
    )
