from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING, BinaryIO

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewaydoctor.model.gateway.transcript import ContentClass, TranscriptContent
from gatewaydoctor.state.history.content import LONGEST_LINE, boot_markers_at_tail, content_class, read_content
from gatewaydoctor.state.history.markers import MACHINE_PREFIXES, is_machine_text
from gatewaydoctor.system.fs import OsReadFs
from tests.state.transcripts import answered, bootstrapped, header, line, message, said

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

H = ContentClass
CLOCK = "[Fri 2026-03-20 10:11 UTC] "
EVENTS = "System: [2026-03-20 10:11:12 UTC] Node connected\nSystem: it has two lines\n\n"
NOTICE = "SECURITY NOTICE: The following content is from an EXTERNAL, UNTRUSTED source"


def content(tmp_path: Path, data: bytes, **options: bool) -> TranscriptContent:
    path = tmp_path / "a.jsonl"
    path.write_bytes(data)
    found = read_content(OsReadFs(), path, **options)
    assert found is not None
    return found


@pytest.mark.parametrize("prefix", MACHINE_PREFIXES)
@pytest.mark.parametrize(
    "before", ["", CLOCK, EVENTS, EVENTS + CLOCK, "\n"], ids=["plain", "clock", "events", "both", "blank"]
)
def test_machines_are_known_by_how_they_begin(prefix: str, before: str) -> None:
    assert is_machine_text(f"{before}{prefix} and so on")


@pytest.mark.parametrize(
    ("text", "machine"),
    [
        ("hello", False),
        (f"{CLOCK}hello", False),
        ("what does [cron:abc] mean?", False),
        (EVENTS, True),
        (f"{EVENTS}{CLOCK}hello", False),
        ("System: did you reboot?", False),
        (f"Task: mail | Job ID: 7 | Received: now\n\n{NOTICE}", True),
        ("Task: buy milk\n\nand bread", False),
        ("", False),
    ],
)
def test_people_are_not_taken_for_machines(text: str, machine: bool) -> None:
    assert is_machine_text(text) is machine


def test_configured_prompts_are_machines() -> None:
    assert is_machine_text("Check the boiler. Then rest.", ("Check the boiler.",))
    assert not is_machine_text("Check the boiler. Then rest.", ())


BEHIND_THE_ROLE = said("my own words").partition(b'"role":"user",')[2]


def text(words: str) -> dict[str, str]:
    return {"type": "text", "text": words}


