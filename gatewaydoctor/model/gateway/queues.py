"""Delivery queues: what waits to be sent, what was given up (gateway.md section 2, gateway.md, failure 12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.model.gateway.files import Unreadable


STALE_MS = 86_400_000
"""Messages that have waited for longer are taken out of a queue only where that is asked for."""


class Delivery(Struct, frozen=True):
    """One waiting delivery. Times in epoch ms; `target` is a chat or session, not the text. `readable` is False for a
    file that is not JSON object, which the gateway passes over."""

    name: str
    enqueued_at: int | None
    retries: int
    channel: str | None
    target: str | None
    failed_before: bool
    readable: bool = True


class QueueCount(Struct, frozen=True):
    """Files waiting (or given up), their bytes, and when the oldest was queued (epoch ms): by its record where one
    was read, else by its mtime."""

    files: int
    bytes: int
    oldest: int | None


class DeliveryQueue(Struct, frozen=True):
    """One queue directory. `pending` are sent at the next start; `delivered` markers are only removed then. `sample`
    are the oldest pending deliveries, as many as were read. `problem` is set where the directory cannot be listed."""

    path: Path
    pending: QueueCount
    failed: QueueCount
    delivered: int
    temps: int
    sample: tuple[Delivery, ...] = ()
    problem: Unreadable | None = None
