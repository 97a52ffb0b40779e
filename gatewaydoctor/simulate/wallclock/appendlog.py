"""An append-only session store: the remedy that makes a new row cost its own size instead of the store's.

One line per change: 8 hex digits of CRC-32, a blank, and a JSON text `{"put": {key: row}, "drop": [key]}`. A change
is one line and one fsync, so it happens whole or not at all. When most of the file is history, it is rewritten
beside, fsynced and renamed over the old one. What a crash can leave behind is a torn last line and a temp file:
opening cuts the one and removes the other. Damage anywhere else is no crash, and opening refuses it.
"""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

MIN_COMPACTION: Final = 64 * 1024
"""A file smaller than this is never rewritten, in bytes."""


class DamagedLog(ValueError):
    """A line before the last one fails its sum. The file is left as it is."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a row's JSON text lies in the file, in bytes, and its updatedAt (epoch ms; lowest if it has none)."""

    start: int
    size: int
    updated_at: float


class AppendLog:
    """Rows by key on a real file; in memory, a key and three numbers per row. One writer, a context manager.

    Raises DamagedLog on open where more than the last line is damaged.
    """

    def __init__(self, path: Path, max_entries: int | None = None) -> None:
        self.path = path
        self.max_entries = max_entries
        self.bytes_written = 0
        self.compactions = 0
        self._places: dict[str, _Place] = {}
        self._temporary = path.with_name(f"{path.name}.compact.tmp")
        self._temporary.unlink(missing_ok=True)
        self._file = self._open()
        self._size = self._replay()

    def __enter__(self) -> AppendLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    def __len__(self) -> int:
        return len(self._places)

    def keys(self) -> tuple[str, ...]:
        """The keys, in the order of their last change."""
        return tuple(self._places)

    def get(self, key: str) -> Any:
        """The row of this key, read from the file. Raises KeyError."""
        return json.loads(self._text(self._places[key]))

    def rows(self) -> Iterator[tuple[str, Any]]:
        """Every row, one at a time."""
        for key in self._places:
            yield key, self.get(key)

    def put(self, rows: Mapping[str, Any]) -> tuple[str, ...]:
        """Store these rows and drop the oldest beyond `max_entries`, in one change; the dropped keys.

        On return the change is on disk. Rows without a number in updatedAt are the oldest.
        """
        dropped = self._overflow(rows)
        self._append({key: row for key, row in rows.items() if key not in dropped}, dropped)
        self._compact_if_due()
        return dropped

    def drop(self, keys: Iterable[str]) -> None:
        """Remove these keys in one change; unknown ones are ignored."""
        known = tuple(key for key in dict.fromkeys(keys) if key in self._places)
        if known:
            self._append({}, known)
            self._compact_if_due()

    def compact(self) -> None:
        """Rewrite the file with the live rows alone. The old file stays until the new one is whole and on disk."""
        with open(self._temporary, "wb") as fresh:
            for key, place in self._places.items():
                fresh.write(_line(f'{{"put":{{{json.dumps(key)}:'.encode() + self._text(place) + b'},"drop":[]}'))
            fresh.flush()
            os.fsync(fresh.fileno())
            self.bytes_written += fresh.tell()
        os.replace(self._temporary, self.path)  # noqa: PTH105 - pairs with the fsync of the directory
        _sync_directory(self.path.parent)
        self._file.close()
        self._file = self._open()
        self._size = self._replay()
        self.compactions += 1

    def _open(self) -> BinaryIO:
        new = not self.path.exists()
        file = open(self.path, "a+b", buffering=0)  # noqa: SIM115 - stays open as long as the log
        if new:
            _sync_directory(self.path.parent)
        return file

    def _append(self, rows: Mapping[str, Any], dropped: tuple[str, ...]) -> None:
        line = _line(json.dumps({"put": rows, "drop": dropped}, separators=(",", ":")).encode())
        try:
            written = self._file.write(line)
            if written != len(line):
                raise OSError(f"{written} of {len(line)} bytes written to {self.path}")
            os.fsync(self._file.fileno())
        except OSError:
            # The change did not happen; what there is of its line must not stay in front of the next one.
            os.ftruncate(self._file.fileno(), self._size)
            raise
        self.bytes_written += len(line)
        self._take(line, self._size)
        self._size += len(line)

    def _compact_if_due(self) -> None:
        live = sum(place.size + len(key) for key, place in self._places.items())
        if self._size > max(MIN_COMPACTION, 2 * live):
            self.compact()

    def _overflow(self, rows: Mapping[str, Any]) -> tuple[str, ...]:
        if self.max_entries is None:
            return ()
        ages = {key: place.updated_at for key, place in self._places.items() if key not in rows}
        ages |= {key: _updated_at(row) for key, row in rows.items()}
        excess = max(0, len(ages) - self.max_entries)
        return tuple(sorted(ages, key=ages.__getitem__)[:excess])

    def _replay(self) -> int:
        """Rebuild the index; cut the file after the last whole line. The file's size."""
        self._places.clear()
        end = 0
        with open(self.path, "rb") as reader:
            for line in reader:
                if not self._take(line, end):
                    if reader.read(1):
                        raise DamagedLog(f"line at byte {end} of {self.path} is damaged, and more follows")
                    break
                end += len(line)
        if end < os.fstat(self._file.fileno()).st_size:
            os.ftruncate(self._file.fileno(), end)
            os.fsync(self._file.fileno())
        return end

    def _take(self, line: bytes, start: int) -> bool:
        """Apply one line that starts at this offset to the index; False where it is torn or fails its sum."""
        payload = line[9:-1]
        if not line.endswith(b"\n") or line[:9] != f"{zlib.crc32(payload):08x} ".encode():
            return False
        change = json.loads(payload)
        at = start + 9 + len(b'{"put":{')
        for key, row in change["put"].items():
            at += len(json.dumps(key)) + 1
            size = len(json.dumps(row, separators=(",", ":")))
            self._places.pop(key, None)
            self._places[key] = _Place(at, size, _updated_at(row))
            at += size + 1
        for key in change["drop"]:
            self._places.pop(key, None)
        return True

    def _text(self, place: _Place) -> bytes:
        return os.pread(self._file.fileno(), place.size, place.start)


def _line(payload: bytes) -> bytes:
    return f"{zlib.crc32(payload):08x} ".encode() + payload + b"\n"


def _updated_at(row: Any) -> float:
    found = row.get("updatedAt") if isinstance(row, dict) else None
    return float(found) if isinstance(found, (int, float)) else float("-inf")


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
