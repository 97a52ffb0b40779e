"""Databases as a power cut leaves them: generated, written by SQLite, cut off in the middle and perhaps damaged."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import strategies as st

SIBLINGS = ("", "-wal", "-shm", "-journal")
FRAME_HEADER, LOG_HEADER = 24, 32


@dataclass(frozen=True)
class Plan:
    """What a writer does before it is cut off. `damage` is (what, where as a fraction of the log)."""

    page_size: int
    auto_vacuum: int
    journal_mode: str
    commits: list[int]
    restart_after: int | None
    spill: bool
    damage: tuple[str, float]
    encoding: str
    values: list[object]


plans = st.builds(
    Plan,
    page_size=st.sampled_from([512, 1024, 4096, 8192, 65536]),
    auto_vacuum=st.sampled_from([0, 1, 2]),
    journal_mode=st.sampled_from(["wal", "wal", "wal", "wal", "delete", "persist", "truncate"]),
    commits=st.lists(st.integers(0, 40), max_size=6),
    restart_after=st.none() | st.integers(0, 5),
    spill=st.booleans(),
    damage=st.tuples(
        st.sampled_from(["none", "none", "torn", "flip", "salt", "header", "zero-tail"]), st.floats(0, 0.999)
    ),
    encoding=st.sampled_from(["UTF-8", "UTF-8", "UTF-16le", "UTF-16be"]),
    values=st.lists(
        st.none()
        | st.integers(-(2**63), 2**63 - 1)
        | st.floats(allow_nan=False)
        | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200)
        | st.binary(max_size=3000),
        max_size=12,
    ),
)


def write(plan: Plan, work: Path, cut: Path) -> None:
    """Carry out a plan in `work` and keep in `cut` what a power cut would leave of it."""
    with closing(sqlite3.connect(work, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {plan.page_size}")
        connection.execute(f"PRAGMA encoding = '{plan.encoding}'")
        connection.execute(f"PRAGMA auto_vacuum = {plan.auto_vacuum}")
        connection.execute(f"PRAGMA journal_mode = {plan.journal_mode}")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT, v, w TEXT)")
        connection.execute("CREATE INDEX t_k ON t(k)")
        connection.execute("PRAGMA user_version = 7")
        for number, value in enumerate(plan.values):
            connection.execute("INSERT INTO t(k, v, w) VALUES(?, ?, ?)", (f"value{number}", value, "w" * 50 * number))
        for number, rows in enumerate(plan.commits):
            if number == plan.restart_after:
                connection.execute("PRAGMA wal_checkpoint(RESTART)")
            _change(connection, number, rows)
        if plan.spill:
            connection.execute("PRAGMA cache_size = 2")
            connection.execute("BEGIN")
            connection.execute("UPDATE t SET w = 'uncommitted' || w, k = 'u' || k")
            connection.execute("CREATE TABLE other(x)")
            connection.executemany("INSERT INTO other VALUES(?)", [("y" * plan.page_size,)] * 30)
        for suffix in SIBLINGS:
            if suffix != "-shm" and Path(f"{work}{suffix}").exists():
                shutil.copyfile(f"{work}{suffix}", f"{cut}{suffix}")
    _spoil(plan, Path(f"{cut}-wal" if plan.journal_mode == "wal" else f"{cut}-journal"))


def _change(connection: sqlite3.Connection, number: int, rows: int) -> None:
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO t(k, v, w) VALUES(?, ?, ?)",
        [(f"k{number}.{row}", row, "long text " * (row * 37 % 300)) for row in range(rows)],
    )
    connection.execute("UPDATE t SET v = coalesce(v, 0) WHERE id % 3 = 0")
    connection.execute("DELETE FROM t WHERE id % 5 = ?", (number,))
    connection.execute(f"PRAGMA user_version = {number + 8}")
    connection.execute("COMMIT")


def _spoil(plan: Plan, file: Path) -> None:
    what, where = plan.damage
    if what == "none" or not file.exists() or not (size := file.stat().st_size):
        return
    at = min(size - 1, LOG_HEADER + int((size - LOG_HEADER) * where)) if size > LOG_HEADER else 0
    with file.open("r+b") as stream:
        match what:
            case "torn":
                stream.truncate(at)
            case "zero-tail":
                stream.seek(at)
                stream.write(bytes(size - at))
            case "flip":
                stream.seek(at)
                old = stream.read(1)
                stream.seek(at)
                stream.write(bytes([old[0] ^ 0x55]))
            case "salt":
                frame = FRAME_HEADER + plan.page_size
                stream.seek(LOG_HEADER + max(0, at - LOG_HEADER) // frame * frame + 8)
                stream.write(b"saltsalt")
            case "header":
                place = int(where * LOG_HEADER)
                # A journal's size of the database: whether a file can grow to terabytes depends on the filesystem.
                stream.seek(12 if plan.journal_mode != "wal" and place in range(16, 20) else place)
                stream.write(b"\xff")


def sqlite_says(path: Path) -> tuple[tuple[object, ...] | str, bool]:
    """What SQLite itself reads from a copy of its own, or its message; and whether all of it holds together, which
    half a journal can prevent. As in `storage.database.sql`, it refuses a page whose cells do not fit into it, which
    it passes over by default."""
    with TemporaryDirectory() as directory:
        copy = Path(directory) / "copy.sqlite"
        for suffix in SIBLINGS:
            if Path(f"{path}{suffix}").exists():
                shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
        with closing(sqlite3.connect(copy)) as connection:
            try:
                connection.execute("PRAGMA cell_size_check = ON")
                version = connection.execute("PRAGMA user_version").fetchone()[0]
                rows = connection.execute("SELECT id, k, v, w FROM t ORDER BY id").fetchall()
                items = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            except sqlite3.DatabaseError as error:
                return str(error), False
            return (version, items, rows), _is_sound(connection)


def _is_sound(connection: sqlite3.Connection) -> bool:
    """The check itself may stop at a page that no statement asked for, such as one of the freelist."""
    try:
        return bool(connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)])
    except sqlite3.DatabaseError:
        return False


def stats(directory: Path) -> dict[str, tuple[int, ...]]:
    """What reading may not change, of a directory and each file in it."""
    found = {}
    for path in [directory, *sorted(directory.iterdir())]:
        stat = path.stat()
        found[path.name] = (stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino, stat.st_mode)
    return found
