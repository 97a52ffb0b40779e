"""JSON5 text of a config."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.config import ConfigProblem
from gatewaydoctor.model.gateway.files import Obstacle
from gatewaydoctor.model.gateway.store import JsonFaultKind
from gatewaydoctor.storage.jsontext import gateway_json
from gatewaydoctor.storage.jsontext.grammar import Illegal

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 16 * 1024 * 1024
"""A config beyond this is not read; the gateway has no limit for its main file."""

MAX_LEVELS = 20_000
"""Levels of nesting beyond which it is not read."""


class Unreadable(Exception):
    """Something in a config that the gateway would refuse, or that is not read here. It stays inside the state
    package; config.py makes it a value."""

    def __init__(self, problem: ConfigProblem) -> None:
        super().__init__(problem.text)
        self.problem = problem


def parse_config(data: bytes, path: Path) -> object:
    """The value of a config file as the gateway reads it. Raises Unreadable with the place of the fault."""
    if len(data) > MAX_BYTES:
        raise _beyond_limit(path, f"it has more than {MAX_BYTES:,} bytes")
    try:
        return gateway_json.parse_json5(data, MAX_LEVELS)
    except gateway_json.TooMuch as much:
        raise _beyond_limit(path, much.fault.detail) from None
    except Illegal as illegal:
        fault = illegal.fault
    # The mark of two writers (docs/gateway.md, failure 24): a whole object, and another one behind it.
    second = fault.kind is JsonFaultKind.SECOND_DOCUMENT and data[fault.offset : fault.offset + 1] == b"{"
    line, column = _line_and_column(data, fault.offset)
    raise Unreadable(
        ConfigProblem(
            path, fault.detail, fault.offset, line, column, second_object_at=fault.offset if second else None
        )
    )


def _beyond_limit(path: Path, why: str) -> Unreadable:
    return Unreadable(ConfigProblem(path, why, obstacle=Obstacle.BEYOND_LIMIT))


def _line_and_column(data: bytes, offset: int) -> tuple[int, int]:
    before = data[:offset]
    line_start = before.rfind(b"\n") + 1
    return before.count(b"\n") + 1, len(before[line_start:].decode("utf-8", "replace")) + 1
