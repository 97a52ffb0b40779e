"""What the layers above storage may ask of sessions, whichever engine keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from gatewaydoctor.model.gateway.entry import Entry, Kind, Status
    from gatewaydoctor.storage.entries.table import EntryTable


class SessionStore(Protocol):
    """Where the sessions of an agent are kept. `opened` and `problem` (why not all were given, completing the name of
    the path) are known once `entries` was asked for to its end."""

    path: Path
    opened: bool
    problem: str | None

    def entries(self) -> Iterator[Entry]:
        """The rows the gateway sees, in the order they are kept in."""
        ...


class SessionSet(Protocol):
    """The sessions of one store, read to its end. `counts` and `weights` (bytes) are by kind and status;
    `field_bytes` sums the values of each field of the entries, `field_counts` says how many have it. `biggest` are
    the largest as (bytes, row). `hidden` are rows the gateway does not see, which no figure counts."""

    @property
    def table(self) -> EntryTable: ...

    @property
    def counts(self) -> Counter[tuple[Kind, Status]]: ...

    @property
    def weights(self) -> Counter[tuple[Kind, Status]]: ...

    @property
    def field_bytes(self) -> Counter[str]: ...

    @property
    def field_counts(self) -> Counter[str]: ...

    @property
    def invalid(self) -> int: ...

    @property
    def biggest(self) -> tuple[tuple[int, int], ...]: ...

    @property
    def hidden(self) -> Sequence[int]: ...

    @property
    def entries(self) -> int:
        """Rows the gateway sees."""
        ...

    def rows(self) -> Iterator[tuple[int, Entry]]:
        """The rows the gateway sees, each with its place in the table."""
        ...
