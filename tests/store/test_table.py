"""Rows come out of their columns as they went in."""

from __future__ import annotations

import json
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gatewaydoctor.model.gateway.entry import Entry, Kind, Status, parse_key
from gatewaydoctor.storage.entries import decode
from gatewaydoctor.storage.entries import table as columns
from gatewaydoctor.storage.entries import tally as tallies
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


@given(
    st.lists(
        st.tuples(st.sampled_from(Status), st.sampled_from(Kind), st.booleans(), st.none() | st.integers(0, 9)),
        max_size=20,
    )
)
def test_columns_tell_what_entries_would(cells: list[tuple[Status, Kind, bool, int | None]]) -> None:
    table = EntryTable()
    for status, kind, aborted, at in cells:
        table.add(Entry("k", kind, status, 10, 20, 30, aborted_last_run=aborted, pinned=at == 3, updated_at=at))
    rows = list(enumerate(table))
    marked = [row for row, entry in rows if entry.status is Status.RUNNING or entry.aborted_last_run]
    assert list(table.marked()) == marked
    assert list(table.glances()) == [(row, entry.glance) for row, entry in rows]
    for kind in Kind:
        assert list(table.updated(kind)) == [(row, each.updated_at) for row, each in rows if each.kind is kind]


_FIELDS = st.dictionaries(st.sampled_from("abc"), st.integers(0, 99), max_size=3)


@given(st.lists(_FIELDS, max_size=12), st.integers(1, 3))
def test_fields_are_counted_and_weighed_whatever_rows_have_in_common(rows: list[dict[str, int]], most: int) -> None:
    before = tallies._MOST_SHAPES
    tallies._MOST_SHAPES = most
    tally, counts, sizes = tallies.Tally(), Counter[str](), Counter[str]()
    try:
        for place, row in enumerate(rows):
            found = decode.fields(memoryview(json.dumps(row).encode()))
            tally.take(place, Entry("k", Kind.MAIN, Status.DONE, 0, 1, 2), found)
            counts.update(row)
            sizes.update({name: len(str(value)) for name, value in row.items()})
    finally:
        tallies._MOST_SHAPES = before
    counts = Counter({name: sum(name in row for row in rows) for name in counts})
    assert (tally.field_counts, tally.field_bytes) == (counts, sizes)
    assert list(tally.field_counts) == list(counts), "in the order in which they were met"
