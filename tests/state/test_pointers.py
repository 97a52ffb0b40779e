from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewaydoctor.model.errors import UsageError
from gatewaydoctor.model.gateway.entry import Entry, Kind, Status
from gatewaydoctor.model.gateway.files import FileRecord, NodeKind
from gatewaydoctor.model.gateway.transcript import DerivedMap, Exemption, PathMap, PointerKind, Presence, Resolution
from gatewaydoctor.state.history.files import DirectoryIndex, list_files
from gatewaydoctor.state.history.names import classify
from gatewaydoctor.state.history.pathmap import derive_path_map, mapped, parse_path_map
from gatewaydoctor.state.history.pointers import FRESH_MS, Pointers, tree_pointers
from gatewaydoctor.system.fs import OsReadFs

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_774_001_472_345
MAIN = "/srv/oc/agents/main/sessions"
WORK = "/srv/oc/agents/work/sessions"
USERS = "/Users/u/.openclaw/agents/main/sessions"
HOME = "/home/u/.openclaw/agents/main/sessions"
SID = "0c1d2e3f-4a5b-4c6d-8e7f-001122334455"
P, X = PointerKind, Presence


def entry(session_id: str | None = SID, session_file: str | None = None, updated_at: int | None = 1) -> Entry:
    return Entry(
        "agent:main:main",
        Kind.MAIN,
        Status.DONE,
        0,
        0,
        0,
        session_id=session_id,
        session_file=session_file,
        updated_at=updated_at,
    )


def index(*names: str) -> DirectoryIndex:
    return DirectoryIndex(FileRecord(name, classify(name), 1, 0, None, NodeKind.FILE, 1) for name in names)


def pointers(*names: str, maps: tuple[PathMap, ...] = ()) -> Pointers:
    directories = {MAIN: index(*names), WORK: index("work.jsonl")}
    aliases = {HOME: MAIN}
    return Pointers(
        directories, MAIN, maps, lambda path: aliases.get(path, path), lambda path: path == "/mnt/x.jsonl"
    )


HERE = f"{SID}.jsonl"
ARCHIVE = f"{SID}.jsonl.reset.2026-03-20T10-11-12Z"
CASES = [
    ("by id", None, [HERE], Resolution(P.NONE, X.PRESENT, HERE)),
    ("by name", "talk.jsonl", ["talk.jsonl"], Resolution(P.INSIDE, X.PRESENT, "talk.jsonl")),
    ("blanks around it", f"  {HERE} ", [HERE], Resolution(P.INSIDE, X.PRESENT, HERE)),
    ("absolute, inside", f"{MAIN}/{HERE}", [HERE], Resolution(P.INSIDE, X.PRESENT, HERE)),
    ("doubled slashes", f"//srv//oc/agents/main/sessions/./{HERE}", [HERE], Resolution(P.INSIDE, X.PRESENT, HERE)),
    ("through a link", f"{HOME}/{HERE}", [HERE], Resolution(P.INSIDE, X.PRESENT, HERE)),
    ("another agent's", f"{WORK}/work.jsonl", [], Resolution(P.SIBLING, X.PRESENT, "work.jsonl")),
    ("stale name, own file there", "gone.jsonl", [HERE], Resolution(P.INSIDE, X.ELSEWHERE, HERE)),
    ("a topic is left", None, [f"{SID}-topic-1.jsonl"], Resolution(P.NONE, X.ELSEWHERE, f"{SID}-topic-1.jsonl")),
    ("only an archive", None, [ARCHIVE], Resolution(P.NONE, X.ARCHIVED, ARCHIVE)),
    ("nothing", None, [], Resolution(P.NONE, X.ABSENT)),
    (
        "another host's, file here",
        f"{USERS}/{HERE}",
        [HERE],
        Resolution(P.FOREIGN, X.ELSEWHERE, HERE),
    ),
    ("another host's, no file", f"{USERS}/a.jsonl", [], Resolution(P.FOREIGN, X.ABSENT)),
    ("a Windows path", f"C:\\agents\\main\\sessions\\{HERE}", [HERE], Resolution(P.FOREIGN, X.ELSEWHERE, HERE)),
    # A path of no shape the gateway knows is ignored, and `<id>.jsonl` opened.
    ("a path the gateway ignores", "/tmp/elsewhere.jsonl", [HERE], Resolution(P.FOREIGN, X.PRESENT, HERE)),
    ("out of the directory", "../../secrets.jsonl", [HERE], Resolution(P.ESCAPING, X.PRESENT, HERE)),
    ("out of the directory, no file", "../x.jsonl", [], Resolution(P.ESCAPING, X.ABSENT)),
    ("the directory itself", ".", [], Resolution(P.INSIDE, X.ABSENT)),
    ("an absent agent's", "/srv/oc/agents/x/sessions/a.jsonl", [HERE], Resolution(P.SIBLING, X.ELSEWHERE, HERE)),
    ("below another agent's", f"{WORK}/sub/a.jsonl", [], Resolution(P.SIBLING, X.ABSENT)),
    ("hostile", "/\0\ud800/..", [], Resolution(P.FOREIGN, X.ABSENT)),
]  # fmt: skip


