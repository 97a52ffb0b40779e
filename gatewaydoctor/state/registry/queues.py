"""Counting the delivery queues. Only the oldest few entries are opened, and no message is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.files import NodeKind
from gatewaydoctor.model.gateway.queues import Delivery, DeliveryQueue, QueueCount
from gatewaydoctor.state.cron.jobids import string
from gatewaydoctor.state.cron.jobs import whole_number
from gatewaydoctor.state.history.files import list_files
from gatewaydoctor.storage.jsontext.gateway_json import parse
from gatewaydoctor.storage.jsontext.grammar import Illegal
from gatewaydoctor.system.reading import read_up_to

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gatewaydoctor.model.gateway.files import FileRecord
    from gatewaydoctor.system.fs import ReadFs

QUEUES = ("delivery-queue", "session-delivery-queue")
SAMPLE = 500
LARGEST_DELIVERY = 1024 * 1024


def read_queues(fs: ReadFs, state_dir: Path, sample: int = SAMPLE) -> tuple[DeliveryQueue, ...]:
    """Both queues of a state directory, the absent ones left out; a file in place of one means that nothing waits
    (3.28, 5.22, 9.3 and 9.6 start next to it, docs/gateway.md section 2). Nothing is raised."""
    queues = (_queue(fs, state_dir / name, sample) for name in QUEUES if not _is_file(fs, state_dir / name))
    return tuple(queue for queue in queues if queue.problem is None or not queue.problem.missing)


def _is_file(fs: ReadFs, path: Path) -> bool:
    try:
        return fs.lstat(path).is_file
    except OSError:
        return False


def _queue(fs: ReadFs, directory: Path, sample: int) -> DeliveryQueue:
    listing = list_files(fs, directory)
    files = [record for record in listing.files if record.node is NodeKind.FILE]
    pending = sorted((each for each in files if each.name.endswith(".json")), key=lambda each: each.mtime)
    failed = [record for record in list_files(fs, directory / "failed").files if record.name.endswith(".json")]
    read = [_delivery(fs, directory / record.name) for record in pending[:sample]]
    told = [each.enqueued_at for each in read if each is not None and each.enqueued_at is not None]
    waiting = _count(pending)
    return DeliveryQueue(
        directory,
        # A retry writes the file again, and a copy of the directory gives it a new mtime: the record knows better.
        QueueCount(waiting.files, waiting.bytes, min(told, default=waiting.oldest)),
        _count(failed),
        delivered=sum(record.name.endswith(".delivered") for record in files),
        temps=sum(record.name.endswith(".tmp") for record in files),
        sample=tuple(delivery for delivery in read if delivery is not None),
        problem=listing.problem,
    )


def _count(files: Iterable[FileRecord]) -> QueueCount:
    members = list(files)
    oldest = min((record.mtime for record in members), default=None)
    return QueueCount(len(members), sum(record.size for record in members), oldest)


def _delivery(fs: ReadFs, path: Path) -> Delivery | None:
    """The entry without its payload; None where it is gone, which is what a delivery does."""
    try:
        raw = parse(read_up_to(fs, path, LARGEST_DELIVERY))
    except FileNotFoundError:
        return None
    except (OSError, Illegal):
        raw = None
    if not isinstance(raw, dict):
        return Delivery(path.name, None, 0, None, None, failed_before=False, readable=False)
    return Delivery(
        path.name,
        whole_number(raw.get("enqueuedAt")),
        whole_number(raw.get("retryCount")) or 0,
        string(raw.get("channel")) or string(raw.get("kind")),
        string(raw.get("to")) or string(raw.get("sessionKey")),
        failed_before=raw.get("lastError") is not None,
    )
