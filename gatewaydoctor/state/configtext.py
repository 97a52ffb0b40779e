"""JSON5 text of a config."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.config import ConfigProblem
from gatewaydoctor.model.files import Obstacle
from gatewaydoctor.model.store import FaultKind
from gatewaydoctor.state import gateway_json
from gatewaydoctor.store.grammar import Illegal

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 16 * 1024 * 1024
"""A config beyond this is not read; the gateway has no limit for its main file. JSON5 of this size takes some 2 s."""


class Unreadable(Exception):
    """Something in a config that the gateway would refuse, or that is not read here. It stays inside the state
    package; config.py makes it a value."""

    def __init__(self, problem: ConfigProblem) -> None:
        super().__init__(problem.text)
        self.problem = problem


def parse_config(data: bytes, path: Path) -> object:
    """The value of a config file as the gateway reads it. Raises Unreadable with the place of the fault."""
    if len(data) > MAX_BYTES:
        raise Unreadable(ConfigProblem(path, f"it has more than {MAX_BYTES:,} bytes", obstacle=Obstacle.BEYOND_LIMIT))
    try:
        return gateway_json.parse_json5(data)
    except gateway_json.TooDeep:
        raise Unreadable(ConfigProblem(path, "it is nested too deeply", obstacle=Obstacle.BEYOND_LIMIT)) from None
    except Illegal as illegal:
        fault = illegal.fault
    # The mark of two writers (failures.md row 24): a whole object, and another one behind it.
    second = fault.kind is FaultKind.SECOND_DOCUMENT and data[fault.offset : fault.offset + 1] == b"{"
    line, column = _line_and_column(data, fault.offset)
    raise Unreadable(
        ConfigProblem(
            path, fault.detail, fault.offset, line, column, second_object_at=fault.offset if second else None
        )
    )


def _line_and_column(data: bytes, offset: int) -> tuple[int, int]:
    before = data[:offset]
    line_start = before.rfind(b"\n") + 1
    return before.count(b"\n") + 1, len(before[line_start:].decode("utf-8", "replace")) + 1
