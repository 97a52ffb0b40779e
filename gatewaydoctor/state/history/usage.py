"""Which files a usage call reads, and how much is in them (docs/gateway.md section 10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.config import Policy
from gatewaydoctor.model.gateway.files import PRIMARY, FileClass, NodeKind
from gatewaydoctor.model.gateway.usage import UsageLoad

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from gatewaydoctor.model.gateway.files import FileRecord
    from gatewaydoctor.system.fs import ReadFs

BLOCK = 1024 * 1024

_ARCHIVED = frozenset({FileClass.ARCHIVE_DELETED, FileClass.ARCHIVE_RESET})
_V5 = PRIMARY | _ARCHIVED
COUNTED: dict[Policy, frozenset[FileClass]] = {
    Policy.V2026_3_28: _V5 | {FileClass.CHECKPOINT, FileClass.TRAJECTORY},
    Policy.V2026_4_25: _V5 | {FileClass.TRAJECTORY},
    Policy.V2026_5_22: _V5,
    Policy.V2026_9_6: frozenset(),
}
"""Classes that a release reads for usage. 2026.3.28 knows neither checkpoints nor trajectories by name, so any that a
later release left there count; 2026.9.6 reads its database instead."""


def usage_files(files: Iterable[FileRecord], policy: Policy = Policy.V2026_5_22) -> tuple[FileRecord, ...]:
    """The files one usage call opens. Of archives only those of transcripts count, not a set-aside store."""
    counted = COUNTED[policy]
    return tuple(
        record
        for record in files
        if record.cls in counted
        and record.node is NodeKind.FILE
        and (record.cls not in _ARCHIVED or ".jsonl." in record.name)
    )


def usage_load(files: Iterable[FileRecord], policy: Policy = Policy.V2026_5_22) -> UsageLoad:
    """Files and bytes, without opening anything."""
    listed = tuple(files)
    counted = usage_files(listed, policy)
    cache = next((record.size for record in listed if record.cls is FileClass.USAGE_CACHE), None)
    sizes = [record.size for record in counted]
    return UsageLoad(len(counted), sum(sizes), max(sizes, default=0), cache_bytes=cache)


def counted_load(
    fs: ReadFs, directory: Path, files: Iterable[FileRecord], policy: Policy = Policy.V2026_5_22
) -> UsageLoad:
    """The same with lines, which reads every counted file once. Files that cannot be read are counted as such."""
    listed = tuple(files)
    load = usage_load(listed, policy)
    counts = [count_lines(fs, directory / record.name) for record in usage_files(listed, policy)]
    known = [count for count in counts if count is not None]
    return UsageLoad(load.files, load.bytes, load.largest, sum(known), len(counts) - len(known), load.cache_bytes)


def count_lines(fs: ReadFs, path: Path) -> int | None:
    """Lines of a file, an unterminated last one included; None where it cannot be read."""
    lines, last = 0, b"\n"
    try:
        with fs.open(path) as stream:
            while block := stream.read(BLOCK):
                lines += block.count(b"\n")
                last = block[-1:]
    except OSError:
        return None
    return lines + (last != b"\n")
