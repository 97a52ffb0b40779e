"""What an edit of a database costs: steps of SQLite, counted, for databases of two sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewaydoctor.model.repair.edits import DropSessions
from gatewaydoctor.repair.databases.edits import perform
from gatewaydoctor.repair.databases.making import CACHE_KIB
from tests.repair.agentdb import SCHEMA, connected, node
from tests.world import run_key

if TYPE_CHECKING:
    from pathlib import Path

    import apsw

STEPS = 1_000
"""Instructions of SQLite between two counts."""


def filled(path: Path, count: int) -> apsw.Connection:
    """Runs of one job, opened as an edit has it."""
    made = connected(path)
    list(made.execute(SCHEMA))
    made.execute("CREATE INDEX windows_of ON session_windows (session_key)")
    with made:
        for number in range(count):
            node(made, run_key("job", number), "done")
    made.close()
    connection = connected(path)
    for setting in ("synchronous = OFF", "journal_mode = OFF", "temp_store = MEMORY", f"cache_size = -{CACHE_KIB}"):
        connection.execute(f"PRAGMA {setting}")
    return connection


def leave(connection: apsw.Connection, count: int) -> None:
    perform(connection, DropSessions(keys=tuple(run_key("job", number) for number in range(1, count))))


def steps(path: Path, count: int) -> int:
    connection, met = filled(path, count), [0]

    def tick() -> bool:
        met[0] += 1
        return False

    connection.set_progress_handler(tick, STEPS)
    leave(connection, count)
    connection.close()
    return met[0]


def test_rows_leave_in_time_that_grows_with_their_number_alone(tmp_path: Path) -> None:
    """The table of sessions has no index by session id here, as an older database may have none."""
    few, many = steps(tmp_path / "few", 400), steps(tmp_path / "many", 1_600)
    assert few > 3
    assert many < 6 * few
