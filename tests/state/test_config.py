from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import json5
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewaydoctor.model.gateway.config import Origin, Setting
from gatewaydoctor.model.gateway.release import Policy
from gatewaydoctor.state.config.config import load_config
from gatewaydoctor.state.config.history import config_history
from gatewaydoctor.state.config.settings import normalize_agent_id
from gatewaydoctor.state.config.text import MAX_BYTES, Unreadable, parse_config
from gatewaydoctor.state.config.units import parse_bytes, parse_duration
from gatewaydoctor.state.place.locate import locate
from gatewaydoctor.state.place.release import policy_of
from gatewaydoctor.system.fs import OsReadFs
from tests.examples import examples
from tests.state.fakes import ClosedFs, config_of, place_of

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path("openclaw.json")
DAY = 86_400_000
MIB = 1024 * 1024


# Text


def test_comments_and_trailing_commas() -> None:
    text = b"""\xef\xbb\xbf// first
    {"url": "http://x//y", /* a "quoted" , ] */ "list": [1, 2, // two
      ], "s": "\\",//\\"",}
    """
    assert parse_config(text, HERE) == {"url": "http://x//y", "list": [1, 2], "s": '",//"'}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{a: 'it''s'}".replace("''", "\\'"), {"a": "it's"}),
        ("{a: 'http://x', b: +.5, c: 0x1F}", {"a": "http://x", "b": 0.5, "c": 31}),
        ('{"a": "\\ud800", }', {"a": "\ud800"}),
        ("{'a': \"'//\", b: [/*,*/],}", {"a": "'//", "b": []}),
        ('{"a": 1, "a": 2}', {"a": 2}),
    ],
)
def test_the_rest_of_json5(text: str, value: object) -> None:
    assert parse_config(text.encode("utf-8", "surrogatepass"), HERE) == value


@pytest.mark.parametrize(
    "text", ["[,]", "{,}", '{"a":,}', '{"a":1,,}', '{"a":1', "", "/* {}", "{} x", "'", '"\n"', "{a:}"]
)
def test_what_json5_refuses_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        parse_config(text.encode(), HERE)


_BLANKS = st.sampled_from(["", " ", "\n", "/* ' \" , ] */", "// ' \" {\n", "\u2028"])
_LEAVES = st.sampled_from(
    [
        "1",
        "-.5",
        "true",
        "null",
        '"a"',
        '"//"',
        '"\\""',
        "'b'",
        "0x1F",
        "+1",
        "5.",
        "+.5e1",
        "-0xa",
        "Infinity",
        "'\\x41\\v\\0\\a'",
        "'\\\n'",
        "'\t'",
        "'\"'",
        "'//'",
        "'/*'",
        '"/*"',
        "'\\''",
        '",]"',
    ]
)
_KEYS = st.sampled_from(['"k"', "'k//'", "bare", "$a_1", "null", "Infinity", "\u00e9", '"/*"', "'\"'"])


def _joined(open_: str, close: str) -> Callable[[list[tuple[str, str]], str, bool], str]:
    def join(items: list[tuple[str, str]], blank: str, comma: bool) -> str:
        body = ",".join(before + item for before, item in items)
        return open_ + body + ("," if comma and items else "") + blank + close

    return join


def _containers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    items = st.lists(st.tuples(_BLANKS, inner), max_size=4)
    member = st.builds("{}{}:{}{}".format, _KEYS, _BLANKS, _BLANKS, inner)
    members = st.lists(st.tuples(_BLANKS, member), max_size=4)
    return st.builds(_joined("[", "]"), items, _BLANKS, st.booleans()) | st.builds(
        _joined("{", "}"), members, _BLANKS, st.booleans()
    )


_DOCUMENTS = st.recursive(_LEAVES, _containers, max_leaves=12)
_PIECES = st.sampled_from(["{", "}", "[", "]", ",", ":", '"', "'", "/", "//", "/*", "*/", "\\", "a", "1", " ", "\n"])
_SCRAPS = st.lists(_PIECES, max_size=12).map("".join)


