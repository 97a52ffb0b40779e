"""A gateway that starts while a run is at work: asked for right before each rename, and once more at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatewaydoctor.repair.writing.guard import check_gateway

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewaydoctor.repair.writing.tools import Permission

AGAIN_AFTER_MS = 250
"""Moves by the thousand are asked about this often: each question reads the process table."""


@dataclass
class Watch:
    """`clock` gives epoch ms."""

    permission: Permission
    clock: Callable[[], int]
    _asked_at: int | None = None

    def check(self, *, often: bool = False) -> None:
        """Raises GatewayLive and GatewayUnknown where nothing may be written any more. With `often` nothing is asked
        where the last answer is a moment old."""
        now = self.clock()
        if often and self._asked_at is not None and 0 <= now - self._asked_at < AGAIN_AFTER_MS:
            return
        self._asked_at = now
        check_gateway(self.permission.gateway, operator_says_stopped=self.permission.operator_says_stopped)
