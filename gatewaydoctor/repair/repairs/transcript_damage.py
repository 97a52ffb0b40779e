"""Damage in the middle of transcripts is told and left alone: what a line was cannot be known, and good history
is behind it (docs/gateway.md, failure 16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.files import PRIMARY, NodeKind
from gatewaydoctor.model.words import plural
from gatewaydoctor.state.history.content import read_content
from gatewaydoctor.state.history.transcripts import check_transcript

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from gatewaydoctor.model.gateway.transcript import TranscriptContent
    from gatewaydoctor.repair.drafting.draft import Draft

_TOLD = 1000
"""Files named one by one; all are counted."""


def report(draft: Draft, paths: Collection[Path] | None) -> None:
    """Say which transcripts hold lines, up to the end of their last whole record, that are not JSON, and where.
    `paths` None: read every primary transcript next to the stores, which takes as long as reading them does."""
    damaged, unread = [], []
    draft.progress.phase("reading transcripts", None)
    for path in sorted(every_transcript(draft) if paths is None else paths):
        found = _read(draft, path)
        if found is not None and found.reason is not None:
            unread.append(f"{path.name}: {found.reason}")
        elif found is not None and found.malformed:
            damaged.append(f"{path.name}: {_place(found)}")
    if damaged:
        draft.caution(_sentence(len(damaged)), damaged, keep=_TOLD)
    if unread:
        draft.caution(f"{plural(len(unread), 'transcript')} could not be read for damage inside.", unread, keep=_TOLD)


def every_transcript(draft: Draft) -> Iterator[Path]:
    """The primary transcripts next to the stores, each once."""
    for directory, listing in {store.path.parent: store.facts.listing for store in draft.stores}.items():
        for record in listing.files:
            if record.cls in PRIMARY and record.node is NodeKind.FILE:
                yield directory / record.name


def _sentence(count: int) -> str:
    # Skipped when loading: docs/gateway.md section 11; imported up to the first: section 12.
    those = "1 transcript has" if count == 1 else f"{count:,} transcripts have"
    return (
        f"{those} lines that are not JSON, and complete records in or after them. They are not "
        "repaired: a gateway on files passes over such lines, but the import into a database "
        "ends at the first. Repair a copy by hand before then."
    )


def _read(draft: Draft, path: Path) -> TranscriptContent | None:
    draft.progress.advance(1)
    check = check_transcript(draft.fs, path)
    return None if check is None else read_content(draft.fs, path, up_to=check.sound_end)


def _place(found: TranscriptContent) -> str:
    lines = "1 line at" if found.malformed == 1 else f"{found.malformed:,} lines, the first at"
    zeros = "" if found.first_nul is None else f" with NUL bytes from {found.first_nul:,} on"
    return f"{lines} byte {found.first_malformed:,}{zeros}"