CRON = said("[cron:job-1 backup] do it\nCurrent time: now")
CASES = [
    ("a talk", header() + said("hello") + answered(), H.HUMAN),
    ("a talk among machines", header() + CRON + answered() + said("thanks") + CRON, H.HUMAN),
    ("plain text content", header() + message("user", "hello"), H.HUMAN),
    ("a picture", header() + message("user", [{"type": "image", "data": "AAAA"}]), H.HUMAN),
    ("a cron run", header() + CRON + answered(), H.MACHINE),
    ("between sessions", header() + said("hello", provenance={"kind": "inter_session"}), H.MACHINE),
    ("from outside", header() + said("hello", provenance={"kind": "external_user"}), H.HUMAN),
    ("an answer alone", header() + answered(), H.MACHINE),
    ("a tool that says user", header() + message("toolResult", '"role":"user"'), H.MACHINE),
    ("an empty message", header() + said("  ") + message("user", []), H.MACHINE),
    ("a header", header(), H.HEADER_ONLY),
    ("a header and a model", header() + line(type="model_change", id="a", provider="p"), H.HEADER_ONLY),
    ("nothing", b"", H.HEADER_ONLY),
    ("a lost header", header()[:20] + b"\n" + said("hello"), H.HUMAN),
    ("a summary alone", header() + line(type="compaction", summary="they spoke"), H.HUMAN),
    ("a summary of cron runs", header() + CRON + line(type="compaction", summary="runs"), H.MACHINE),
    ("a torn talk", header() + said("hello")[:-20], H.HUMAN),
    ("a torn answer", header() + CRON + answered()[:-20], H.MACHINE),
    *(
        (name, header() + CRON + data, H.HUMAN)
        for name, data in (
            ("events, then words", message("user", [text(EVENTS), text("my own words")])),
            ("events, then a picture", message("user", [text(EVENTS), {"type": "image", "data": "AAAA"}])),
            ("a front of zeros", bytes(60) + BEHIND_THE_ROLE),
            ("a lost front", BEHIND_THE_ROLE),
            ("a damaged role", said("my own words").replace(b'"user"', b'"us\0r"')),
            ("a damaged role that is JSON", said("my own words").replace(b'"role"', b'"r#le"')),
            ("a damaged type that is JSON", said("my own words").replace(b'"message"', b'"m#ssage"')),
            ("words before the role, torn", b'{"type":"message","message":{"content":"my own words","ro'),
            ("zeros between two records", answered()[:-30] + bytes(30) + BEHIND_THE_ROLE),
            ("words that stand alone", b'"my own words"\n'),
        )
    ),
    *(
        (name, header() + CRON + data, H.MACHINE)
        for name, data in (
            ("events alone", message("user", [text(EVENTS)])),
            ("an answer torn early", answered()[:30]),
            ("a type torn", answered()[:12]),
            ("an answer, then NULs", answered()[:-1] + bytes(9)),
            ("lines of NULs", bytes(9) + b"\n" + bytes(9)),
            ("a tool's output torn", message("toolResult", [text("x")])[:-9]),
        )
    ),
    ("a header and a torn type", header() + answered()[:12], H.HEADER_ONLY),
    ("words without a front", header() + BEHIND_THE_ROLE, H.HUMAN),
    ("another program's log", b'{"role":"user","content":"hello"}\n', H.NOT_TRANSCRIPT),
    ("text", b"just\nsome text\n", H.NOT_TRANSCRIPT),
    ("NULs", b"\0" * 100_000, H.NOT_TRANSCRIPT),
]  # fmt: skip


