"""Reading small files whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.system.fs import ReadFs


_BLOCK = 1024 * 1024


def read_up_to(fs: ReadFs, path: Path, limit: int) -> bytes:
    """The file's bytes, at most `limit` of them, whatever its stat says. Raises OSError."""
    # An unbuffered read allocates all it is asked for, however small the file.
    parts: list[bytes] = []
    left = limit
    with fs.open(path) as stream:
        while left > 0 and (part := stream.read(min(left, _BLOCK))):
            parts.append(part)
            left -= len(part)
    return b"".join(parts)
