"""A database as SQLite would see it now: the main file, a hot journal undone, the committed log laid over.

A hot rollback journal holds what the main file had before the transaction that a crash cut off
(sqlite.org/fileformat2.html section 3, and pager.c for what counts as hot).
"""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct, field

from gatewaydoctor.model.database.reading import A_DIRECTORY, DatabaseFault, DatabaseFaultKind, JournalFacts, LogFacts
from gatewaydoctor.model.words import plural
from gatewaydoctor.storage.sqlite.header import HEADER_BYTES, parse_header
from gatewaydoctor.storage.sqlite.log import Log, read_log
from gatewaydoctor.storage.sqlite.raw import RawFile
from gatewaydoctor.system.fs import may_be_there

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatewaydoctor.model.gateway.era import SqliteHeader
    from gatewaydoctor.system.fs import ReadFs


_MAGIC = bytes.fromhex("d9d505f920a163d7")
_HEADER = struct.Struct(">8s5I")
_UNCOUNTED = 0xFFFFFFFF
_MAX_NAME = 4096
_LOCK_BYTE = 0x40000000
"""The page with this byte is never used; SQLite stops at a record that names it."""


class Rollback(Struct, frozen=True):
    """The pages to put back (number -> offset in the journal) and the size of the database before, in pages."""

    facts: JournalFacts
    page_size: int
    pages: int
    offsets: dict[int, int] = field(default_factory=dict)


def read_journal(file: RawFile, exists: Callable[[Path], bool]) -> Rollback | JournalFacts:
    """What the next writer would put back; JournalFacts where it would put back nothing. `exists` is asked about the
    super-journal of a transaction over several databases: without it the transaction counts as committed. Raises
    OSError."""
    size = file.size()
    if size == 0 or file.read(0, 1) in (b"", b"\0"):
        return JournalFacts(size, hot=False, reason="its transaction ended")
    above = _super_journal(file, size)
    if above is not None and not exists(above):
        return JournalFacts(size, hot=False, reason="its transaction ended in another file")
    found = _records(file, size)
    return found or JournalFacts(size, hot=True, reason="its header is incomplete: nothing was changed yet")


