"""What real shells offer at Tab."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.cli.parser.verb_table import GROUPS, VERBS
from gatewaydoctor.completion.shells import KEPT
from gatewaydoctor.repair.drafting.options import Repair
from tests.completions.conftest import NEW, OLD, TORN
from tests.completions.shells import bash, fish, need, screen, script

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

REPORTS = {"text", "json", "ndjson", "junit", "github", "prometheus", "nagios", "markdown", "html"}
LINES: tuple[tuple[str, set[str]], ...] = (
    ("gatewaydoctor ", set(VERBS)),
    ("gatewaydoctor s", {verb for verb in VERBS if verb.startswith("s")}),
    ("gatewaydoctor --quiet --state-dir STATE ", set(VERBS)),
    ("gatewaydoctor runs ", set(GROUPS["runs"])),
    ("gatewaydoctor --state-dir=STATE runs --redact ", set(GROUPS["runs"])),
    ("gatewaydoctor simulate ", set(GROUPS["simulate"])),
    ("gatewaydoctor simulate chat-buffers --compare --remedy ", {"sweep-stale-buffers", "all"}),
    ("gatewaydoctor completions ", set(KEPT)),
    ("gatewaydoctor nonsense ", set()),
    ("gatewaydoctor check --fail-on ", {"critical", "error", "warning", "info", "never"}),
    ("gatewaydoctor check --format ", REPORTS),
    ("gatewaydoctor check --format=j", {"json", "junit"}),
    ("gatewaydoctor --format n", {"ndjson", "nagios"}),
    ("gatewaydoctor cron --format ", {"text", "json"}),
    ("gatewaydoctor check --max-age ", set()),
    ("gatewaydoctor check --only cron-s", {"cron-store-unparseable"}),
    ("gatewaydoctor check --threshold disk-", {"disk-bytes=", "disk-inodes="}),
    ("gatewaydoctor explain cron-z", {"cron-zombie-running"}),
    ("gatewaydoctor repair ", {repair.value for repair in Repair}),
    ("gatewaydoctor repair trim --yes ex", {"expire"}),
    ("gatewaydoctor repair --state-dir STATE --resume ", {TORN}),
    ("gatewaydoctor repair --transcripts ", {"vault", "leave"}),
    ("gatewaydoctor undo --state-dir STATE ", {OLD, NEW, TORN}),
    ("gatewaydoctor --state-dir STATE undo 20260402T083", {NEW}),
    ("gatewaydoctor runs verify --state-dir 'STATE' ", {OLD, NEW, TORN}),
    ("gatewaydoctor undo --state-dir /nowhere ", set()),
    ("gatewaydoctor --state-dir STATE --agent ", {"main", "ops"}),
    ("gatewaydoctor --state-dir STATE --agent=o", {"ops"}),
    ("gatewaydoctor sessions --job n --state-dir STATE --job n", {"nightly"}),
    ("gatewaydoctor fixtures make cap-", {"cap-storm"}),
    ("gatewaydoctor integrate systemd --form s", {"system"}),
    ("gatewaydoctor integrate --form s", {"system", "service", "script"}),
)


def filled(line: str, state_dir: Path) -> str:
    return re.sub(r"\bSTATE\b", lambda _: str(state_dir), line)


@pytest.mark.parametrize(("line", "words"), LINES, ids=[line for line, _ in LINES])
def test_bash(line: str, words: set[str], state_dir: Path, env: Mapping[str, str]) -> None:
    offered = {each.partition("  (")[0] for each in bash(filled(line, state_dir), env)}
    assert {each for each in offered if not each.startswith("-")} == words


@pytest.mark.parametrize(("line", "words"), LINES, ids=[line for line, _ in LINES])
def test_fish(line: str, words: set[str], state_dir: Path, env: Mapping[str, str]) -> None:
    offered = {each.partition("\t")[0] for each in fish(filled(line, state_dir), env)}
    option, equals, _ = line.rpartition(" ")[2].partition("=")
    assert offered == ({f"{option}={word}" for word in words} if equals else words)


ON_SCREEN: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("gatewaydoctor ", ("scan", "simulate", "fixtures"), "completions"),
    ("gatewaydoctor --state-dir STATE sessions --job ", ("nightly", "Nightly backup", "price"), "With a colon"),
    ("gatewaydoctor undo --state-dir STATE 2026040", (OLD, "not finished: slim"), "done: trim, expire"),
    ("gatewaydoctor check --format=j", ("json",), "junit"),
    ("gatewaydoctor check --fo", (), "--format"),
    ("gatewaydoctor --state-dir STATE/a", (), "agents/"),
    ("gatewaydoctor --store=STATE/cron/j", (), "jobs.json"),
    ("gatewaydoctor sessions --state-dir STATE --job a", (), "a:b "),
    ("gatewaydoctor sessions --state-dir STATE --job a:", (), "a:b "),
    ("gatewaydoctor sessions --state-dir STATE --job pr", (), "price\\ check "),
    ("gatewaydoctor sessions --state-dir STATE --job price\\ c", (), "price\\ check "),
    ("gatewaydoctor sessions --state-dir STATE --job 'price c", (), "'price check' "),
    ("gatewaydoctor sessions --state-dir STATE --job ba", (), "back\\\\slash "),
    ("gatewaydoctor explain store-t", (), "store-too-large-for-gateway "),
)


@pytest.mark.parametrize("shell", ["bash", "zsh"])
@pytest.mark.parametrize(("line", "also", "last"), ON_SCREEN, ids=[line for line, _, _ in ON_SCREEN])
def test_tab_on_a_terminal(
    shell: str, line: str, also: tuple[str, ...], last: str, state_dir: Path, env: Mapping[str, str]
) -> None:
    need(shell)
    seen = screen(shell, filled(line, state_dir), env, last)
    assert all(word in seen for word in also), seen


@pytest.mark.parametrize(
    ("line", "last", "never"),
    [
        ("gatewaydoctor check --threshold ", "usage-loop", "nosort"),
        ("gatewaydoctor --state-dir STATE --agent ", "ops", "ops  --"),
    ],
)
def test_zsh_offers_no_words_of_its_own(
    line: str, last: str, never: str, state_dir: Path, env: Mapping[str, str]
) -> None:
    need("zsh")
    assert never not in screen("zsh", filled(line, state_dir), env, last)


def test_zsh_sees_a_variable_set_on_the_line(state_dir: Path, env: Mapping[str, str]) -> None:
    need("zsh")
    screen("zsh", f"true; OPENCLAW_STATE_DIR={state_dir} gatewaydoctor --agent o", env, "ops ")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_takes_the_script(shell: str) -> None:
    flag = "--no-execute" if shell == "fish" else "-n"
    ran = subprocess.run([need(shell), flag, str(script(shell))], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_bash_has_descriptions_only_where_it_lists(state_dir: Path, env: Mapping[str, str]) -> None:
    line = f"gatewaydoctor --state-dir {state_dir} undo "
    assert f"{OLD}  (2026-04-01 08:00 UTC, done: trim, expire)" in bash(line, env)
    assert bash(f"{line}{OLD[:8]}", env) == [OLD]


def test_bash_quotes_what_needs_it(state_dir: Path, env: Mapping[str, str]) -> None:
    line = f"gatewaydoctor sessions --state-dir {state_dir} --job "
    offered = [each.partition("  (")[0] for each in bash(line, env)]
    assert offered == ["nightly", "a:b", "price\\ check", "back\\\\slash", "off"]
    assert bash(f"{line}'price", env) == ["price check"]
    assert bash(f"{line}price\\ c", env) == ["price\\ check"]
    assert bash(f"{line}a:", env) == ["b"]


def test_a_directory_with_a_hostile_name_is_no_command(
    tmp_path: Path, state_dir: Path, env: Mapping[str, str]
) -> None:
    hostile = tmp_path / "$(touch made) `touch made`;touch made"
    state_dir.rename(hostile)
    for shell in (bash, fish):
        offered = shell(f"gatewaydoctor --state-dir '{hostile}' --agent ", {**env, "PWD": str(tmp_path)})
        assert [each.partition("\t")[0] for each in offered] == ["main", "ops"]
    assert not list(tmp_path.rglob("made"))


def test_bash_needs_no_program_for_words_it_knows(state_dir: Path, env: Mapping[str, str]) -> None:
    bare = {**env, "PATH": "/usr/bin:/bin"}
    assert {*bash("gatewaydoctor runs ", bare)} == set(GROUPS["runs"])
    assert bash(f"gatewaydoctor --state-dir {state_dir} --agent ", bare) == []


def test_the_program_that_is_typed_is_the_one_asked(state_dir: Path, env: Mapping[str, str]) -> None:
    bare = {**env, "PATH": "/usr/bin:/bin"}
    program = f"{env['PATH'].partition(':')[0]}/gatewaydoctor"
    offered = fish(f"{program} --state-dir {state_dir} --agent ", bare)
    assert [each.partition("\t")[0] for each in offered] == ["main", "ops"]
