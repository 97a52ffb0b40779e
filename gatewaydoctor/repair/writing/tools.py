"""What a repair needs from the machine, and what it may not assume."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewaydoctor.examine.world import Progress
    from gatewaydoctor.model.gateway.liveness import GatewayState
    from gatewaydoctor.repair.writing.fs import WriteFs
    from gatewaydoctor.system.processes import Processes


def _go_on() -> None:
    """No stop was requested."""


class Tools(Struct, frozen=True):
    """`clock` gives epoch ms. `check_stop` raises KeyboardInterrupt where the operator asked to stop; it is called
    only where what was done can be put back or be gone on with. Nothing here writes by itself."""

    fs: WriteFs
    processes: Processes
    clock: Callable[[], int]
    progress: Progress
    check_stop: Callable[[], None] = _go_on


class Permission(Struct, frozen=True):
    """What may be known about the gateway. `ask` looks each time, for a gateway may start while a person reads a
    plan. `operator_says_stopped` is the operator's word for it, counted where the answer is unknown. `fixed_clock` is
    the time (epoch ms) that --now gave on this command, for the receipt."""

    ask: Callable[[], GatewayState]
    operator_says_stopped: bool = False
    fixed_clock: int | None = None

    @property
    def gateway(self) -> GatewayState:
        """How it stands now."""
        return self.ask()
