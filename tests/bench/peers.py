"""Small programs that do the least one could do with the same input: what a row of the table is measured against."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_KVITEMS = "import sys, ijson.backends.yajl2_c as y\nfor _ in y.kvitems(open(sys.argv[1], 'rb'), ''): pass"

_FLOOR = r"""import mmap, sys, msgspec
class Wanted(msgspec.Struct):
    status: str | None = None
    updatedAt: float | None = None
    sessionId: str | None = None
decode = msgspec.json.Decoder(Wanted).decode
with open(sys.argv[1], 'rb') as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
    view, start = memoryview(data), data.find(b'\n  "')
    while start >= 0:
        stop = data.find(b'\n  "', start + 4)
        value = data.find(b'": ', start + 4) + 3
        end = stop - 1 if stop >= 0 else data.rfind(b'\n}')
        decode(view[value:end])
        start = stop
    view.release()"""

_CUTTER = """import sys
from gatewaydoctor.storage.files.reader import StoreReader
with open(sys.argv[1], 'rb') as file:
    for cut in StoreReader(file, 0, hashed=False): pass"""

_BOTH_ENDS = """import os, sys
for entry in os.scandir(sys.argv[1]):
    with open(entry.path, 'rb', buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        file.read(1024)
        if size > 1024:
            file.seek(max(0, size - 4096))
            file.read(4096)"""

_READ = "import sys\nf = open(sys.argv[1], 'rb', buffering=0)\nwhile f.read(1 << 20): pass"
_COPY_AND_ASK = """import shutil, sqlite3, sys, tempfile
with tempfile.TemporaryDirectory() as scratch:
    for suffix in ("", "-wal"):
        shutil.copyfile(sys.argv[1] + suffix, scratch + "/copy.sqlite" + suffix)
    copy = sqlite3.connect(scratch + "/copy.sqlite")
    for _ in copy.execute("SELECT session_key, entry_json FROM session_nodes"): pass
    copy.execute("SELECT status, count(*) FROM session_nodes GROUP BY 1").fetchall()
    copy.close()"""


_READ_ALL = """import os, sys
for entry in os.scandir(sys.argv[1]):
    with open(entry.path, 'rb', buffering=0) as file:
        while file.read(1 << 20): pass"""


def _program(text: str, *arguments: Path) -> list[str]:
    return [sys.executable, "-c", text, *map(str, arguments)]


def imports() -> list[str]:
    return _program("import typer, rich")


def kvitems(store: Path) -> list[str]:
    """ijson with its C backend over every entry, nothing kept."""
    return _program(_KVITEMS, store)


def floor(store: Path) -> list[str]:
    """Entries cut by mmap.find at the gateway's own line ends, three fields of each decoded, nothing checked."""
    return _program(_FLOOR, store)


def cutter(store: Path) -> list[str]:
    """This project's reader alone, as a scan has it: every entry cut and decoded. Like its peer it does not hash."""
    return _program(_CUTTER, store)


def both_ends(directory: Path) -> list[str]:
    """Every file of a directory opened once, its beginning and its end read."""
    return _program(_BOTH_ENDS, directory)


def reading(store: Path) -> list[str]:
    """The bytes read, nothing made of them."""
    return _program(_READ, store)


def reading_all(directory: Path) -> list[str]:
    """The bytes of every file of a directory read, nothing made of them."""
    return _program(_READ_ALL, directory)


def copy_and_ask(database: Path) -> list[str]:
    """A private copy of a database and two questions in SQL."""
    return _program(_COPY_AND_ASK, database)
