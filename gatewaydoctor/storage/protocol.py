"""What the layers above storage may ask of sessions, whichever engine keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gatewaydoctor.model.gateway.entry import Entry


class SessionStore(Protocol):
    """Where the sessions of an agent are kept. `opened` and `problem` (why not all were given, completing the name of
    the path) are known once `entries` was asked for to its end."""

    path: Path
    opened: bool
    problem: str | None

    def entries(self) -> Iterator[Entry]:
        """The rows the gateway sees, in the order they are kept in."""
        ...
