"""Databases read with their log or journal laid over, against SQLite on a private copy."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, example, given

from gatewaydoctor.model.database.reading import DatabaseFault
from gatewaydoctor.storage.sqlite.opened import Opened, open_database
from gatewaydoctor.system.fs import OsReadFs
from tests.examples import examples

from .cutoff import Plan, plans, sqlite_says, stats, write

HALF_A_JOURNAL = Plan(
    page_size=4096,
    auto_vacuum=0,
    journal_mode="delete",
    commits=[0, 10, 38],
    restart_after=None,
    spill=True,
    damage=("salt", 0.0625),
    encoding="UTF-8",
    values=[],
)
"""Part of the pages cannot be put back: every row can be read, and only a full check stops at the freelist."""


def by_sql(database: Opened) -> tuple[object, ...] | DatabaseFault:
    rows = database.all("SELECT id, k, v, w FROM t ORDER BY id")
    return rows if isinstance(rows, DatabaseFault) else (database.user_version, len(database.schema), list(rows))


def by_pages(database: Opened) -> tuple[tuple[object, ...], list[tuple[object, ...]]]:
    """The same from pages alone, and the entries of the index."""
    reader = database.pages
    roots = {item.name: item.root for item in database.schema}
    rows = [(rowid, *values[1:]) for rowid, values in reader.rows(roots["t"])]
    # The commit that made the index may be lost.
    keys = [(row[1], row[0]) for row in rows]
    if "t_k" in roots:
        keys = [tuple(key) for key in reader.keys(roots["t_k"])]
    assert reader.damage == []
    return (database.user_version, len(database.schema), rows), keys


@examples(5, suppress_health_check=list(HealthCheck))
@given(plans)
@example(HALF_A_JOURNAL)
def test_a_cut_off_database_reads_as_sqlite_reads_a_copy_and_stays_untouched(plan: Plan) -> None:
    with TemporaryDirectory() as directory:
        cut = Path(directory) / "cut" / "d.sqlite"
        cut.parent.mkdir()
        write(plan, Path(directory) / "work.sqlite", cut)
        before = stats(cut.parent)
        said, sound = sqlite_says(cut)
        match open_database(OsReadFs(), cut):
            case DatabaseFault() as here:
                assert isinstance(said, str), here
            case database:
                with database:
                    here = by_sql(database)
                    assert here == said if not isinstance(here, DatabaseFault) else isinstance(said, str)
                    if sound:
                        rows, keys = by_pages(database)
                        assert rows == said
                        assert sorted(keys, key=repr) == sorted(((row[1], row[0]) for row in rows[2]), key=repr)
        assert stats(cut.parent) == before
