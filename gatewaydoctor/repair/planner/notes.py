"""Sentences of a forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.repair.plan import Note
from gatewaydoctor.repair.drafting.draft import SAMPLE

if TYPE_CHECKING:
    from collections.abc import Iterable


def note(text: str, names: Iterable[str] = ()) -> Note:
    """A sentence with the first few of the names it concerns."""
    return Note(text=text, names=tuple(names)[:SAMPLE])