@examples(4)
@given(_DOCUMENTS | _SCRAPS | st.builds("{}{}{}".format, _BLANKS, _DOCUMENTS, _SCRAPS))
def test_it_reads_what_the_json5_library_reads(text: str) -> None:
    try:
        expected = json5.loads(text)
    except ValueError:
        with pytest.raises(Unreadable):
            parse_config(text.encode(), HERE)
    else:
        assert parse_config(text.encode(), HERE) == expected


def test_the_place_of_a_fault_is_exact() -> None:
    text = '{\n  // é\n  "a": 1,\n  "é": x\n}'
    with pytest.raises(Unreadable) as caught:
        parse_config(text.encode(), HERE)
    problem = caught.value.problem
    assert problem.offset == text.encode().index(b"x\n}")
    assert (problem.line, problem.column) == (4, 8)


def test_a_second_object_is_told_apart_from_other_text() -> None:
    for text, at in ((b'{"a":1}\n// two\n{"b":2}', 15), (b'{"a":1} x', None)):
        with pytest.raises(Unreadable) as caught:
            parse_config(text, HERE)
        assert caught.value.problem.second_object_at == at


@pytest.mark.parametrize(
    "data",
    [
        b"[" * 1_000_000,
        b"{a:" * 500_000,
        b'"' + b'\\"' * 900_000,
        b"/*" * 900_000,
        b"{'" + b"a//" * 600_000,
        b" " * MAX_BYTES,
    ],
)
def test_hostile_text_is_refused(data: bytes) -> None:
    """Each of these took minutes once, in an expression that went back over them again and again."""
    with pytest.raises(Unreadable):
        parse_config(data, HERE)


def test_what_the_library_refuses_and_the_gateway_reads() -> None:
    assert parse_config(b"{a: 'x\0y', // NUL\n}", HERE) == {"a": "x\0y"}
    assert parse_config(b'{"a": "x\0y"}', HERE) == {"a": "x\0y"}
    large = b"{" + b"".join(b"k%d: 'v', // c\n" % n for n in range(40_000)) + b"}"
    assert len(large) > 512 * 1024
    assert parse_config(large, HERE) == {f"k{n}": "v" for n in range(40_000)}
    for opened, closed in ((b"{a:", b"}"), (b'{"a":', b"}"), (b"[", b"]"), (b"[", b",]")):
        value = parse_config(opened * 9_000 + b"1" + closed * 9_000, HERE)
        levels = 0
        while isinstance(value, (dict, list)):
            value, levels = (value["a"] if isinstance(value, dict) else value[0]), levels + 1
        assert (value, levels) == (1, 9_000)


def test_more_than_the_limit_is_not_read() -> None:
    with pytest.raises(Unreadable, match="more than"):
        parse_config(b'{"a": "' + b"x" * MAX_BYTES + b'"}', HERE)


# Units


@pytest.mark.parametrize(
    ("raw", "unit", "ms"),
    [
        ("30d", "h", 30 * DAY),
        ("24", "h", DAY),
        (30, "d", 30 * DAY),
        (1.5, "h", 5_400_000),
        (" 1H30m ", "d", 5_400_000),
        ("0.5ms", "d", 1),
        ("500ms", "d", 500),
        ("1d 2h", "d", None),
        ("-1d", "d", None),
        ("1w", "d", None),
        ("h", "d", None),
        (True, "d", None),
        (float("inf"), "d", None),
        ("9" * 400, "d", None),
    ],
)
def test_durations(raw: object, unit: str, ms: int | None) -> None:
    assert parse_duration(raw, unit) == ms


@pytest.mark.parametrize(
    ("raw", "size"),
    [("10mb", 10 * MIB), ("1.5k", 1536), (4096, 4096), ("2 GB", None), ("1gib", None), ("", None), ("1T", 1024**4)],
)
def test_sizes(raw: object, size: int | None) -> None:
    assert parse_bytes(raw) == size


@pytest.mark.parametrize(
    ("raw", "agent_id"),
    [
        *(("Main", "main"), (" My Agent! ", "my-agent"), ("-a-", "a"), ("é", "main"), ("", "main"), (None, "main")),
        *(("x" * 70, "x" * 64), ("a_b-c", "a_b-c"), ("_a", "_a"), (7, "main")),
    ],
)
def test_agent_ids(raw: object, agent_id: str) -> None:
    assert normalize_agent_id(raw) == agent_id


