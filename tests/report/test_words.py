"""Words, names and commands as they are shown."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import shutil
import subprocess
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from gatewaydoctor.model.command import Command, typed
from gatewaydoctor.report import words
from gatewaydoctor.report.invocation import Invocation
from gatewaydoctor.report.names import Names
from gatewaydoctor.report.printer import encode
from gatewaydoctor.report.screens.blocks.fitting import Jointed, fill, wrapped
from gatewaydoctor.report.screens.blocks.parts import print_command
from gatewaydoctor.report.screens.blocks.tables import keyed

HARMFUL = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)
WORD = st.text("abcdefghij-_.:/ '\"$é", min_size=1, max_size=30)


@given(ANY_TEXT)
def test_harmless_text_steers_nothing_and_says_everything(text: str) -> None:
    shown = words.harmless(text)
    assert all(unicodedata.category(char) not in HARMFUL for char in shown)
    assert words.harmless(shown) == shown
    kept = "".join(char for char in text if unicodedata.category(char) not in HARMFUL)
    assert len(shown) >= len(kept)
    assert shown == text or "\\" in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Grüße, 世界 👋", "Grüße, 世界 👋"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\nb\tc", "a\\x0ab\\x09c"),
        ("\u202eabc", "\\u202eabc"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
    ],
)
def test_what_harmless_makes_of_it(text: str, shown: str) -> None:
    assert words.harmless(text) == shown


@given(st.dictionaries(ANY_TEXT, st.lists(st.one_of(ANY_TEXT, st.integers(-(2**63), 2**63 - 1)), max_size=3)))
def test_encoded_json_is_exact_and_harmless(value: dict[str, list[str | int]]) -> None:
    for indent in (0, 2):
        text = encode(value, indent=indent)
        assert json.loads(text) == value
        assert all(char == "\n" or unicodedata.category(char) not in HARMFUL for char in text)


def test_a_long_name_is_cut_and_says_so() -> None:
    assert words.shown("k" * 1_000_000).endswith("k… (1,000,000 characters)")
    assert len(words.shown("k" * 1_000_000)) < 400
    assert words.shown("k" * 300) == "k" * 300


@pytest.mark.parametrize(
    ("at", "age", "since"),
    [
        (None, "never", "never"),
        (1_000_000 - 15_700, "15 s ago", "15 s"),
        (1_000_000, "just now", "just now"),
        (1_000_000 - 90_000, "1 min 30 s ago", "1 min 30 s"),
        (1_000_000 - 200_000_000, "2 d 7 h ago", "2 d 7 h"),
        (1_000_000 + 3_600_000, "in 1 h", "in 1 h"),
    ],
)
def test_ages(at: int | None, age: str, since: str) -> None:
    assert words.age(at, 1_000_000) == age
    assert words.since(at, 1_000_000) == since


@given(st.text("ab:/-_é世", max_size=60), st.integers(2, 30))
def test_filled_lines_hold_the_text_within_the_width(text: str, width: int) -> None:
    lines = fill(text, width)
    assert "".join(lines) == text
    assert all(cell_len(line) <= width for line in lines)


@pytest.mark.parametrize("width", range(8, 40))
def test_a_time_of_day_stays_on_one_line(width: int) -> None:
    lines = fill("starts on /srv/12:30 (2026-09-21 12:00 UTC): at 23:59", width)
    assert sum("12:00" in line for line in lines) == sum("23:59" in line for line in lines) == 1


@pytest.mark.parametrize("width", range(12, 60))
def test_what_is_left_out_of_a_sentence_leaves_no_piece_of_a_word(width: int) -> None:
    text = "3 jobs with 6,522 run rows, up to 51 at one tick, ticks 22.3 s apart"
    lines = wrapped(text, width, 1)
    assert [cell_len(line) <= width for line in lines] == [True]
    assert lines[0].endswith(" …")
    assert f"{text} ".startswith(f"{lines[0].removesuffix('…')}")
    assert wrapped(text, 99, 1) == [text]


def test_keys_are_broken_at_their_joints() -> None:
    key = "agent:main:cron:71c019c0-895e-4081-88fc-8d52ce43bb11:run:44c0969b"
    assert fill(key, 80) == [key]
    assert fill(key, 60) == ["agent:main:cron:71c019c0-895e-4081-88fc-8d52ce43bb11:run:", "44c0969b"]
    assert fill(key, 40) == ["agent:main:cron:", "71c019c0-895e-4081-88fc-8d52ce43bb11:", "run:44c0969b"]
    assert fill("/srv/openclaw/agents/main", 15) == ["/srv/openclaw/", "agents/main"]


@pytest.mark.parametrize(("width", "lines"), [(100, 3), (60, 5), (40, 7)])
def test_a_table_gives_long_keys_lines_of_their_own(width: int, lines: int) -> None:
    keys = ("agent:main:" + "x" * 40, "agent:main:main")
    rows = [(("done", "1 h"), Jointed(keys[0])), (("running", "2 h"), Jointed(keys[1]))]
    out = io.StringIO()
    keyed(Console(file=out, width=width), ("status", "age"), "key", rows)
    shown = out.getvalue().splitlines()
    assert len(shown) == lines
    assert max(map(len, shown)) <= width
    whole = "".join(line.strip() for line in shown)
    assert all(key in whole for key in keys)


@given(st.lists(WORD, min_size=1, max_size=4), st.integers(30, 90))
def test_a_printed_command_can_be_pasted_whole(values: list[str], width: int) -> None:
    options = tuple((f"--option-{place}", value) for place, value in enumerate(values))
    command = Invocation(("gatewaydoctor",), options).command("scan")
    out = io.StringIO()
    console = Console(file=out, width=width, markup=False, highlight=False)
    print_command(console, Text(), command, 6)
    wanted = ["gatewaydoctor", "scan", *(word for option in options for word in option)]
    # Python's shlex does not know that a backslash joins lines.
    assert shlex.split(out.getvalue().replace(" \\\n", " ")) == wanted
    longest = max(len(shlex.quote(value)) for value in values) + len("      ") + len("    --option-0 ") + 2
    assert max(len(line) for line in out.getvalue().splitlines()) <= max(width, longest)


def test_commands_are_completed_where_they_look_at_a_directory() -> None:
    pasted = Invocation(("./gatewaydoctor.pyz",), (("--state-dir", "/x y"), ("--agent", "main")))
    assert str(pasted.command("scan")) == "./gatewaydoctor.pyz scan --state-dir '/x y' --agent main"
    assert str(pasted.command("explain", "store-bloat")) == "./gatewaydoctor.pyz explain store-bloat"
    assert pasted.command("repair") == pasted.complete(pasted.command("repair")), "completed once"
    stop = Command(("stop", "openclaw"), program=("systemctl",))
    assert pasted.complete(stop) == stop
    told = pasted.hinted("Run `gatewaydoctor repair`, see `gatewaydoctor explain x`.")
    assert told == (
        "Run `./gatewaydoctor.pyz repair --state-dir '/x y' --agent main`, see `./gatewaydoctor.pyz explain x`."
    )


@pytest.mark.parametrize("key", ["a`b", "it's `c`", 'say "`"', "x --state-dir y", "plain"])
def test_a_command_is_completed_behind_its_last_word(key: str) -> None:
    told = Invocation(options=(("--state-dir", "/x"),)).hinted(f"To park it: `{typed('park', key)}`, isn't it?")
    command = told.removeprefix("To park it: `").removesuffix("`, isn't it?")
    assert shlex.split(command) == ["gatewaydoctor", "park", key, "--state-dir", "/x"]


SECRET = st.text("abcdefghijklmnopqrstuvwxyz0123456789._-+@", min_size=1, max_size=12).map(lambda text: f"zq{text}qz")
"""No word of the program looks like that."""


@given(SECRET, SECRET, SECRET)
def test_redaction_lets_no_unknown_word_through(agent: str, peer: str, session: str) -> None:
    names = Names(redact=True, places=(("/srv/state", "<state-dir>"),))
    names.know(agent, "agent")
    shown = [
        names.key(f"agent:{agent}:telegram:direct:{peer}"),
        names.path(f"/srv/state/agents/{agent}/sessions/{session}.jsonl"),
        names.path(f"/home/{peer}/{session}.jsonl.deleted.2026-03-20T10-11-12.345Z"),
        names.text(f"Something of {agent} at /srv/state/agents/{agent}/sessions/{session}.jsonl was seen."),
        str(names.value({"sessionId": session, "name": peer, "keys": [f"agent:{agent}:main"], agent: 1})),
    ]
    assert not [text for text in shown if {agent, peer, session} & set(re.split(r"[\s/:'{},]+", text))]
    assert not [text for text in shown if re.search(r"zq|qz", text)]


def test_aliases_do_not_depend_on_case_and_stay_the_same() -> None:
    names = Names(redact=True)
    assert names.key("agent:work:cron:Job-A:run:r1") == names.key("agent:WORK:cron:job-a:run:R1").replace(
        "WORK", "work"
    )
    assert names.exact().identifier("job-a") == names.identifier("JOB-A")
    assert names.identifier("main") == "main"


def test_the_structure_of_keys_and_paths_stays() -> None:
    names = Names(redact=True, places=(("/srv/state", "<state-dir>"),))
    assert names.key("agent:main:main") == "agent:main:main"
    assert names.key("agent:main:telegram:group:-100:topic:7") == "agent:main:telegram:group:id-1:topic:topic-1"
    assert names.path("/srv/state/cron/jobs.json") == "<state-dir>/cron/jobs.json"
    assert names.path("/srv/state-of-mind/x").startswith("/srv/name-")
    assert names.text("Nothing answers on 127.0.0.1:18789.") == "Nothing answers on 127.0.0.1:18789."
    assert names.value({"status": "running", "kind": "cron-run", "release": "2026.3.28", "count": 5}) == {
        "status": "running", "kind": "cron-run", "release": "2026.3.28", "count": 5,
    }  # fmt: skip


@pytest.mark.parametrize("redact", [False, True])
def test_a_command_is_never_shortened(redact: bool) -> None:
    names = Names(redact=redact)
    jobs = [f"job-{'abcdefgh'[n]}{'x' * 40}" for n in range(8)]
    for job in jobs:
        names.know(job, "job-id")
    command = typed("repair", "cron", *(word for job in jobs for word in ("--disable", job)))
    shown = [f"job-id-{n}" for n in range(1, 9)] if redact else jobs
    assert names.command(command).words[1::2] == ("cron", *shown)
    assert shlex.split(names.line(command))[2::2] == ["cron", *shown]


@pytest.mark.parametrize("secret", ["x", "a/b", "a:b", "Europe/Zurich"])
def test_a_known_name_has_one_alias_everywhere(secret: str) -> None:
    names = Names(redact=True)
    names.know(secret, "job-id")
    assert {names.text(secret), names.value(secret, "jobId"), names.identifier(secret, "job")} == {"job-id-1"}


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize("name", ["a\nb", "it's \x1b[31m\\n", "\udc80", "\u202eü", "plain ü"])
def test_a_command_with_a_hostile_path_can_be_pasted(name: str) -> None:
    told = " ".join(words.quoted(Command(("%s", name), program=("printf",))))
    assert told == words.harmless(told)
    ran = subprocess.run(["bash", "-c", told], capture_output=True, check=True)
    assert os.fsdecode(ran.stdout) == name


@given(ANY_TEXT)
def test_any_command_can_be_shown(name: str) -> None:
    told = " ".join(words.quoted(typed("cron", "--state-dir", name)))
    assert told == words.harmless(told)


@pytest.mark.parametrize("width", range(14, 44))
def test_no_line_begins_with_the_blank_behind_a_colon(width: int) -> None:
    told = "20 conversations wait. Affected: 2 of them"
    lines = fill(told, width)
    assert "".join(lines) == told
    assert not [line for line in lines if line.startswith(" ")]


@pytest.mark.parametrize("width", [-1, 0, 1, 7])
def test_a_line_has_room_for_a_word_however_narrow_the_terminal(width: int) -> None:
    assert words.lines("a few words", width) == ["a few", "words"]