@pytest.mark.parametrize(
    ("session_file", "names", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_an_entry_is_resolved_as_the_gateway_does(
    session_file: str | None, names: list[str], expected: Resolution
) -> None:
    assert pointers(*names).resolve(entry(session_file=session_file), NOW) == expected


def test_only_an_absent_transcript_is_missing() -> None:
    missing = {presence for presence in Presence if Resolution(PointerKind.NONE, presence).missing}
    assert missing == {Presence.ABSENT, Presence.ARCHIVED}


@pytest.mark.parametrize(
    ("options", "updated_at", "exemption"),
    [
        ({"cli_backed": True}, 1, Exemption.CLI_BACKEND),
        ({"in_database": True}, 1, Exemption.DATABASE),
        ({}, NOW - FRESH_MS + 1, Exemption.FRESH),
        ({}, NOW - FRESH_MS, None),
        ({}, None, None),
    ],
)
def test_exceptions(options: dict[str, bool], updated_at: int | None, exemption: Exemption | None) -> None:
    found = pointers().resolve(entry(updated_at=updated_at), NOW, **options)
    assert found.exemption is exemption
    assert found.missing is (exemption is None)
    # None of them makes a file that is there look absent.
    assert pointers(HERE).resolve(entry(updated_at=updated_at), NOW, **options).presence is Presence.PRESENT


def test_a_row_without_a_session_claims_nothing() -> None:
    assert pointers().resolve(entry(session_id=None), NOW) == Resolution(P.NONE, X.UNCLAIMED)


def test_a_map_the_operator_gives_makes_a_container_path_legitimate() -> None:
    maps = (PathMap("/home/node/.openclaw", "/srv/oc"), PathMap("/elsewhere", "/mnt"))
    found = pointers(HERE, maps=maps)
    inside = found.resolve(entry(session_file=f"/home/node/.openclaw/agents/main/sessions/{HERE}"), NOW)
    assert inside == Resolution(P.MAPPED, X.PRESENT, HERE)
    assert found.resolve(entry(session_file="/elsewhere/x.jsonl"), NOW).presence is X.PRESENT
    assert found.resolve(entry(session_file="/elsewhere/y.jsonl", session_id=None), NOW).presence is X.ABSENT


def test_a_real_tree_behind_a_symbolic_link(tmp_path: Path) -> None:
    sessions = tmp_path / "data" / "agents" / "main" / "sessions"
    sessions.mkdir(parents=True)
    (sessions / HERE).touch()
    (tmp_path / "home").symlink_to("data")
    seen = tmp_path / "home" / "agents" / "main" / "sessions"
    found = tree_pointers(OsReadFs(), [list_files(OsReadFs(), seen)], seen)
    for spelling in (seen, sessions):
        assert found.resolve(entry(session_file=str(spelling / HERE)), NOW) == Resolution(P.INSIDE, X.PRESENT, HERE)
    hostile = found.resolve(entry(session_file="/a\0b/\ud800.jsonl", session_id=None), NOW)
    assert hostile == Resolution(P.FOREIGN, X.ABSENT)


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_pointer_resolves(session_id: str, session_file: str) -> None:
    found = pointers(HERE).resolve(entry(session_id, session_file), NOW)
    assert (found.presence is Presence.PRESENT) <= (found.found is not None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/node/.openclaw=/srv/oc", PathMap("/home/node/.openclaw", "/srv/oc")),
        ("/home/node/.openclaw/=/srv/oc/", PathMap("/home/node/.openclaw", "/srv/oc")),
        ("/a=.", PathMap("/a", "/cwd")),
        ("/a=b/../c", PathMap("/a", "/cwd/c")),
        ("C:\\Users\\u=/srv", PathMap("C:/Users/u", "/srv")),
        ("/a=/b=c", PathMap("/a", "/b=c")),
    ],
)
def test_path_maps_are_parsed(text: str, expected: PathMap) -> None:
    assert parse_path_map(text, "/cwd") == expected


@pytest.mark.parametrize("text", ["", "=", "/a", "/a=", "=/b", "relative=/b"])
def test_other_path_maps_are_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_path_map(text, "/cwd")
    assert refused.value.hint


def test_a_map_covers_whole_components_only() -> None:
    maps = (PathMap("/a/b", "/x"), PathMap("C:/u", "/y"))
    assert mapped("/a/b/c.jsonl", maps) == "/x/c.jsonl"
    assert mapped("/a/b", maps) == "/x"
    assert mapped("/a/bc.jsonl", maps) is None
    assert mapped("C:\\u\\c.jsonl", maps) == "/y/c.jsonl"
    assert mapped("/etc/passwd", (PathMap("", "/chroot"),)) == "/chroot/etc/passwd"


THERE = "/home/node/.openclaw/agents"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([], None),
        ([f"{THERE}/main/sessions/gone.jsonl"], None),
        (
            [f"{THERE}/main/sessions/a.jsonl", f"{THERE}/main/sessions/b.jsonl", f"{THERE}/main/sessions/gone.jsonl"],
            DerivedMap(PathMap("/home/node/.openclaw", "/srv/oc"), 2, 3, 0),
        ),
        # Another agent's directory leads to the same map.
        (
            [f"{THERE}/main/sessions/a.jsonl", f"{THERE}/work/sessions/work.jsonl"],
            DerivedMap(PathMap("/home/node/.openclaw", "/srv/oc"), 2, 2, 0),
        ),
        # The majority wins and the rival is told; a tie chooses nothing.
        (
            [f"{THERE}/main/sessions/a.jsonl", f"{THERE}/main/sessions/b.jsonl", "/old/agents/main/sessions/a.jsonl"],
            DerivedMap(PathMap("/home/node/.openclaw", "/srv/oc"), 2, 3, 1),
        ),
        ([f"{THERE}/main/sessions/a.jsonl", "/old/agents/main/sessions/a.jsonl"], None),
        # A directory of another shape stands for the store's own.
        (["/data/chats/a.jsonl"], DerivedMap(PathMap("/data/chats", MAIN), 1, 1, 0)),
        (["C:\\oc\\agents\\main\\sessions\\a.jsonl"], DerivedMap(PathMap("C:/oc", "/srv/oc"), 1, 1, 0)),
    ],
)
def test_one_map_comes_out_of_the_entries(files: list[str], expected: DerivedMap | None) -> None:
    directories = {MAIN: index("a.jsonl", "b.jsonl"), WORK: index("work.jsonl")}
    assert derive_path_map(files, directories, MAIN) == expected
