"""Rows come out of their columns as they went in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gatewaydoctor.model.gateway.entry import Entry, Status, parse_key
from gatewaydoctor.storage.entries import table as columns
from gatewaydoctor.storage.entries.table import EntryTable

_PIECES = st.sampled_from(["agent:main:", "cron:job", ":run:", "'", "7", "\x00", "é", "\ud800", ":"])
_KEYS = st.lists(_PIECES, max_size=8).map("".join)
_IDS = st.none() | _KEYS


def _entry(key: str, session_id: str | None, session_file: str | None) -> Entry:
    parts = parse_key(key)
    ids = (parts.agent_id, parts.job_id, parts.run_id)
    return Entry(key, parts.kind, Status.DONE, 10, 20, 30, *ids, session_id or None, session_file or None, 1)


@given(st.lists(st.builds(_entry, _KEYS, _IDS, _IDS), max_size=20), st.integers(min_value=0, max_value=3))
def test_a_row_keeps_its_texts_whatever_they_hold(entries: list[Entry], most: int) -> None:
    before = columns._MOST_SHARED
    columns._MOST_SHARED = most
    try:
        table = EntryTable()
        for entry in entries:
            table.add(entry)
        assert list(table) == entries
        assert list(table.all_keys()) == [entry.key for entry in entries]
    finally:
        columns._MOST_SHARED = before