def _records(file: RawFile, size: int) -> Rollback | None:
    offset, sector = 0, 512
    first: tuple[int, int] | None = None
    offsets: dict[int, int] = {}
    while True:
        offset = -(-offset // sector) * sector
        head = file.read(offset, _HEADER.size)
        if offset + sector > size or len(head) < _HEADER.size:
            break
        magic, count, seed, pages, sector_size, page_size = _HEADER.unpack(head)
        if magic != _MAGIC:
            break
        if first is None:
            if not (_power(page_size, 512) and _power(sector_size, 32)):
                break
            first, sector = (page_size, pages), sector_size
        page_size, pages = first
        offset += sector
        record = page_size + 8
        if count == _UNCOUNTED:
            count = max(0, size - offset) // record
        for _ in range(count):
            data = file.read(offset, record)
            number = int.from_bytes(data[:4])
            if number == _LOCK_BYTE // page_size + 1 or not _is_whole(data, record, seed):
                return _rollback(size, first, offsets)
            if number <= pages:
                offsets[number] = offset + 4
            offset += record
    return _rollback(size, first, offsets) if first else None


def _rollback(size: int, first: tuple[int, int], offsets: dict[int, int]) -> Rollback:
    return Rollback(JournalFacts(size, hot=True, pages=len(offsets)), first[0], first[1], offsets)


def _is_whole(data: bytes, record: int, seed: int) -> bool:
    if len(data) < record or not any(data[:4]):
        return False
    page = data[4:-4]
    total = seed + sum(page[index] for index in range(len(page) - 200, 0, -200))
    return total & 0xFFFFFFFF == int.from_bytes(data[-4:])


def _power(value: int, least: int) -> bool:
    return least <= value <= 65536 and not value & (value - 1)


def _super_journal(file: RawFile, size: int) -> Path | None:
    tail = file.read(max(0, size - 16), 16)
    if len(tail) < 16 or tail[8:] != _MAGIC:
        return None
    length, total = struct.unpack_from(">2I", tail)
    if not 0 < length <= min(_MAX_NAME, size - 16):
        return None
    name = file.read(size - 16 - length, length)
    if sum(name) & 0xFFFFFFFF != total or b"\0" in name:
        return None
    return Path(name.decode("utf-8", "surrogateescape"))


_ATTEMPTS = 5


def _in_no_log(number: int) -> int | None:
    return None


class Image:
    """Pages by number, from 1. The files stay open until `close`; what happens to their names meanwhile is not
    noticed. Reading raises OSError only.

    For reads that cannot afford `page`: `in_log` gives the offset of a page in the log, None for one of the main
    file; `logged` and `plain` are the descriptors, None where a page has to be put together."""

    def __init__(
        self,
        path: Path,
        main: RawFile,
        wal: RawFile | None,
        log: Log | LogFacts | None,
        journal_file: RawFile | None,
        journal: Rollback | JournalFacts | None,
    ) -> None:
        self.path = path
        self._files = tuple(file for file in (main, wal, journal_file) if file)
        self._main, self._wal, self._journal = main, wal, journal_file
        self._log = log if isinstance(log, Log) else None
        self._rollback = journal if isinstance(journal, Rollback) else None
        self.log = log.facts if isinstance(log, Log) else log
        self.journal = journal.facts if isinstance(journal, Rollback) else journal
        self.plain = main.descriptor if self._rollback is None else None
        self.logged = wal.descriptor if wal else None
        self.in_log = self._log.offset if self._log else _in_no_log
        self._mark = main.mark()
        self.main_bytes = self._mark[0]
        self.page_size = self._log.page_size if self._log else 0
        head = self._first_bytes()
        self.header: SqliteHeader | None
        self.header, self.problem = parse_header(head)
        if self.header and not self._log:
            self.page_size = self.header.page_size
        self.size = self._log.pages * self.page_size if self._log else self._base_size()
        self._head = head

    @property
    def pages(self) -> int:
        """Pages of the database: what the log's last commit says, else the header, else the file's size."""
        if self._log:
            return self._log.pages
        claimed = self.header.pages if self.header else 0
        sure = self._head[24:28] == self._head[92:96]
        return claimed if claimed and sure else -(-self.size // self.page_size)

    @property
    def usable(self) -> int:
        """Bytes of a page that the b-trees use; the rest is an extension's."""
        return self.page_size - self._head[20]

    @property
    def encoding(self) -> str:
        return {2: "utf-16-le", 3: "utf-16-be"}.get(int.from_bytes(self._head[56:60]), "utf-8")

    @property
    def freelist(self) -> int:
        """Pages in the freelist, as the header counts them."""
        return int.from_bytes(self._head[36:40])

    def page(self, number: int) -> bytes:
        """One whole page; what lies beyond the end of the file reads as zeros."""
        offset = self.in_log(number)
        if offset is not None and self._wal is not None:
            data = self._wal.read(offset, self.page_size)
        else:
            data = self._base((number - 1) * self.page_size, self.page_size)
        return data if len(data) == self.page_size else data.ljust(self.page_size, b"\0")

    def read(self, offset: int, amount: int) -> bytes:
        """Bytes as they would be in one settled file."""
        if self._log is None:
            return self._base(offset, amount)
        found = bytearray()
        end = min(offset + amount, self.size)
        while offset < end:
            number, start = divmod(offset, self.page_size)
            piece = self.page(number + 1)[start : start + end - offset]
            found += piece
            offset += len(piece)
        return bytes(found)

    def moved(self) -> bool:
        """Whether a process may have written into the main file what came after this image was taken.

        A checkpoint of frames that the image has already is not a change; one of later frames is, and so is a log
        that was restarted meanwhile.
        """
        if self._main.mark() == self._mark:
            return False
        if self._wal is None or self._log is None:
            return True
        if self._wal.read(0, 32) != self._log.head:
            return True
        now = read_log(self._wal)
        return not isinstance(now, Log) or now.facts.frames != self._log.facts.frames

    def close(self) -> None:
        for file in self._files:
            file.close()

    def _first_bytes(self) -> bytes:
        if self.in_log(1) is not None:
            return self.page(1)[:HEADER_BYTES]
        return self._base(0, HEADER_BYTES)

    def _base_size(self) -> int:
        return self._rollback.pages * self._rollback.page_size if self._rollback else self.main_bytes

    def _base(self, offset: int, amount: int) -> bytes:
        """The main file, with the journal's pages put back."""
        if self._rollback is None or self._journal is None:
            return self._main.read(offset, amount)
        found = bytearray()
        size = self._rollback.page_size
        end = min(offset + amount, self._base_size())
        while offset < end:
            number, start = divmod(offset, size)
            kept = self._rollback.offsets.get(number + 1)
            take = min(size - start, end - offset)
            piece = self._main.read(offset, take) if kept is None else self._journal.read(kept + start, take)
            if not piece:
                break
            found += piece
            offset += len(piece)
        return bytes(found)


def take_image(fs: ReadFs, path: Path, *, verify: bool = False, with_log: bool = True) -> Image | DatabaseFault:
    """The image of the database at this path and the moment of asking. `verify` compares every checksum of a log of
    any size. Without the log it is what the last checkpoint left. Nothing is raised."""
    for _ in range(_ATTEMPTS):
        try:
            image = _take(fs, path, verify=verify, with_log=with_log)
        except FileNotFoundError:
            return DatabaseFault(DatabaseFaultKind.MISSING, path, _missing(fs, path))
        except IsADirectoryError:
            return _a_directory(fs, path)
        except OSError as error:
            return DatabaseFault(DatabaseFaultKind.UNREADABLE, path, error.strerror or type(error).__name__)
        if not isinstance(image, Image) or not with_log or _log_is_current(fs, image):
            return image
        image.close()
    return DatabaseFault(
        DatabaseFaultKind.CHANGED, path, f"it changed during each of {_ATTEMPTS} attempts to read it; scan again"
    )


def _a_directory(fs: ReadFs, path: Path) -> DatabaseFault:
    for suffix in ("-wal", "-journal"):
        with suppress(OSError):
            if fs.stat(path.with_name(path.name + suffix)).is_dir:
                return DatabaseFault(DatabaseFaultKind.LOG, path, f"its {suffix} is a directory")
    return DatabaseFault(DatabaseFaultKind.NOT_A_DATABASE, path, A_DIRECTORY)


def _take(fs: ReadFs, path: Path, *, verify: bool, with_log: bool) -> Image | DatabaseFault:
    opened: list[RawFile] = []
    try:
        main = _opened(fs, path, opened)
        wal = _sibling(fs, path, "-wal", opened) if with_log else None
        journal_file = _sibling(fs, path, "-journal", opened) if with_log else None
        if (size := main.size()) <= 1:  # SQLite takes a file of one byte for an empty one (os_unix.c, unixFileSize)
            return _closed(
                opened, DatabaseFault(DatabaseFaultKind.EMPTY, path, f"it is empty ({plural(size, 'byte')})")
            )
        journal = read_journal(journal_file, lambda other: may_be_there(fs, other)) if journal_file else None
        log = read_log(wal, verify=verify) if wal else None
        image = Image(path, main, wal, log, journal_file, journal)
    except BaseException:
        for file in opened:
            file.close()
        raise
    problem = _problem(image)
    return _closed(opened, problem) if problem else image


def _problem(image: Image) -> DatabaseFault | None:
    if image.size == 0:
        return DatabaseFault(
            DatabaseFaultKind.EMPTY, image.path, "it is empty once the unfinished transaction is undone"
        )
    if image.header is None:
        return DatabaseFault(
            DatabaseFaultKind.NOT_A_DATABASE, image.path, image.problem or "it has no header", page=1
        )
    if image.header.page_size != image.page_size:
        sizes = f"its pages have {image.header.page_size:,} bytes, those of its -wal {image.page_size:,}"
        return DatabaseFault(DatabaseFaultKind.LOG, image.path, f"the -wal is not its own: {sizes}")
    return None


def _closed(opened: list[RawFile], fault: DatabaseFault) -> DatabaseFault:
    for file in opened:
        file.close()
    return fault


def _opened(fs: ReadFs, path: Path, opened: list[RawFile]) -> RawFile:
    file = RawFile.open(fs, path)
    opened.append(file)
    return file


def _sibling(fs: ReadFs, path: Path, suffix: str, opened: list[RawFile]) -> RawFile | None:
    """SQLite takes an empty -wal or -journal for an absent one."""
    try:
        file = _opened(fs, path.with_name(path.name + suffix), opened)
    except FileNotFoundError:
        return None
    return file if file.size() else None


def _log_is_current(fs: ReadFs, image: Image) -> bool:
    """Whether no log came into being, went or was restarted while the image was taken."""
    if image.moved():
        return False
    try:
        size = fs.stat(image.path.with_name(f"{image.path.name}-wal")).size
    except OSError:
        size = 0
    return (size > 0) == (image.log is not None)


def _missing(fs: ReadFs, path: Path) -> str:
    try:
        size = fs.stat(path.with_name(f"{path.name}-wal")).size
    except OSError:
        return "there is no such file"
    return f"there is no such file, only its -wal ({size:,} bytes)"
