"""Where an entry's transcript is said to be and whether it is there."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class PathMap(Struct, frozen=True):
    """`source` on the host that wrote the state means `target` here; both without a trailing separator."""

    source: str
    target: str

    @property
    def text(self) -> str:
        return f"{self.source}={self.target}"


class DerivedMap(Struct, frozen=True):
    """The one map the entries themselves support. `matched` of `foreign` pointers lead to a file here through it;
    `rivals` counts other maps that lead somewhere too."""

    map: PathMap
    matched: int
    foreign: int
    rivals: int


class PointerKind(StrEnum):
    """What a sessionFile is. `sibling`: in another agent's sessions directory of this tree, which the gateway
    accepts. `mapped`: brought here by a path map the operator gave. `foreign`: an absolute path outside of all
    these. `escaping`: a relative path that leaves the directory; the gateway ignores it."""

    NONE = "none"
    INSIDE = "inside"
    SIBLING = "sibling"
    MAPPED = "mapped"
    FOREIGN = "foreign"
    ESCAPING = "escaping"


class Presence(StrEnum):
    """`elsewhere`: not where the pointer says, but a transcript of the session is in the store's directory.
    `archived`: only an archive of it is. `exempt`: absent, and rightly so. `unclaimed`: it names no session."""

    PRESENT = "present"
    ELSEWHERE = "elsewhere"
    ARCHIVED = "archived"
    ABSENT = "absent"
    EXEMPT = "exempt"
    UNCLAIMED = "unclaimed"


class Exemption(StrEnum):
    """Why an absent transcript is not a loss (docs/gateway.md, failure 4)."""

    CLI_BACKEND = "kept by a CLI backend"
    DATABASE = "imported into a database"
    FRESH = "nothing was written yet"


class Resolution(Struct, frozen=True):
    """`found` is the name of the file that was found (present, elsewhere) or of the newest archive (archived)."""

    pointer: PointerKind
    presence: Presence
    found: str | None = None
    exemption: Exemption | None = None

    @property
    def missing(self) -> bool:
        return self.presence in (Presence.ABSENT, Presence.ARCHIVED)
