"""Every damage to a store is one true sentence with its offset; what cannot be read hides nothing else."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.failing import WAYS, Failing, in_its_place
from tests.cli.harness import EXAMINING, Ran, run
from tests.cli.scenes import Scene, ago, busy, entry, job

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


STORE = "agents/main/sessions/sessions.json"
KEY = b'  "agent:main:main": '
ENTRY = b'{"sessionId": "s1", "updatedAt": 1775116800000, "status": "done"}'
SOUND = b"{\n" + KEY + ENTRY + b",\n" + KEY.replace(b"main:main", b"main:direct:p") + ENTRY + b"\n}\n"
END = len(SOUND)


def at(data: bytes, piece: bytes) -> int:
    found = data.find(piece)
    assert found >= 0
    return found


@dataclass(frozen=True)
class Damage:
    """What is done to a store, the rule that tells it, the offset, and words of the sentence."""

    name: str
    data: bytes
    offset: int
    words: str
    rule: str = "store-unparseable"
    entries: int = 0


def damages() -> Iterator[Damage]:
    comma = SOUND.replace(b"}\n}\n", b"},\n}\n")
    nan = SOUND.replace(b"1775116800000", b"NaN", 1)
    control = SOUND.replace(b'"s1"', b'"s\x1b1"', 1)
    escape = SOUND.replace(b'"s1"', b'"s\\x1"', 1)
    zeroed = bytearray(SOUND)
    zeroed[60:90] = bytes(30)
    yield Damage("empty", b"", 0, "The file is empty")
    yield Damage("blank", b" \n\t ", 4, "only white space")
    yield Damage("cut in a key", SOUND[:10], 10, "The file ends inside a string")
    yield Damage("cut in an entry", SOUND[:60], 60, "The file ends")
    yield Damage("cut between entries", SOUND[: at(SOUND, b",\n  ") + 1], at(SOUND, b",\n  ") + 1, "ends", entries=1)
    yield Damage("cut before the end", SOUND[:-3], END - 3, "The file ends", entries=2)
    yield Damage("a byte order mark", b"\xef\xbb\xbf" + SOUND, 0, "byte order mark")
    yield Damage("a tail of zeros", SOUND + bytes(4096), END, "NUL", entries=2)
    yield Damage("zeros only", bytes(4096), 0, "NUL")
    yield Damage("zeros in the middle", bytes(zeroed), 60, "NUL")
    yield Damage("binary", bytes(range(128, 256)), 0, "0x80")
    yield Damage("two documents", SOUND + SOUND, END, "extra text after", entries=2)
    yield Damage("a trailing comma", comma, at(comma, b"},\n}") + 3, "comma", entries=2)
    yield Damage("NaN", nan, at(nan, b"NaN"), "NaN")
    yield Damage("a raw control character", control, at(control, b"\x1b"), "0x1b")
    yield Damage("a bad escape", escape, at(escape, b"\\x") + 1, "escape")
    for name, data in (("array", b"[1, 2]"), ("text", b'"hello"'), ("number", b"-4.5e3"), ("null", b"null")):
        yield Damage(name, data, 0, "", rule="store-not-object")


def scan(root: Path) -> Ran:
    return run("scan", "--json", "--state-dir", str(root))


def of(ran: Ran, rule: str) -> list[dict[str, Any]]:
    return [finding for finding in ran.document["findings"] if finding["rule"] == rule]


@pytest.mark.parametrize("damage", list(damages()), ids=lambda damage: damage.name)
def test_a_damage_is_one_sentence_with_its_offset(damage: Damage, tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.config()
    scene.write(STORE, damage.data)
    told = scan(tmp_path)
    assert told.code == 0
    critical = [finding for finding in told.document["findings"] if finding["severity"] == "critical"]
    assert [finding["rule"] for finding in critical] == [damage.rule]
    message = critical[0]["message"]
    assert f"at byte {damage.offset:,}." in message
    assert damage.words.lower() in message.lower()
    store = told.document["stores"][0]
    assert store["readable"] == "gateway-empty"
    assert (store["fault"]["offset"], store["entries"]) == (damage.offset, damage.entries)
    assert critical[0]["consequence"]

    said = run("scan", "--state-dir", str(tmp_path))
    assert said.code == 0
    flat = " ".join(said.out.split())
    assert "WILL IT START At risk. It would lose all of agent main" in flat
    assert f"at byte {damage.offset:,}." in flat
    assert "as EMPTY" in flat
    assert " ".join(message.split()) in " ".join(run("scan", "-v", "--state-dir", str(tmp_path)).out.split())


def test_cut_anywhere_the_offset_is_the_end(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.config()
    for length in range(1, len(SOUND.rstrip()) - 1, 7):
        scene.write(STORE, SOUND[:length])
        store = scan(tmp_path).document["stores"][0]
        assert (store["readable"], store["fault"]["offset"]) == ("gateway-empty", length)


TAKEN = {
    "invalid UTF-8": (SOUND.replace(b'"s1"', b'"s\xff\xfe1"', 1), 2, None),
    "lone surrogates": (SOUND.replace(b'"s1"', b'"s\\ud800"', 1), 2, None),
    "a lone surrogate in a key": (SOUND.replace(b"direct:p", b"direct:\\udc00"), 2, None),
    "an integer over 64 bits": (SOUND.replace(b"1775116800000", b"9" * 40, 1), 2, None),
    "1e400": (SOUND.replace(b"1775116800000", b"1e400", 1), 2, None),
    "a key twice": (SOUND.replace(b"main:direct:p", b"main:main"), 1, "store-duplicate-key"),
    "keys in two cases": (SOUND.replace(b"main:direct:p", b"main:MAIN"), 2, "store-case-variant-key"),
    "a null entry": (SOUND.replace(ENTRY, b"null", 1), 2, "store-invalid-entry"),
    "a list for an entry": (SOUND.replace(ENTRY, b"[]", 1), 2, "store-invalid-entry"),
    "a key of 1 MB": (SOUND.replace(b"direct:p", b"direct:" + b"p" * 1_000_000), 2, None),
    "another layout": (SOUND.replace(b"\n", b"").replace(b"  ", b""), 2, None),
}


@pytest.mark.parametrize("name", TAKEN)
@pytest.mark.parametrize("verb", ["scan", "status", "sessions"])
def test_what_the_gateway_takes_is_taken(name: str, verb: str, tmp_path: Path) -> None:
    data, entries, rule = TAKEN[name]
    scene = Scene(tmp_path)
    scene.config()
    scene.write(STORE, data)
    ran = run(verb, "--json", "--state-dir", str(tmp_path))
    assert ran.code == 0
    if verb == "sessions":
        assert ran.document["details"]["total"] == entries
    else:
        store = ran.document["stores"][0]
        assert (store["readable"], store["fault"], store["entries"]) == ("yes", None, entries)
        rules = {finding["rule"] for finding in ran.document["findings"]}
        assert rule is None or rule in rules
        assert not rules & {"store-unparseable", "store-not-object"}
    said = run(verb, "--all", "--verbose", "--state-dir", str(tmp_path))
    assert said.code == 0
    assert len(said.out) < 20_000


def test_nesting_of_100_000_is_examined(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.config()
    deep = b'{"sessionId": "s1", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    scene.write(STORE, SOUND.replace(ENTRY, deep, 1))
    assert run("sessions", "--json", "--state-dir", str(tmp_path)).document["details"]["total"] == 2
    assert scan(tmp_path).document["stores"][0]["entries"] == 2


def test_a_store_over_the_gateways_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewaydoctor.model.gateway.store.UNREADABLE_FROM_BYTES", END)
    monkeypatch.setattr("gatewaydoctor.storage.files.reader.UNREADABLE_FROM_BYTES", END)
    scene = Scene(tmp_path)
    scene.config()
    scene.write(STORE, SOUND)
    told = scan(tmp_path)
    assert told.code == 0
    assert of(told, "store-too-large-for-gateway")[0]["severity"] == "critical"
    store = told.document["stores"][0]
    assert (store["readable"], store["fault"], store["entries"]) == ("gateway-empty", None, 2)


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("verb", EXAMINING)
def test_one_unreadable_store_of_two_hides_nothing(how: str, verb: str, tmp_path: Path) -> None:
    busy(tmp_path)
    fs = in_its_place(how, tmp_path / STORE)
    told = run(verb, "--json", "--state-dir", str(tmp_path), fs=fs)
    assert (told.code, told.document["ok"], told.document["error"]) == (0, True, None)
    if verb == "sessions":
        assert [row["key"] for row in told.document["details"]["sessions"]] == ["agent:workroom:main"]
        assert len(told.document["details"]["problems"]) == 1
    else:
        stores = {store["agentId"]: store for store in told.document["stores"]}
        assert (stores["main"]["readable"], stores["workroom"]["readable"]) == ("no", "yes")
        assert stores["workroom"]["entries"] == 1
        assert stores["main"]["transcripts"]["files"] == 4
        expected = "permission-denied" if how == "forbidden" else "store-unparseable"
        assert expected in {finding["rule"] for finding in told.document["findings"]}
        assert told.document["subagents"]["runs"] == 3
    said = run(verb, "--state-dir", str(tmp_path), fs=fs)
    assert (said.code, said.err) == (0, "")


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("verb", EXAMINING)
def test_where_no_store_can_be_read_the_rest_is_told_and_the_exit_code_is_2(
    how: str, verb: str, tmp_path: Path
) -> None:
    scene = Scene(tmp_path)
    scene.config()
    scene.store({"agent:main:main": entry("s1", ago(1))})
    scene.transcript("s2", "kept")
    scene.jobs(job("j", "a job"))
    fs = in_its_place(how, tmp_path / STORE)
    told = run(verb, "--json", "--state-dir", str(tmp_path), fs=fs)
    assert (told.code, told.document["ok"], told.document["exitCode"]) == (2, False, 2)
    assert told.document["error"]["code"] == "cannot-examine"
    if verb != "sessions":
        assert told.document["stores"][0]["transcripts"]["files"] == 1
        assert told.document["findings"]
    said = run(verb, "--state-dir", str(tmp_path), fs=fs)
    assert said.code == 2
    assert said.err.startswith("gatewaydoctor: No session store could be read.\n")
    assert str(tmp_path) in "".join(said.out.split())


@pytest.mark.parametrize("verb", EXAMINING)
def test_a_file_that_vanishes_meanwhile_is_no_error(verb: str, tmp_path: Path) -> None:
    busy(tmp_path)
    sessions = tmp_path / "agents/main/sessions"
    for path in (tmp_path / "cron/jobs.json", tmp_path / "subagents/runs.json", *sessions.glob("*.jsonl")):
        told = run(verb, "--json", "--state-dir", str(tmp_path), fs=in_its_place("gone", path))
        assert (told.code, told.document["error"]) == (0, None), path
        assert run(verb, "--state-dir", str(tmp_path), fs=in_its_place("gone", path)).code == 0, path


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("name", ["openclaw.json", "cron/jobs.json", "subagents/runs.json"])
def test_other_files_that_cannot_be_read_are_told(how: str, name: str, tmp_path: Path) -> None:
    busy(tmp_path)
    fs = in_its_place(how, tmp_path / name)
    for verb in EXAMINING:
        assert run(verb, "--json", "--state-dir", str(tmp_path), fs=fs).code == 0, verb
    told = run("scan", "--json", "--state-dir", str(tmp_path), fs=fs)
    rules = {finding["rule"] for finding in told.document["findings"]}
    expected = {
        "openclaw.json": "config-unreadable",
        "cron/jobs.json": "cron-store-unparseable",
        "subagents/runs.json": "subagents-unreadable",
    }
    assert ("permission-denied" if how == "forbidden" and name == "openclaw.json" else expected[name]) in rules
    assert told.document["stores"][0]["entries"] == 19


@pytest.mark.parametrize("name", ["agents/main/sessions", "agents", "cron", "subagents", "agents/workroom"])
def test_directories_that_cannot_be_listed_end_nothing(name: str, tmp_path: Path) -> None:
    busy(tmp_path)
    for verb in EXAMINING:
        ran = run(verb, "--json", "--state-dir", str(tmp_path), fs=Failing({tmp_path / name: errno.EACCES}))
        assert (ran.code, ran.document["error"]) == (0, None), verb
        if verb == "scan":
            assert of(ran, "permissions")[0]["count"] == 1
    said = run("scan", "--state-dir", str(tmp_path), fs=Failing({tmp_path / name: errno.EACCES}))
    if name == "agents/main/sessions":
        assert "could not be read" in said.out
        assert "intact" not in said.out, "the transcripts were not seen"


def test_a_state_directory_that_cannot_be_listed_exits_2(tmp_path: Path) -> None:
    busy(tmp_path)
    for code in (errno.EACCES, errno.EIO):
        ran = run("scan", "--state-dir", str(tmp_path), fs=Failing({tmp_path: code}))
        assert (ran.code, ran.out) == (2, "")
        assert str(tmp_path) in ran.err


def test_a_file_or_a_dead_link_is_no_state_directory(tmp_path: Path) -> None:
    file, link = tmp_path / "file", tmp_path / "link"
    file.write_text("x")
    link.symlink_to(tmp_path / "nowhere")
    for path in (file, link):
        ran = run("scan", "--state-dir", str(path))
        assert (ran.code, ran.out) == (2, "")
