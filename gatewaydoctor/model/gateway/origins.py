"""Where the entries of one salvaged store come from."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct, field


class Origins(Struct):
    """Of one store, `target`: entries per source, and (key, source) of the first ones. Paths are as plans spell them.
    Of entries that several files have, the newest counts."""

    target: str
    sources: Counter[str] = field(default_factory=Counter)
    entries: list[tuple[str, str]] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.sources.total()

    def as_json(self) -> dict[str, object]:
        return {
            "store": self.target,
            "total": self.total,
            "sources": [{"path": path, "entries": count} for path, count in self.sources.most_common()],
            "entries": [{"key": key, "source": source} for key, source in self.entries],
        }
