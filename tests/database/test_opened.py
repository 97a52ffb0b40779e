"""What open_database() gives for good databases, for bad ones, and for those that move while they are read."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from gatewaydoctor.model.database.reading import DatabaseFault, DatabaseFaultKind
from gatewaydoctor.storage.sqlite import image, log
from gatewaydoctor.storage.sqlite.frames import frame_is_whole
from gatewaydoctor.storage.sqlite.log import LogFacts, read_log
from gatewaydoctor.storage.sqlite.opened import Opened, open_database, read_database_once
from gatewaydoctor.storage.sqlite.raw import RawFile
from gatewaydoctor.system.fs import OsReadFs

from .cutoff import stats

ROWS = 400


@pytest.fixture
def settled(tmp_path: Path) -> Path:
    path = tmp_path / "state" / "d.sqlite"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA auto_vacuum = 2")
        connection.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT, v)")
        connection.execute("CREATE INDEX t_k ON t(k)")
        connection.execute("CREATE TABLE empty(x)")
        connection.execute("CREATE VIEW seen AS SELECT 1")
        connection.executemany("INSERT INTO t VALUES(?, ?, ?)", [(n, f"k{n}", "v" * n * 20) for n in range(1, ROWS)])
        connection.execute("PRAGMA user_version = 23")
        connection.commit()
    return path


def opened(path: Path) -> Opened:
    found = open_database(OsReadFs(), path)
    assert isinstance(found, Opened), found
    return found


def fault(path: Path) -> DatabaseFault:
    found = open_database(OsReadFs(), path)
    assert isinstance(found, DatabaseFault)
    return found


def rewrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as stream:
        stream.seek(offset)
        stream.write(data)


def test_a_settled_database(settled: Path) -> None:
    before = stats(settled.parent)
    with opened(settled) as database:
        assert database.user_version == 23
        assert database.log is None
        assert database.journal is None
        assert set(database.tables) == {"t", "empty"}
        assert database.columns("t") == ("id", "k", "v")
        assert database.columns("seen") == ()
        assert database.all("SELECT count(*), max(k) FROM t WHERE id < ?", (10,)) == ((9, "k9"),)
        assert not database.moved()
    assert stats(settled.parent) == before


def test_bytes_add_up_to_the_file(settled: Path) -> None:
    with closing(sqlite3.connect(settled, isolation_level=None)) as connection:
        connection.execute("DELETE FROM t WHERE id > 200")
    with opened(settled) as database:
        found = database.bytes_by_table()
        [[by_dbstat]] = database.all("SELECT sum(pgsize) FROM dbstat WHERE name IN ('t')")
    assert found.main == found.live == settled.stat().st_size
    assert found.freelist > 0
    table = found.tables[0]
    assert (table.name, table.rows) == ("t", 200)
    assert table.bytes == by_dbstat
    # What is neither a table's nor free: the schema's page and the pointer map's.
    assert found.live - found.freelist - sum(table.total for table in found.tables) == 2 * found.page_size


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", DatabaseFaultKind.EMPTY),
        (b"\0" * 4096, DatabaseFaultKind.NOT_A_DATABASE),
        (b"SQLite format 3\0", DatabaseFaultKind.NOT_A_DATABASE),
        (bytes(range(256)) * 32, DatabaseFaultKind.NOT_A_DATABASE),
        (b"SQLite format 3\0\x03\x00" + b"\0" * 4000, DatabaseFaultKind.NOT_A_DATABASE),
    ],
)
def test_what_is_no_database_is_a_fault(tmp_path: Path, content: bytes, kind: DatabaseFaultKind) -> None:
    path = tmp_path / "d.sqlite"
    path.write_bytes(content)
    assert fault(path).kind is kind


def test_a_missing_database(tmp_path: Path) -> None:
    assert fault(tmp_path / "d.sqlite").kind is DatabaseFaultKind.MISSING
    assert fault(tmp_path / "a\0b").kind is DatabaseFaultKind.MISSING


def test_a_log_alone_is_named(tmp_path: Path) -> None:
    (tmp_path / "d.sqlite-wal").write_bytes(b"x" * 5000)
    found = fault(tmp_path / "d.sqlite")
    assert found.kind is DatabaseFaultKind.MISSING
    assert "5,000 bytes" in found.reason


def test_a_directory_is_no_database_and_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "d.sqlite").mkdir()
    assert fault(tmp_path / "d.sqlite").kind is DatabaseFaultKind.NOT_A_DATABASE
    os.mkfifo(tmp_path / "p.sqlite")
    assert fault(tmp_path / "p.sqlite").kind is DatabaseFaultKind.UNREADABLE


def test_a_directory_for_a_log_is_no_absent_log(settled: Path) -> None:
    Path(f"{settled}-wal").mkdir()
    assert (fault(settled).kind, fault(settled).reason) == (DatabaseFaultKind.LOG, "its -wal is a directory")


def test_a_zeroed_page_ends_the_rows_with_a_fault(settled: Path) -> None:
    with opened(settled) as database:
        page = next(database.pages.cells(database.tables["t"].root)).page
    rewrite(settled, (page - 1) * 4096, bytes(4096))
    with opened(settled) as database:
        rows = database.rows("SELECT v FROM t")
        assert len(list(rows)) < ROWS - 1
        assert rows.fault is not None
        assert rows.fault.kind is DatabaseFaultKind.DAMAGED
        assert isinstance(database.all("SELECT v FROM t"), DatabaseFault)
        reader = database.pages
        whole = [rowid for rowid, _ in reader.rows(database.tables["t"].root)]
        assert 300 < len(whole) < ROWS - 1
        assert [(each.page, each.reason) for each in reader.damage] == [(page, "it is zeroed")]


def test_a_page_that_names_itself_does_not_hang(settled: Path) -> None:
    with opened(settled) as database:
        root = database.tables["t"].root
    rewrite(settled, (root - 1) * 4096 + 8, root.to_bytes(4))
    with opened(settled) as database:
        reader = database.pages
        list(reader.rows(root))
        assert [each.reason for each in reader.damage] == ["it is named twice"]


def test_a_schema_that_sqlite_cannot_parse_is_read_from_pages(settled: Path) -> None:
    data = settled.read_bytes()
    settled.write_bytes(data.replace(b"CREATE TABLE empty(x)", b"CREATE TABL! empty(x)"))
    with opened(settled) as database:
        found = database.all("SELECT count(*) FROM t")
        assert isinstance(found, DatabaseFault)
        assert found.kind is DatabaseFaultKind.SCHEMA
        assert "t" in database.tables
        assert sum(1 for _ in database.pages.rows(database.tables["t"].root)) == ROWS - 1


def test_an_unknown_column_is_a_query_fault(settled: Path) -> None:
    with opened(settled) as database:
        found = database.all("SELECT nothing FROM t")
        assert isinstance(found, DatabaseFault)
        assert found.kind is DatabaseFaultKind.QUERY


def test_text_that_is_not_utf8_is_a_fault_and_readable_as_a_blob(settled: Path) -> None:
    with closing(sqlite3.connect(settled, isolation_level=None)) as connection:
        connection.execute("UPDATE t SET k = CAST(x'ff41' AS TEXT) WHERE id = 3")
    with opened(settled) as database:
        assert isinstance(database.all("SELECT k FROM t"), DatabaseFault)
        assert database.all("SELECT CAST(k AS BLOB) FROM t WHERE id = 3") == ((b"\xffA",),)
        [text] = [values[1] for rowid, values in database.pages.rows(database.tables["t"].root) if rowid == 3]
        assert text == "\udcffA"


def test_a_foreign_log_with_larger_pages_is_laid_over_as_sqlite_does(settled: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(other, isolation_level=None)) as connection:
        connection.execute("PRAGMA page_size = 8192")
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("CREATE TABLE u(x)")
        log = Path(f"{other}-wal").read_bytes()
    Path(f"{settled}-wal").write_bytes(log)
    with opened(settled) as database:
        assert set(database.tables) == {"u"}
    copy = tmp_path / "copy.sqlite"
    copy.write_bytes(settled.read_bytes())
    Path(f"{copy}-wal").write_bytes(log)
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("u",)]


def test_nothing_can_be_written_or_attached(settled: Path, tmp_path: Path) -> None:
    before = stats(settled.parent)
    with opened(settled) as database:
        for statement in (
            "DELETE FROM t",
            f"ATTACH '{tmp_path / 'new.sqlite'}' AS other",
            f"VACUUM INTO '{tmp_path / 'new.sqlite'}'",
            "PRAGMA user_version = 5",
            "CREATE TABLE temp.x AS SELECT * FROM t",
        ):
            database.all(statement)
        assert database.all("SELECT count(*) FROM t") == ((ROWS - 1,),)
    assert stats(settled.parent) == before
    assert {path.name for path in tmp_path.iterdir()} == {"state"}


def test_a_running_writer_is_not_disturbed_and_its_commits_are_seen(settled: Path) -> None:
    with closing(sqlite3.connect(settled, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = wal")
        writer.execute("INSERT INTO t VALUES(?, 'new', 1)", (ROWS,))
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM t")
        with opened(settled) as database:
            assert database.all("SELECT count(*) FROM t") == ((ROWS,),)
            writer.execute("COMMIT")
            # What is committed after the database was opened is not in it, and does not harm it.
            assert database.all("SELECT count(*) FROM t") == ((ROWS,),)
            assert not database.moved()
            writer.execute("PRAGMA wal_checkpoint(PASSIVE)")
            assert database.moved()


def test_a_checkpoint_of_what_was_seen_is_no_change(settled: Path) -> None:
    with closing(sqlite3.connect(settled, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = wal")
        writer.execute("UPDATE t SET k = 'x'")
        with opened(settled) as database:
            writer.execute("PRAGMA wal_checkpoint(PASSIVE)")
            assert not database.moved()
            assert database.all("SELECT count(*) FROM t WHERE k = 'x'") == ((ROWS - 1,),)


def test_a_read_is_repeated_where_a_writer_went_over_it(settled: Path) -> None:
    with closing(sqlite3.connect(settled, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = wal")
        writer.execute("UPDATE t SET k = 'first'")
        tries = []

        def read(database: Opened) -> object:
            if not tries:
                writer.execute("UPDATE t SET k = 'second'")
                writer.execute("PRAGMA wal_checkpoint(RESTART)")
                writer.execute("UPDATE t SET k = 'third'")
            tries.append(database.all("SELECT DISTINCT k FROM t"))
            return tries[-1]

        assert read_database_once(OsReadFs(), settled, read) == (("third",),)
        assert len(tries) == 2


def test_a_read_that_is_always_overtaken_is_a_fault(settled: Path) -> None:
    with closing(sqlite3.connect(settled, isolation_level=None)) as writer:

        def read(database: Opened) -> object:
            writer.execute("UPDATE t SET k = k || 'x'")
            return database.all("SELECT count(*) FROM t")

        found = read_database_once(OsReadFs(), settled, read)
        assert isinstance(found, DatabaseFault)
        assert found.kind is DatabaseFaultKind.CHANGED


def test_a_database_that_is_removed_meanwhile_is_read_to_its_end(settled: Path) -> None:
    with opened(settled) as database:
        settled.unlink()
        assert database.all("SELECT count(*) FROM t") == ((ROWS - 1,),)


def log_of(settled: Path) -> tuple[RawFile, int]:
    """A log of five commits, cut off from its writer, and the bytes of one frame."""
    with closing(sqlite3.connect(settled, isolation_level=None)) as writer:
        writer.execute("PRAGMA journal_mode = wal")
        for number in range(5):
            writer.execute("UPDATE t SET k = ? WHERE id < 30", (f"k{number}",))
        copy = settled.with_name("log")
        copy.write_bytes(Path(f"{settled}-wal").read_bytes())
    return RawFile.open(OsReadFs(), copy), 4096 + 24


@pytest.mark.parametrize("sure", [True, False])
def test_a_torn_last_transaction_is_dropped_however_the_log_is_checked(
    settled: Path, sure: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, frame = log_of(settled)
    if not sure:
        monkeypatch.setattr("gatewaydoctor.storage.sqlite.log.SURE_UP_TO", 0)
    whole = read_log(file)
    assert not isinstance(whole, LogFacts)
    assert (whole.facts.commits, whole.facts.tail, whole.facts.verified) == (5, 0, sure)
    last = whole.facts.frames
    rewrite(settled.with_name("log"), 32 + (last - 1) * frame + 2000, b"\xff\xfe")
    torn = read_log(file)
    assert not isinstance(torn, LogFacts)
    assert torn.facts.commits == 4
    assert not frame_is_whole(file, last, 4096, little=True)
    assert frame_is_whole(file, last - 1, 4096, little=True)


def test_a_byte_in_the_middle_of_a_large_log_is_found_on_demand_only(
    settled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, _ = log_of(settled)
    rewrite(settled.with_name("log"), 32 + 24 + 2000, b"\xff\xfe")
    monkeypatch.setattr("gatewaydoctor.storage.sqlite.log.SURE_UP_TO", 0)
    quick = read_log(file)
    assert not isinstance(quick, LogFacts)
    assert (quick.facts.commits, quick.facts.verified) == (5, False)
    assert isinstance(read_log(file, verify=True), LogFacts)


def test_a_hot_journal_of_a_committed_group_is_not_undone(settled: Path, tmp_path: Path) -> None:
    """Its super-journal is gone: the transaction over several databases was committed."""
    with closing(sqlite3.connect(settled, isolation_level=None)) as writer:
        writer.execute("PRAGMA cache_size = 2")
        writer.execute("BEGIN")
        writer.execute("UPDATE t SET k = 'done'")
        journal = Path(f"{settled}-journal").read_bytes()
        main = settled.read_bytes()
        writer.execute("ROLLBACK")
    settled.write_bytes(main)
    name = str(tmp_path / "gone-mj1").encode()
    ending = len(name).to_bytes(4) + sum(name).to_bytes(4) + bytes.fromhex("d9d505f920a163d7")
    Path(f"{settled}-journal").write_bytes(journal)
    with opened(settled) as database:
        assert database.journal is not None
        assert database.journal.hot
        assert database.all("SELECT count(*) FROM t WHERE k = 'done'") == ((0,),)
    Path(f"{settled}-journal").write_bytes(journal + name + ending)
    with opened(settled) as database:
        assert database.journal is not None
        assert not database.journal.hot


def test_the_image_is_taken_again_where_it_moved_while_it_was_taken(
    settled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves = iter([True, True, False])
    monkeypatch.setattr(image.Image, "moved", lambda self: next(moves))
    with opened(settled) as database:
        assert database.user_version == 23
    assert next(moves, None) is None


def test_frames_of_before_the_last_checkpoint_do_not_count_in_a_large_log(
    settled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the last transaction of a large log is compared by its checksums: an old one behind it has sound ones."""
    monkeypatch.setattr(log, "SURE_UP_TO", 0)
    with closing(sqlite3.connect(settled)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        for number in range(1000, 1010):
            connection.execute("INSERT INTO t VALUES(?, 'old', 'x')", (number,))
            connection.commit()
        connection.execute("PRAGMA wal_checkpoint(RESTART)")
        connection.execute("DELETE FROM t WHERE k = 'old'")
        connection.commit()
        with opened(settled) as database:
            assert database.all("SELECT count(*) FROM t WHERE k = 'old'") == ((0,),)
            assert database.log is not None
            assert database.log.tail > 0
