"""Where an entry's transcript is said to be and whether it is there; what its ends say, and what one pass over the
whole of it counted. No text is kept."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class HeaderState(StrEnum):
    """`invalid`: the first readable line is not a header, so the gateway empties the file when it opens it and the
    history is lost (docs/gateway.md section 11). `unknown`: no readable line in the first MiB."""

    OK = "ok"
    INVALID = "invalid"
    UNKNOWN = "unknown"


class TailState(StrEnum):
    """`no-newline`: the last line is whole, but the next append is glued to it and both are lost. `torn`: the last
    line is not JSON. `nul`: the file ends in NUL bytes. `unknown`: the last line is too long to be read."""

    WHOLE = "whole"
    NO_NEWLINE = "no-newline"
    TORN = "torn"
    NUL = "nul"
    UNKNOWN = "unknown"


class TranscriptState(StrEnum):
    """The worst of header and tail, worst first."""

    UNREADABLE = "unreadable"
    EMPTY = "empty"
    HEADER_INVALID = "header-invalid"
    NUL_TAIL = "nul-tail"
    TORN_TAIL = "torn-tail"
    NO_NEWLINE = "no-newline"
    HEADER_ONLY = "header-only"
    UNKNOWN = "unknown"
    OK = "ok"


class TranscriptCheck(Struct, frozen=True):
    """Header and last line of one transcript, offsets in bytes. `sound_end` is the offset after the last whole
    record: what comes after it is torn or NUL. `nul_start` is where a NUL tail begins. `skipped` counts unreadable
    lines before the header, which the gateway passes over, `broken` the lines at the end that are not JSON. `reason`
    is set where the file could not be read."""

    size: int
    header: HeaderState
    tail: TailState
    sound_end: int
    header_id: str | None = None
    header_only: bool = False
    skipped: int = 0
    nul_start: int | None = None
    reason: str | None = None
    broken: int = 0

    @property
    def glued(self) -> bool:
        """Whether nothing of the last line is torn off: it is not JSON, and ends in a whole record."""
        return self.tail is TailState.TORN and self.sound_end == self.size

    @property
    def verdict(self) -> TranscriptState:
        if self.reason is not None:
            return TranscriptState.UNREADABLE
        if self.size == 0:
            return TranscriptState.EMPTY
        if self.header is HeaderState.INVALID:
            return TranscriptState.HEADER_INVALID
        by_tail = _BY_TAIL.get(self.tail)
        if by_tail is not None:
            return by_tail
        if self.header_only:
            return TranscriptState.HEADER_ONLY
        unknown = self.header is HeaderState.UNKNOWN or self.tail is TailState.UNKNOWN
        return TranscriptState.UNKNOWN if unknown else TranscriptState.OK


_BY_TAIL = {
    TailState.NUL: TranscriptState.NUL_TAIL,
    TailState.TORN: TranscriptState.TORN_TAIL,
    TailState.NO_NEWLINE: TranscriptState.NO_NEWLINE,
}


class ContentClass(StrEnum):
    """What a transcript is to people. In doubt it is `human-turns` (promise P7). `header-only`: no message at
    all, an empty file included. `not-a-transcript`: neither a header nor a message."""

    HUMAN = "human-turns"
    MACHINE = "machine-only"
    HEADER_ONLY = "header-only"
    NOT_TRANSCRIPT = "not-a-transcript"


class TranscriptContent(Struct, frozen=True):
    """Counts from one pass. `undecided` are records and lines in which a person may speak, and that could not be
    read so far. `other_messages` are those of assistants and tools, `summaries` compactions and branch summaries.
    `malformed` lines are not JSON; `first_malformed` is the offset of the first, `first_nul` of the first NUL byte in
    one. `after_compaction` is how many bytes follow the last compaction, None without one. `boot_markers` are boot
    and resume prompts and bootstrap lines after the last turn of any other kind (docs/gateway.md, failure 14).
    `complete` is
    False where reading stopped early, at a human turn or an error; `reason` is the error's."""

    content: ContentClass
    size: int
    lines: int = 0
    longest_line: int = 0
    human_turns: int = 0
    machine_turns: int = 0
    undecided: int = 0
    other_messages: int = 0
    summaries: int = 0
    malformed: int = 0
    first_malformed: int | None = None
    first_nul: int | None = None
    after_compaction: int | None = None
    boot_markers: int = 0
    header_ok: bool = False
    complete: bool = True
    reason: str | None = None


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


_MISSING = frozenset({Presence.ABSENT, Presence.ARCHIVED})


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
        return self.presence in _MISSING