# Settings


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "state"
    path.mkdir()
    return path


def test_no_config_is_readable_and_everything_is_a_default(state: Path) -> None:
    config = config_of(state)
    assert config.readable and not config.exists
    assert config.maintenance.mode == Setting("warn", Origin.ASSUMED)
    assert config.maintenance.prune_after == Setting(30 * DAY, Origin.DEFAULT)
    assert config.maintenance.reset_archive_retention.value == 30 * DAY
    assert config.maintenance.high_water_bytes.value is None
    assert config.cron.store == Setting(state / "cron" / "jobs.json", Origin.DEFAULT)
    assert (config.cron.enabled.value, config.cron.session_retention.value) == (True, DAY)
    assert (config.port.value, config.main_key.value, config.scope.value) == (18789, "main", "per-sender")
    assert config.archive_after_minutes == Setting(60, Origin.DEFAULT)
    assert [(agent.agent_id, agent.default) for agent in config.agents] == [("main", True)]


def test_given_settings(state: Path) -> None:
    config = config_of(
        state,
        """{ // hand-edited
        session: { store: "~/stores/{agentId}.json", mainKey: " Boss ", scope: "global",
          maintenance: { mode: "enforce", pruneAfter: "12h", maxEntries: 50, rotateBytes: "1mb",
                         resetArchiveRetention: false, maxDiskBytes: "1gb" } },
        cron: { store: "~/jobs.json", enabled: false, sessionRetention: "2h", maxConcurrentRuns: 3 },
        gateway: { port: 19000, mode: "local" },
        agents: { list: [{id: "Ops Team"}, {id: "b", default: true}, {id: "B"}, 7],
                  defaults: {subagents: {archiveAfterMinutes: 0}} },
        meta: { lastTouchedVersion: "2026.3.28" } }""",
    )
    rules = config.maintenance
    assert config.readable
    assert [rules.mode.value, rules.prune_after.value, rules.max_entries.value] == ["enforce", 12 * 3_600_000, 50]
    assert [rules.rotate_bytes.value, rules.max_disk_bytes.value] == [MIB, 1024**3]
    assert rules.reset_archive_retention == Setting(None, Origin.GIVEN)
    assert rules.high_water_bytes == Setting(1024**3 * 8 // 10, Origin.DEFAULT)
    assert config.session_store == Setting("~/stores/{agentId}.json", Origin.GIVEN)
    assert (config.main_key.value, config.scope.value) == ("boss", "global")
    assert config.cron.store.value == state.parent / "jobs.json"
    assert (config.cron.enabled.value, config.cron.max_concurrent_runs.value) == (False, 3)
    assert config.cron.session_retention.value == 2 * 3_600_000
    assert config.port == Setting(19000, Origin.GIVEN)
    assert [(agent.agent_id, agent.default) for agent in config.agents] == [("ops-team", False), ("b", True)]
    assert config.default_agent == "b"
    assert config.archive_after_minutes.value == 0
    assert (config.release.version, config.release.policy) == ("2026.3.28", Policy.V2026_3_28)
    assert config.has_meta and config.gateway_mode == "local"


def test_what_the_gateway_refuses_becomes_the_default_and_a_note(state: Path) -> None:
    config = config_of(
        state,
        json.dumps(
            {
                "session": {"maintenance": {"mode": "harsh", "maxEntries": 0, "pruneAfter": "soon"}, "scope": 3},
                "cron": {"sessionRetention": 5, "enabled": "yes"},
                "gateway": {"port": 70000},
                "agents": "none",
            }
        ),
    )
    rules = config.maintenance
    assert rules.mode == Setting("warn", Origin.INVALID)
    assert rules.max_entries == Setting(500, Origin.INVALID)
    assert rules.prune_after == Setting(30 * DAY, Origin.INVALID)
    assert config.cron.session_retention == Setting(DAY, Origin.INVALID)
    assert config.cron.enabled == Setting(True, Origin.INVALID)
    assert config.port == Setting(18789, Origin.INVALID)
    assert config.default_agent == "main"
    assert len(config.notes) == 7
    assert any(note.startswith("session.maintenance.mode ") for note in config.notes)


def test_pruning_days_and_a_switched_off_reaper(state: Path) -> None:
    config = config_of(state, '{"session":{"maintenance":{"pruneDays":7}},"cron":{"sessionRetention":false}}')
    assert config.maintenance.prune_after == Setting(7 * DAY, Origin.GIVEN)
    assert config.maintenance.reset_archive_retention.value == 7 * DAY
    assert config.cron.session_retention == Setting(None, Origin.GIVEN)


@pytest.mark.parametrize(("version", "retention"), [("2026.5.22", 0), ("2026.9.6", None)])
def test_no_time_at_all_means_off_in_the_newest_release(state: Path, version: str, retention: int | None) -> None:
    given = {"cron": {"sessionRetention": "0h"}, "meta": {"lastTouchedVersion": version}}
    config = config_of(state, json.dumps(given))
    assert config.cron.session_retention == Setting(retention, Origin.GIVEN)


@pytest.mark.parametrize(
    ("version", "mode", "entries", "rotate", "disk", "resets"),
    [
        ("2026.4.19", "warn", 500, 10 * MIB, None, 30 * DAY),
        ("2026.4.20", "enforce", 500, 10 * MIB, None, 30 * DAY),
        ("2026.5.22", "enforce", 500, None, None, 30 * DAY),
        ("2026.7.2-beta.1", "enforce", 5000, None, 10 * 1024 * MIB, None),
    ],
)
def test_defaults_follow_the_release(
    state: Path, version: str, mode: str, entries: int, rotate: int | None, disk: int | None, resets: int | None
) -> None:
    rules = config_of(state, json.dumps({"meta": {"lastTouchedVersion": version}})).maintenance
    assert (rules.mode.value, rules.max_entries.value, rules.rotate_bytes.value) == (mode, entries, rotate)
    assert (rules.max_disk_bytes.value, rules.reset_archive_retention.value) == (disk, resets)
    assert {rules.mode.origin, rules.max_disk_bytes.origin} == {Origin.DEFAULT}


def test_files_of_a_later_release_outrank_an_older_stamp(state: Path) -> None:
    stamped = '{"wizard":{"lastRunVersion":"2026.3.28"}}'
    assert config_of(state, stamped).release.policy is Policy.V2026_3_28
    (state / "tasks").mkdir()
    (state / "tasks" / "runs.sqlite").touch()
    release = config_of(state, stamped).release
    told = (None, Policy.V2026_4_25, "tasks/runs.sqlite exists")
    assert (release.version, release.policy, release.evidence) == told
    assert config_of(state, '{"meta":{"lastTouchedVersion":"2026.4.25"}}').release.version == "2026.4.25"
    (state / "gateway-instance-id").touch()
    assert config_of(state, stamped).release.policy is Policy.V2026_5_22
    assert config_of(state, '{"meta":{"lastTouchedVersion":"2026.9.1"}}').release.policy is Policy.V2026_9_6
    assert policy_of("latest") is None


@pytest.mark.parametrize(
    ("value", "port"),
    [("19001", 19001), ("host:7", 7), ("[::1]:8", 8), ("::1:8", 5), ("0", 5), ("x", 5), ("", 5)],
)
def test_the_port_in_the_environment(state: Path, value: str, port: int) -> None:
    config = config_of(state, '{"gateway":{"port":5}}', {"OPENCLAW_GATEWAY_PORT": value})
    assert config.port == Setting(port, Origin.GIVEN if port == 5 else Origin.ENVIRONMENT)


def test_the_dev_profile_brings_its_port(tmp_path: Path) -> None:
    (tmp_path / ".openclaw-dev").mkdir()
    env = {"HOME": str(tmp_path)}
    assert load_config(OsReadFs(), locate(OsReadFs(), env, profile="dev"), env).port.value == 19001


def test_variables_are_filled_in(state: Path) -> None:
    text = """{"env": {"vars": {"BASE": "/from/config"}, "NAME": "own", "BLANK": "b"},
      "session": {"store": "${BASE}/$${KEPT}/${lower}/${NAME}${BLANK}/{agentId}.json", "mainKey": "${GONE}"}}"""
    config = config_of(state, text, {"NAME": "outer", "GONE": "", "BLANK": " "})
    assert config.session_store.value == "/from/config/${KEPT}/${lower}/outerb/{agentId}.json"
    assert config.main_key.value == "${gone}"
    assert config.notes == ("session.mainKey names the environment variable GONE, which is not set here",)


# Unreadable


@pytest.mark.parametrize("text", ["{", "", "[1]", "7", "null", '{"a":1}{"b":2}', "\0" * 300])
def test_an_unreadable_config_is_a_value_with_defaults(state: Path, text: str) -> None:
    config = config_of(state, text)
    assert config.exists and not config.readable
    assert config.size == len(text)
    assert config.maintenance.mode.value == "warn"
    assert config.default_agent == "main"


def test_a_config_that_may_not_be_read(state: Path) -> None:
    (state / "openclaw.json").write_text("{}")
    place = place_of(state)
    config = load_config(ClosedFs(state / "openclaw.json"), place, {})
    assert config.problem and config.problem.sentence == "could not be read: Permission denied"
    (state / "openclaw.json").unlink()
    os.mkfifo(state / "openclaw.json")
    assert not load_config(OsReadFs(), place, {}).readable


# Includes


def test_includes_merge_lists_and_objects_and_siblings_win(state: Path) -> None:
    (state / "sub").mkdir()
    (state / "sub" / "a.json5").write_text(
        "{agents: {list: [{id: 'a'}]}, cron: {enabled: false, maxConcurrentRuns: 2}}"
    )
    (state / "b.json").write_text('{"agents": {"list": [{"id": "b"}]}, "cron": {"$include": "sub/c.json"}}')
    (state / "sub" / "c.json").write_text('{"maxConcurrentRuns": 3}')
    config = config_of(state, '{"$include": ["./sub/a.json5", "b.json"], "cron": {"enabled": true}}')
    assert config.readable
    assert [agent.agent_id for agent in config.agents] == ["a", "b"]
    assert (config.cron.enabled.value, config.cron.max_concurrent_runs.value) == (True, 3)
    assert [path.name for path in config.includes] == ["a.json5", "b.json", "c.json"]


def test_include_paths_are_relative_to_the_including_file(state: Path) -> None:
    (state / "sub").mkdir()
    (state / "sub" / "a.json").write_text('{"$include": "b.json"}')
    (state / "sub" / "b.json").write_text('{"gateway": {"port": 7}}')
    assert config_of(state, '{"$include": "sub/a.json"}').port.value == 7


@pytest.mark.parametrize(
    ("files", "text", "words"),
    [
        ({}, '{"$include": "gone.json"}', "cannot be read: No such file"),
        ({}, '{"$include": "../outside.json"}', "leaves the directory"),
        ({}, '{"$include": 7}', "neither a path nor a list"),
        ({}, '{"$include": ["a.json", 7]}', "cannot be read"),
        ({"a.json": "[1]"}, '{"$include": "a.json", "x": 1}', "need an included object"),
        ({"a.json": '{"$include": "openclaw.json"}'}, '{"$include": "a.json"}', "circle"),
        ({"a.json": '{"x": '}, '{"$include": "a.json"}', "ends where"),
        ({"a.json": "x" * (2 * MIB + 1)}, '{"$include": "a.json"}', "regular file"),
    ],
)
def test_refused_includes(state: Path, files: dict[str, str], text: str, words: str) -> None:
    (state.parent / "outside.json").write_text("{}")
    for name, content in files.items():
        (state / name).write_text(content)
    config = config_of(state, text.replace("}", ', "gateway": {"port": 5}}', 1) if '"x"' not in text else text)
    assert config.problem is not None
    assert words in config.problem.text
    # What the file itself says still counts.
    assert config.port.value == (18789 if '"x"' in text else 5)


def chain(state: Path, length: int) -> str:
    for index in range(1, length):
        (state / f"{index}.json").write_text(f'{{"$include": "{index + 1}.json"}}')
    (state / f"{length}.json").write_text('{"gateway": {"port": 9}}')
    return '{"$include": "1.json"}'


def test_ten_includes_deep_and_no_deeper(state: Path) -> None:
    assert config_of(state, chain(state, 10)).port.value == 9
    config = config_of(state, chain(state, 11))
    assert config.problem and "more than 10 deep" in config.problem.text


def test_files_that_include_each_other_twice_end(state: Path) -> None:
    for index in range(1, 10):
        (state / f"{index}.json").write_text(json.dumps({"$include": [f"{index + 1}.json"] * 30}))
    (state / "10.json").write_text("{}")
    assert not config_of(state, '{"$include": "1.json"}').readable


def test_includes_stay_inside_unless_a_root_is_named(state: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "a.json").write_text('{"gateway": {"port": 11}}')
    (state / "link.json").symlink_to(shared / "a.json")
    for name in (str(shared / "a.json"), "link.json"):
        assert not config_of(state, json.dumps({"$include": name})).readable, name
    (state / "b.json").write_text("{}")
    (state / "hard.json").hardlink_to(state / "b.json")
    assert not config_of(state, '{"$include": "b.json"}').readable
    env = {"OPENCLAW_INCLUDE_ROOTS": f"{tmp_path}/other:{shared}"}
    for name in (str(shared / "a.json"), "link.json"):
        assert config_of(state, json.dumps({"$include": name}), env).port.value == 11, name


# History


SOUND = json.dumps({"meta": {}, "gateway": {"mode": "local"}, "filler": "x" * 800})


def test_a_sound_config_has_nothing_suspicious(state: Path) -> None:
    config = config_of(state, SOUND)
    (state / "openclaw.json.bak").write_text(SOUND)
    history = config_history(OsReadFs(), config)
    assert not history.suspicious
    assert [(copy.name, copy.parses, copy.gateway_mode) for copy in history.copies] == [
        ("openclaw.json.bak", True, "local")
    ]


def test_a_config_less_than_half_its_copies(state: Path) -> None:
    names = ["openclaw.json.bak", "openclaw.json.bak.3", "openclaw.json.last-good"]
    for name in (
        *names,
        "openclaw.json.clobbered.2026-03-20T10-11-12-345Z",
        "openclaw.json.bakery",
        "openclaw.json2",
    ):
        (state / name).write_text(SOUND)
    (state / "openclaw.json.bak.1").write_text('{"gateway":{"mode":"local"}}')
    (state / "openclaw.json.bak.2").write_text("x" * 2000)
    history = config_history(OsReadFs(), config_of(state, '{"update":{"channel":"beta"}}'))
    assert history.suspicious and history.lost_meta and history.lost_mode
    assert sorted(copy.name for copy in history.larger) == sorted(names)
    assert len(history.copies) == 6
    assert [copy.name for copy in history.copies if copy.parses is False] == ["openclaw.json.bak.2"]


def test_exactly_half_is_not_shrunk(state: Path) -> None:
    half = f'{{"meta":{{}},"gateway":{{"mode":"local"}},"f":"{"x" * 400}"}}'
    (state / "openclaw.json.bak").write_text(SOUND.ljust(2 * len(half)))
    assert not config_history(OsReadFs(), config_of(state, half)).suspicious
    (state / "openclaw.json.bak").write_text(SOUND.ljust(2 * len(half) + 2))
    assert config_history(OsReadFs(), config_of(state, half)).larger


def test_a_missing_config_beside_copies_and_a_second_object(state: Path) -> None:
    (state / "openclaw.json.last-good").write_text(SOUND)
    history = config_history(OsReadFs(), config_of(state))
    assert history.lost_mode and [copy.name for copy in history.larger] == ["openclaw.json.last-good"]
    history = config_history(OsReadFs(), config_of(state, SOUND + "\n" + SOUND))
    assert history.second_object_at == len(SOUND) + 1
    assert history.suspicious
