"""What a repair needs from the machine, and what it may not assume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewaydoctor.examine.world import Progress
    from gatewaydoctor.model.liveness import GatewayState
    from gatewaydoctor.repair.fs import WriteFs
    from gatewaydoctor.state.processes import Processes


@dataclass(frozen=True, slots=True)
class Tools:
    """`clock` gives epoch ms. Nothing here writes by itself."""

    fs: WriteFs
    processes: Processes
    clock: Callable[[], int]
    progress: Progress


@dataclass(frozen=True, slots=True)
class Permission:
    """What is known about the gateway. `stopped_by_word` is the operator's word for it, counted where `gateway` is
    unknown."""

    gateway: GatewayState
    stopped_by_word: bool = False