@pytest.mark.parametrize(("data", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_whose_words_a_file_holds(tmp_path: Path, data: bytes, expected: ContentClass) -> None:
    assert content(tmp_path, data).content is expected
    assert content_class(OsReadFs(), tmp_path / "a.jsonl") is expected
    # A byte order mark and Windows line ends change nothing.
    assert content(tmp_path, b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n")).content is expected


def test_every_class_is_in_the_table() -> None:
    assert {case[2] for case in CASES} == set(ContentClass)


def test_counts(tmp_path: Path) -> None:
    lines = [
        header(),
        said("hello"),
        answered(),
        CRON,
        answered(),
        b"%%%\n",
        line(type="compaction"),
        said("x" * 500),
    ]
    data = b"".join(lines) + b"\0\0\n" + said("you")[:-9]
    found = content(tmp_path, data)
    assert msgspec.structs.replace(found, size=0) == TranscriptContent(
        ContentClass.HUMAN,
        0,
        lines=10,
        longest_line=len(lines[-1]) - 1,
        human_turns=2,
        machine_turns=1,
        undecided=2,
        other_messages=2,
        summaries=1,
        malformed=3,
        first_malformed=sum(map(len, lines[:5])),
        first_nul=sum(map(len, lines)),
        after_compaction=len(data) - sum(map(len, lines[:7])),
        boot_markers=0,
        header_ok=True,
        complete=True,
    )
    assert found.size == len(data)


def test_it_can_stop_at_the_first_human_turn(tmp_path: Path) -> None:
    found = content(tmp_path, header() + said("hello") + said("again"), stop_at_human=True)
    assert (found.human_turns, found.complete, found.content) == (1, False, ContentClass.HUMAN)


@pytest.mark.parametrize(
    ("beginning", "expected"),
    [
        (said("[cron:job-1 backup] ")[:-5], H.MACHINE),
        (said("look at this: ")[:-5], H.HUMAN),
        (message("user", [{"type": "image", "data": ""}])[:-5], H.HUMAN),
        (answered("here: ")[:-5], H.MACHINE),
        (b"\0", H.HEADER_ONLY),
    ],
    ids=["cron", "human", "picture", "answer", "NUL"],
)
def test_a_line_of_64_megabytes_is_not_held(tmp_path: Path, beginning: bytes, expected: ContentClass) -> None:
    path = tmp_path / "a.jsonl"
    filler = b"\0" if beginning == b"\0" else b"x"
    with path.open("wb") as stream:
        stream.write(header() + beginning)
        for _ in range(64):
            stream.write(filler * 1_000_000)
        stream.write(b'"}]}}\n')
    tracemalloc.start()
    found = read_content(OsReadFs(), path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found is not None
    assert found.content is expected
    assert found.longest_line == 64_000_000 + len(beginning) + 5
    assert peak < 4 * LONGEST_LINE


def test_boot_markers_count_until_a_turn_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    boot = said("You are running a boot check. Follow BOOT.md.") + bootstrapped()
    resumed = said("[System] Your previous turn was interrupted by a gateway restart") + answered()
    for data, count in (
        (header() + said("hello") + bootstrapped(), 1),
        (header() + boot * 3 + resumed, 7),
        (header() + boot * 3 + said("hello"), 0),
        (header() + boot * 3 + CRON + bootstrapped(), 1),
        (header() + said("You are running a boot check.").replace(b"You", rb"\u0059ou") * 2, 2),
        (header(), 0),
    ):
        path.write_bytes(data)
        assert boot_markers_at_tail(OsReadFs(), path) == count
        assert content(tmp_path, data).boot_markers == count
    path.write_bytes(header() + said("hello") + bootstrapped() * 5000)
    assert 1000 < boot_markers_at_tail(OsReadFs(), path) < 5000


def test_a_file_that_is_gone_and_one_that_cannot_be_read(tmp_path: Path) -> None:
    assert read_content(OsReadFs(), tmp_path / "none") is None
    assert content_class(OsReadFs(), tmp_path / "none") is None
    found = read_content(OsReadFs(), tmp_path)
    assert found is not None
    assert (found.content, found.complete, found.reason) == (ContentClass.HUMAN, False, "Is a directory")
    assert boot_markers_at_tail(OsReadFs(), tmp_path) == 0


class _Failing(OsReadFs):
    def open(self, path: Path) -> BinaryIO:
        stream = super().open(path)
        fail: Callable[[int], bytes] = _fail

        class Broken:
            def __enter__(self) -> Broken:
                return self

            def __exit__(self, *_: object) -> None:
                stream.close()

            read = staticmethod(fail)

        return Broken()  # type: ignore[return-value]


def _fail(_count: int) -> bytes:
    raise OSError(5, "Input/output error")


def test_what_a_dying_disk_holds_back_counts_as_peoples(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(header())
    assert content_class(_Failing(), tmp_path / "a.jsonl") is ContentClass.HUMAN


LINES = st.sampled_from(
    [header(), said("hi"), CRON, answered(), b"%%%\n", b"\n", b"{}\n", b"[]\n", b"\0\0\n", b"7\n"]
)


@given(st.lists(LINES, max_size=12), st.binary(max_size=30))
def test_any_file_is_classified_and_no_human_turn_is_lost(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], rest: bytes
) -> None:
    found = content(tmp_path_factory.mktemp("any"), b"".join(lines) + rest)
    assert found.human_turns == lines.count(said("hi"))
    assert (found.human_turns > 0) <= (found.content is ContentClass.HUMAN)
    assert found.lines == len(lines) + len((rest + b"\n").split(b"\n")[:-1]) - (not rest or rest.endswith(b"\n"))
