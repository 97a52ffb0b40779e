"""The ways to save as code: what joins a save, what waits, what another process does. Nothing here is timed."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.simulate.wallclock.savers import Place, Saver, Ways, opened

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path


def row(number: int) -> dict[str, dict[str, object]]:
    return {f"k{number}": {"sessionId": f"{number:08x}-0000-4000-8000-000000000000", "updatedAt": 1_000 + number}}


def saving(tmp_path: Path, ways: Ways, body: Callable[[Saver], Awaitable[None]], cap: int = 50) -> Saver:
    """Run the body with a saver over an empty directory, and save all that is due."""

    async def run() -> Saver:
        place = Place(tmp_path, "2026.4.25", {"maxEntries": cap})
        async with opened(ways, place) as saver:
            await body(saver)
            await saver.drain()
            return saver

    return asyncio.run(run())


async def two_at_once(saver: Saver) -> None:
    """The second row comes when the first save has read the store."""
    saver.add(row(1), 5_000)
    await asyncio.sleep(0)
    saver.add(row(2), 5_001)


@pytest.mark.parametrize(
    ("ways", "saved"),
    [
        (Ways(), [1, 1]),
        (Ways(in_steps=True), [1, 1]),
        (Ways(joins=True), [2]),
        (Ways(debounce=0.01), [2]),
        (Ways(worker=True), [1, 1]),
        (Ways(append_log=True), [1, 1]),
    ],
    ids=["today", "chunked", "single-flight", "coalesce", "worker", "append-log"],
)
def test_what_becomes_one_save(tmp_path: Path, ways: Ways, saved: list[int]) -> None:
    saver = saving(tmp_path, ways, two_at_once)
    assert [each.saved for each in saver.done] == saved
    assert saver.done[-1].rows == 2
    if not ways.append_log:
        assert set(json.loads((tmp_path / "sessions.json").read_bytes())) == {"k1", "k2"}
        assert saver.done[-1].written == (tmp_path / "sessions.json").stat().st_size


@pytest.mark.parametrize(("in_steps", "turns"), [(False, 0), (True, 3)])
def test_a_chunked_save_gives_others_a_turn_between_its_steps(tmp_path: Path, in_steps: bool, turns: int) -> None:
    seen: list[int] = []

    async def count(saver: Saver) -> None:
        saver.add(row(1), 5_000)
        await asyncio.sleep(0)
        while not saver.done:
            seen.append(1)
            await asyncio.sleep(0)

    saving(tmp_path, Ways(in_steps=in_steps), count)
    assert len(seen) == turns


def test_a_worker_is_another_process_and_is_gone_afterwards(tmp_path: Path) -> None:
    seen: list[int] = []

    async def look(saver: Saver) -> None:
        seen.append(len(multiprocessing.active_children()))
        saver.add(row(1), 5_000)

    saving(tmp_path, Ways(worker=True), look)
    assert seen == [1]
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    "ways", [Ways(), Ways(in_steps=True), Ways(joins=True), Ways(worker=True), Ways(append_log=True)]
)
def test_every_way_keeps_the_cap(tmp_path: Path, ways: Ways) -> None:
    async def many(saver: Saver) -> None:
        for number in range(8):
            saver.add(row(number), 5_000 + number)
            await saver.drain()

    assert saving(tmp_path, ways, many, cap=3).done[-1].rows == 3


def test_what_a_save_raises_comes_out(tmp_path: Path) -> None:
    async def broken(saver: Saver) -> None:
        (tmp_path / "sessions.json").mkdir()
        saver.add(row(1), 5_000)

    with pytest.raises(OSError, match="directory"):
        saving(tmp_path, Ways(), broken)
