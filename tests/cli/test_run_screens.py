"""What is shown after a run: what was verified, and what can still be done about the run."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import msgspec
import pytest
from rich.console import Console

from gatewaydoctor.model.command import typed
from gatewaydoctor.model.repair.receipt import Receipt, RunState, Verified
from gatewaydoctor.report.names import Names
from gatewaydoctor.report.screens.blocks.parts import View
from gatewaydoctor.report.screens.receipt import receipt as receipt_screen
from gatewaydoctor.report.screens.runs import RunLine, shown

if TYPE_CHECKING:
    from collections.abc import Callable

VIEW = View(Names(redact=False))


def printed(show: Callable[[Console], None]) -> str:
    out = io.StringIO()
    show(Console(file=out, width=100))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines())


def test_what_was_verified_is_told_by_what_it_is_of_and_in_an_older_receipt_as_it_is() -> None:
    told = ("One file, written.", "Another file, written.", "A store.")
    receipt = Receipt(
        run_id="r",
        plan_id="p",
        state_dir="/s",
        vault="/s/v",
        outcome="done",
        started_at=0,
        finished_at=1,
        steps=(),
        results=(),
        verified=told,
        verified_of=(Verified.WRITTEN, Verified.WRITTEN, Verified.STORE),
    )

    def told_of(receipt: Receipt) -> str:
        return printed(
            lambda to: receipt_screen(to, receipt=receipt, view=VIEW, undo=typed("undo"), plan=None, now=None)
        )

    assert "checked       A store.\nchecked       2 files hold the bytes that were written.\n" in told_of(receipt)
    older = msgspec.json.decode(msgspec.json.encode(receipt).replace(b'"verifiedOf"', b'"unread"'), type=Receipt)
    assert all(f"checked       {each}\n" in told_of(older) for each in told)


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (RunState.UNDONE, "It was undone."),
        (RunState.PUT_BACK, "It failed, and everything was put back."),
        (RunState.PRUNED, "Its originals were deleted only in part"),
        (RunState.DONE, None),
    ],
)
def test_a_run_that_is_over_leads_on_to_a_scan(state: RunState, told: str | None) -> None:
    run = RunLine("r", state, 0, pending=False, directory="/s/v")
    screen = printed(lambda to: shown(to, run=run, plan=None, returns=(), now=1, view=VIEW))
    following = screen.rpartition("next: ")[2]
    if told is None:
        assert "gatewaydoctor undo r --dry-run" in following
        assert "prune" not in screen
        return
    assert told in screen
    assert "gatewaydoctor runs prune r" in screen
    assert following.split() == ["see", "what", "is", "wrong", "now:", "gatewaydoctor", "scan"]
