"""What scripts rely on: exit codes, streams, one document for everything, options on either side of the verb."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
import typer

from gatewaydoctor.cli.parser import verb_table as verbs
from gatewaydoctor.cli.parser.app import build_app
from gatewaydoctor.cli.shell.run import Globals
from tests.cli.harness import EXAMINING, NOW_MS, Machine, command, process_env, run, spawn

if TYPE_CHECKING:
    from pathlib import Path


def break_examine(*_: object) -> None:
    raise ZeroDivisionError("secret /path")


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


BUG = patch("gatewaydoctor.cli.shell.examining.examine", break_examine)
INTERRUPT = patch("gatewaydoctor.cli.shell.examining.examine", interrupt)


@pytest.mark.parametrize("verb", EXAMINING)
def test_looking_exits_0_whatever_is_found(verb: str, busy: Path) -> None:
    ran = run(verb, "--state-dir", str(busy))
    assert (ran.code, ran.err) == (0, "")
    assert ran.out


@pytest.mark.parametrize("verb", EXAMINING)
def test_a_directory_that_is_not_there_exits_2(verb: str, tmp_path: Path) -> None:
    ran = run(verb, "--state-dir", str(tmp_path / "nowhere"))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("gatewaydoctor: There is no directory ")
    assert "--state-dir DIR" in ran.err


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (("scan", "--state-dir", "/nowhere"), 2, "cannot-examine"),
        (("--state-dir", "/nowhere"), 2, "cannot-examine"),
        (("--state-dir=/nowhere", "status"), 2, "cannot-examine"),
        (("scna",), 2, "usage"),
        (("scan", "--nonsense"), 2, "usage"),
        (("scan", "--state-dir"), 2, "usage"),
        (("scan", "--format", "runes"), 2, "usage"),
        (("scan", "--now", "tomorrow"), 2, "usage"),
        (("scan", "--fail-on", "anything"), 2, "usage"),
        (("stuck", "--stuck-after", "long"), 2, "usage"),
        (("sessions", "--status", "asleep"), 2, "usage"),
        (("sessions", "--larger-than", "huge"), 2, "usage"),
        (("sessions", "--older-than", "ages"), 2, "usage"),
        (("explain", "no-such-rule"), 2, "usage"),
        (("simulate",), 2, "usage"),
        (("fixtures", "mkae"), 2, "usage"),
        (("fixtures", "make", "no-such-recipe", "--out", "/nowhere/x"), 2, "usage"),
    ],
)
def test_every_error_is_words_or_the_same_document(arguments: tuple[str, ...], code: int, error: str) -> None:
    said = run(*arguments)
    assert (said.code, said.out) == (code, "")
    assert said.err.startswith("gatewaydoctor: ")
    assert len(said.err.splitlines()) <= 2

    if "runes" in arguments:
        return  # the other format is what is wrong
    spellings = [(*arguments, "--json"), ("--json", *arguments)]
    if "--format" not in arguments:
        spellings += [(*arguments, "--format", "json"), ("--format=json", *arguments)]
    if arguments[-1] == "--state-dir":
        spellings = spellings[1:2]
    for spelled in spellings:
        told = run(*spelled)
        assert (told.code, told.err) == (code, ""), spelled
        document = told.document
        assert document["error"]["code"] == error
        assert document["error"]["message"] in " ".join(said.err.split())
        assert (document["ok"], document["exitCode"]) == (False, code)
        assert document["schemaVersion"] == "1.0"
        if "--now" not in arguments:
            assert document["now"] == NOW_MS


@pytest.mark.parametrize("verb", (*EXAMINING, "explain"))
def test_ok_is_false_exactly_when_the_exit_code_is_not_0(verb: str, busy: Path, damaged: Path) -> None:
    for root in (busy, damaged):
        ran = run(verb, "--json", "--state-dir", str(root))
        assert ran.document["ok"] is (ran.code == 0)
        assert ran.document["exitCode"] == ran.code
        assert (ran.document["error"] is None) is (ran.code != 2)


@pytest.mark.parametrize(("threshold", "code"), [("never", 0), ("critical", 0), ("error", 1), ("info", 1)])
def test_scan_fails_where_it_is_told_to(threshold: str, code: int, busy: Path) -> None:
    ran = run("scan", "--json", "--fail-on", threshold, "--state-dir", str(busy))
    assert (ran.code, ran.document["ok"], ran.document["error"]) == (code, code == 0, None)
    assert ran.document["worst"] == "error"


def test_an_unknown_verb_comes_with_a_suggestion() -> None:
    assert "Did you mean scan?" in run("scam").err
    assert "Did you mean" not in run("qqqq").err


def test_scan_is_the_default(busy: Path) -> None:
    assert run("--state-dir", str(busy)).out == run("scan", "--state-dir", str(busy)).out
    home = Machine(env={"OPENCLAW_STATE_DIR": str(busy)}).run()
    assert home.code == 0
    assert str(busy) in home.out.splitlines()[0]


@pytest.mark.parametrize("verb", EXAMINING)
def test_global_options_stand_before_or_after_the_verb(verb: str, busy: Path) -> None:
    options = ("--state-dir", str(busy), "--json", "--all", "--now", "2026-04-02T10:00:00Z", "--agent=main")
    after = run(verb, *options)
    assert after.out == run(*options, verb).out
    assert after.out == run(*options[:2], verb, *options[2:]).out
    assert after.document["now"] == NOW_MS + 3_600_000


def test_every_global_option_is_known_on_both_sides() -> None:
    for name in Globals.__struct_fields__:
        option = "--" + name.replace("_", "-")
        for ran in (
            run("explain", "--help"),
            run(option, *(() if option in _FLAGS else ("x",)), "explain", "--help"),
        ):
            assert ran.code == 0, option
            assert option in ran.out, option


_FLAGS = ("--json", "--all", "--redact", "--no-color", "--quiet", "--verbose", "--debug")


def test_the_clock_is_an_option_or_a_variable(busy: Path) -> None:
    arguments = ("scan", "--json", "--state-dir", str(busy))
    assert run(*arguments).document["now"] == NOW_MS
    assert run(*arguments, "--now", "1775120400001").document["now"] == NOW_MS + 1
    assert run(*arguments, "--now", "2026-04-02T11:00:00+02:00").document["now"] == NOW_MS
    assert run(*arguments, "--now", "2026-04-02T09:00:00").document["now"] == NOW_MS
    wrong = Machine(env={"GATEWAYDOCTOR_NOW": "soon"}).run(*arguments)
    assert wrong.code == 2
    assert "GATEWAYDOCTOR_NOW 'soon' is not a time." in wrong.document["error"]["message"]


def test_a_bug_is_one_sentence_and_no_traceback(busy: Path) -> None:
    with BUG:
        said = run("scan", "--state-dir", str(busy))
        told = run("scan", "--json", "--state-dir", str(busy))
    assert (said.code, said.out) == (70, "")
    assert said.err.startswith("gatewaydoctor: A bug in gatewaydoctor: ZeroDivisionError.\n")
    assert "--debug" in said.err
    assert "secret" not in said.err
    assert "Traceback" not in said.err
    assert (told.code, told.document["exitCode"], told.document["error"]["code"]) == (70, 70, "bug")


def test_debug_shows_the_traceback_of_a_bug(busy: Path) -> None:
    with BUG:
        ran = run("--debug", "scan", "--state-dir", str(busy))
    assert ran.code == 70
    assert "Traceback (most recent call last)" in ran.err
    assert "ZeroDivisionError: secret /path" in ran.err
    assert "Traceback" not in run("--debug", "scan", "--state-dir", "/nowhere").err


def test_an_interrupt_exits_130(busy: Path) -> None:
    with INTERRUPT:
        said = run("scan", "--state-dir", str(busy))
        told = run("scan", "--json", "--state-dir", str(busy))
    assert (said.code, said.out) == (130, "")
    assert said.err == "gatewaydoctor: Interrupted. Nothing was written.\n"
    assert (told.code, told.document["ok"], told.document["error"]["code"]) == (130, False, "interrupted")


def test_a_real_sigint_exits_130(tmp_path: Path) -> None:
    """The program is stopped while it waits for somebody to read its output."""
    store = tmp_path / "agents/main/sessions/sessions.json"
    store.parent.mkdir(parents=True)
    rows = ",\n".join(f'  "agent:main:hook:{n}": {{"sessionId": "{n}", "updatedAt": 1}}' for n in range(20_000))
    store.write_text("{\n" + rows + "\n}")
    arguments = command("sessions", "--format", "ndjson", "--state-dir", str(tmp_path))
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=process_env(), text=True
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["key"] == "agent:main:hook:0"
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (130, "")
    assert json.loads(out.splitlines()[-1])["error"]["code"] == "interrupted"


@pytest.mark.parametrize(
    "arguments", [("sessions", "--format", "ndjson"), ("scan",), ("scan", "--json"), ("--help",)]
)
def test_a_reader_that_goes_away_is_no_error(arguments: tuple[str, ...], busy: Path) -> None:
    line = [*command(*arguments), *(() if "--help" in arguments else ("--state-dir", str(busy)))]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=process_env()) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        err = process.stderr.read()
    assert (process.returncode, err) == (0, b"")


@pytest.mark.parametrize("arguments", [("scan",), ("scan", "--json"), ("sessions", "--format", "ndjson")])
def test_output_that_cannot_be_written_is_said(arguments: tuple[str, ...], busy: Path) -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*command(*arguments), "--state-dir", str(busy)],
            stdout=full, stderr=subprocess.PIPE, env=process_env(), check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.decode().startswith(
        "gatewaydoctor: The output could not be written: No space left on device.\n"
    )


def test_a_narrow_encoding_does_no_harm(busy: Path) -> None:
    ascii_only = spawn("scan", "--verbose", "--state-dir", str(busy), PYTHONIOENCODING="ascii:strict")
    assert ascii_only.code == 0
    assert "\\xb7" in ascii_only.out  # the dot that stands for nothing


def test_help_is_there_for_everything() -> None:
    top = run("--help", "-v")
    assert top.code == 0
    for verb in verbs.VERBS:
        assert f" {verb} " in top.out
        ran = run(verb, "--help")
        assert ran.code == 0, verb
        assert f"Usage: gatewaydoctor {verb}" in ran.out
        for sub in verbs.GROUPS.get(verb, ()):
            assert f"Usage: gatewaydoctor {verb} {sub}" in run(verb, sub, "--help").out


def test_the_first_help_fits_a_terminal_and_names_every_verb_and_option() -> None:
    short, whole = run("--help").out, run("--help", "-v").out
    assert len(short.splitlines()) <= 23
    assert max(map(len, short.splitlines())) <= 80
    names = {*verbs.VERBS, *re.findall(r"--[a-z][a-z-]+", whole)}
    assert [name for name in names if not re.search(rf"(?<![\w-]){name}(?![\w-])", short)] == []
    assert [name for name in verbs.USED_MOST if f"  {name} " not in short] == []


PATHS = [(verb, *([sub] if sub else [])) for verb in verbs.VERBS for sub in verbs.GROUPS.get(verb, {"": ""})]


@pytest.mark.parametrize("path", PATHS)
def test_help_is_short_and_with_verbose_it_describes_every_option(path: tuple[str, ...]) -> None:
    found: Any = typer.main.get_command(build_app(path[0]))
    for name in path:
        found = found.commands[name] if name in getattr(found, "commands", ()) else found
    options = {name for each in found.params if each.param_type_name == "option" for name in each.opts}
    short, whole = run(*path, "--help").out, run(*path, "--help", "-v").out
    assert len(short.splitlines()) <= 50
    assert max(map(len, short.splitlines())) <= 80
    assert all(re.search(rf"(?<![\w-]){name}(?![\w-])", short) for name in options)
    first = [
        line for line in whole.splitlines() if line.startswith("  -") and not line.startswith("  --state-dir DIR,")
    ]
    assert not any(line.startswith("  --state-dir DIR,") for line in first)
    assert [name for name in options if not any(re.search(rf"{name}(?![\w-])", line) for line in first)] == []


def test_every_verb_is_under_a_heading_of_the_help_screen() -> None:
    assert sorted(name for names in verbs.PANELS.values() for name in names) == sorted(verbs.VERBS)


def test_the_program_runs_as_a_module_and_says_its_version() -> None:
    ran = spawn("--version")
    assert ran.code == 0
    assert ran.out.startswith("gatewaydoctor ")


def test_quiet_shows_less_and_verbose_more(busy: Path) -> None:
    for verb in EXAMINING:
        arguments = (verb, "--state-dir", str(busy))
        plain, quiet, verbose = run(*arguments), run(*arguments, "--quiet"), run(*arguments, "--verbose")
        assert not any(words in quiet.out for words in ("next: ", "gateway not running")), verb
        assert set(plain.out.splitlines()) - set(quiet.out.splitlines()), verb
        step = "Details: gatewaydoctor" if verb == "scan" else "next:"
        assert step in plain.out
        assert step not in quiet.out
        if verb != "sessions":
            assert len(verbose.out) > len(plain.out), verb
            assert "meta.lastTouchedVersion" in verbose.out
            assert str(busy / "openclaw.json") in "".join(verbose.out.split())


def test_commands_can_be_pasted(busy: Path, tmp_path: Path) -> None:
    """The next step repeats where to look as it was given, quoted for a shell."""
    odd = tmp_path / "it's here"
    odd.symlink_to(busy)
    ran = run("cron", "--state-dir", str(odd), "--agent", "main")
    step = ran.out.partition("next:")[2].partition("\n")[2]
    shown = subprocess.run(
        ["sh", "-c", f'gatewaydoctor() {{ for word; do printf "%s\\n" "$word"; done; }}; {step}'],
        capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    assert shown[0] == "repair"
    assert shown[-4:] == ["--state-dir", str(odd), "--agent", "main"]
    followed = run(*shown, "--json")
    assert (followed.document["command"], followed.document["error"]) == ("repair", None)


@pytest.mark.parametrize("verb", EXAMINING)
def test_lists_are_capped_and_say_so(verb: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    from tests.cli.scenes import Scene, ago, entry, job

    scene = Scene(tmp_path_factory.mktemp("many"))
    scene.config()
    runs = {f"agent:main:cron:job-{n}:run:r{n}": entry(f"r{n}", ago(9_000_000 + n), "running") for n in range(150)}
    scene.store(runs)
    scene.jobs(*(job(f"job-{n}", f"job {n}") for n in range(150)))
    capped = run(verb, "--state-dir", str(scene.root))
    everything = run(verb, "--all", "--state-dir", str(scene.root))
    if verb in ("cron", "stuck", "sessions"):
        assert "--all shows all." in capped.out
        assert len(everything.out) > len(capped.out)
    assert "--all shows all." not in everything.out
    told = run(verb, "--json", "--state-dir", str(scene.root)).document
    for store in told["stores"]:
        assert len(store["cron"]) == 100
    if verb == "sessions":
        assert (told["details"]["total"], len(told["details"]["sessions"])) == (150, 100)
    if verb == "stuck":
        assert (told["details"]["stuck"], len(told["details"]["entries"])) == (150, 100)
