from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.queues import Delivery, QueueCount
from gatewaydoctor.state.registry.queues import read_queues
from gatewaydoctor.system.fs import OsReadFs

if TYPE_CHECKING:
    from pathlib import Path


def put(path: Path, value: object, at: int) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    path.write_bytes(data)
    os.utime(path, (at, at))
    return len(data)


def test_waiting_and_failed_deliveries(tmp_path: Path) -> None:
    queue = tmp_path / "delivery-queue"
    first = {"id": "a", "enqueuedAt": 5, "channel": "telegram", "to": "-100", "payloads": ["secret"], "retryCount": 2}
    sizes = [
        put(queue / "a.json", first | {"lastError": "chat not found"}, 10),
        put(queue / "b.json", b"{", 20),
        put(queue / "c.json", {"retryCount": "x"}, 30),
    ]
    put(queue / "d.delivered", b"", 1)
    put(queue / "e.json.77.tmp", b"", 1)
    failed = put(queue / "failed" / "f.json", {}, 3)
    put(queue / "failed" / "note.txt", b"", 1)
    (found,) = read_queues(OsReadFs(), tmp_path)
    assert found.pending == QueueCount(3, sum(sizes), 5)
    assert found.failed == QueueCount(1, failed, 3000)
    assert (found.delivered, found.temps) == (1, 1)
    assert found.sample == (
        Delivery("a.json", 5, 2, "telegram", "-100", failed_before=True),
        Delivery("b.json", None, 0, None, None, failed_before=False, readable=False),
        Delivery("c.json", None, 0, None, None, failed_before=False),
    )
    assert "secret" not in repr(found)


def test_the_oldest_are_sampled(tmp_path: Path) -> None:
    for number in range(10):
        put(tmp_path / "session-delivery-queue" / f"{number}.json", {"sessionKey": "agent:main:main"}, 100 - number)
    (found,) = read_queues(OsReadFs(), tmp_path, sample=2)
    assert [delivery.name for delivery in found.sample] == ["9.json", "8.json"]
    assert found.sample[0].target == "agent:main:main"
    assert found.pending.files == 10


def test_no_queue_no_answer(tmp_path: Path) -> None:
    assert read_queues(OsReadFs(), tmp_path) == ()


def test_a_file_in_place_of_a_queue_means_that_nothing_waits(tmp_path: Path) -> None:
    """3.28, 5.22, 9.3 and 9.6 start next to it."""
    (tmp_path / "delivery-queue").touch()
    assert read_queues(OsReadFs(), tmp_path) == ()


def test_a_queue_that_is_a_link_in_a_circle_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "delivery-queue").symlink_to("delivery-queue")
    (found,) = read_queues(OsReadFs(), tmp_path)
    assert found.problem is not None


def test_a_directory_named_like_a_delivery_is_none(tmp_path: Path) -> None:
    (tmp_path / "delivery-queue" / "x.json").mkdir(parents=True)
    assert read_queues(OsReadFs(), tmp_path)[0].pending.files == 0
