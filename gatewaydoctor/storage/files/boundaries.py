"""ijson as a judge of slices: which top-level values are finished after the bytes pushed so far."""

from __future__ import annotations

from typing import Any

import ijson

_OPENS = frozenset({"start_map", "start_array"})
CLOSES = frozenset({"end_map", "end_array"})
"""Events of values that end with a bracket."""


def backend() -> str:
    """Name of the ijson backend in use. Anything but a yajl2 one is pure Python, many times slower."""
    return str(ijson.backend)


class IjsonBoundaries:
    """Follows the depth of a document pushed in slices. `ended` lists, for each value of the outermost object that is
    now finished, ijson's event that finished it: `end_map`, `end_array`, or the name of a scalar's type.

    It examines events only and builds no values, so depth and size of a value cost no memory. With `inside`, what is
    pushed continues an object right after a pair; else it starts a document.
    """

    def __init__(self, *, inside: bool) -> None:
        self._events: list[tuple[str, Any]] = ijson.sendable_list()
        self._parser = ijson.basic_parse_coro(self._events)
        self._depth = 0
        self.ended: list[str] = []
        if inside:
            self.push(b'{"":{}')
            self.ended.clear()

    def push(self, data: bytes) -> bool:
        """False where ijson refuses; what it refuses may still be legal (an integer of thousands of digits)."""
        try:
            self._parser.send(data)
        except Exception:  # next to its own errors ijson lets SystemError, ValueError and those of decimal through
            return False
        self._follow()
        return True

    def close(self) -> bool:
        """Whether the document is whole."""
        try:
            self._parser.close()
        except Exception:  # as in push
            return False
        return True

    def _follow(self) -> None:
        depth, ended = self._depth, self.ended
        for event, _ in self._events:
            if event in _OPENS:
                depth += 1
            elif event in CLOSES:
                depth -= 1
                if depth == 1:
                    ended.append(event)
            elif depth == 1 and event != "map_key":
                ended.append(event)
        self._depth = depth
        self._events.clear()
