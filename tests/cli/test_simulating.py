"""`simulate` on the command line."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.fixtures import DEFAULT_NOW, DEFAULT_SEED, make
from gatewaydoctor.simulate import SCENARIOS
from tests.cli.harness import Machine, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_scenario_takes_a_seed(scenario: str) -> None:
    ran = run("simulate", scenario, "--seed", "3", "--duration", "6h", "--json")
    assert ran.code == 0, ran.err
    assert ran.document["details"]["seed"] == 3


def test_a_remedy_and_an_option_change_the_outcome() -> None:
    def figures(*options: str) -> dict[str, int]:
        ran = run("simulate", "cap-storm", "--duration", "6h", "--json", *options)
        return {each["key"]: each["value"] for each in ran.document["details"]["figures"]}

    plain = figures()
    assert figures("--remedy", "append-log")["bytesWritten"] < plain["bytesWritten"] / 5
    assert figures("--max-entries", "25") != plain


def test_a_comparison_names_every_remedy() -> None:
    ran = run("simulate", "stuck-cron", "--compare")
    assert ran.code == 0
    for remedy in SCENARIOS["stuck-cron"].remedies:
        assert remedy.name in ran.out
    assert "no remedy" in ran.out


def test_the_workload_of_a_directory(tmp_path: Path) -> None:
    state = make("cap-storm", tmp_path / "state", seed=DEFAULT_SEED, scale=0.05, now=DEFAULT_NOW).state_dir
    ran = run("simulate", "cap-storm", "--from-state-dir", str(state))
    assert ran.code == 0, ran.err
    assert "directory" in ran.out


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("simulate",), "cap-storm"),
        (("simulate", "cap-storm", "--remedy", "prayer"), "remedy"),
        (("simulate", "cap-storm", "--policy", "1.0"), "policy"),
        (("simulate", "cap-storm", "--clock", "sun"), "virtual"),
        (("simulate", "cap-storm", "--duration", "long"), "1h"),
        (("simulate", "chat-buffers", "--clock", "wall"), "chat-buffers"),
        (("simulate", "cap-storm", "--from-state-dir", "/nowhere"), "directory"),
    ],
)
def test_what_makes_no_sense_is_told(arguments: tuple[str, ...], hint: str) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert hint in ran.err


def test_pictures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    picture = tmp_path / "storm.svg"
    ran = run("simulate", "cap-storm", "--remedy", "worker", "--duration", "6h", "--plot", str(picture))
    assert ran.code == 0, ran.err
    assert picture.read_text().lstrip().startswith("<?xml")
    assert run("simulate", "cap-storm", "--duration", "1h", "--plot", str(tmp_path / "storm.txt")).code == 2


def test_errors_name_the_options_of_this_verb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = run("simulate", "stuck-cron", "--from-state-dir", str(tmp_path / "gone"))
    assert (gone.code, "(from --from-state-dir)" in gone.err, " --state-dir" in gone.err) == (2, True, False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    unplotted = run("simulate", "stuck-cron", "--duration", "1h", "--plot", str(tmp_path / "x.svg"))
    assert (unplotted.code, unplotted.err.count("pip install")) == (2, 1)


@pytest.mark.parametrize("verb", [("runs", "show"), ("fixtures", "make"), ("cron",)])
def test_a_wrong_argument_points_at_the_help_of_its_verb(verb: tuple[str, ...]) -> None:
    assert f"See `gatewaydoctor {' '.join(verb)} --help`." in run(*verb, "--no-such-option").err


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_storm_fits_a_small_terminal_and_ends_with_the_next_step(scenario: str) -> None:
    shown = Machine(width=80).run("simulate", scenario, "--duration", "6h").out.splitlines()
    assert len(shown) <= 24
    assert shown[-2:] == ["next: which remedy helps:", f"      gatewaydoctor simulate {scenario} --compare"]
    whole = run("simulate", scenario, "--duration", "6h", "--all").out
    assert "▁" in whole or "█" in whole


def test_a_comparison_ends_with_the_remedy_to_look_at() -> None:
    few = run("simulate", "stuck-cron", "--compare").out
    assert len(few.splitlines()) <= 24
    assert few.rstrip().endswith("gatewaydoctor simulate stuck-cron --remedy scheduler-guard --all")
    assert "--all adds what each remedy does." in few
    assert "No run starts while one hangs" in " ".join(
        run("simulate", "stuck-cron", "--compare", "--all").out.split()
    )


SENSITIVE = ("simulate", "subagent-maps", "--sensitivity", "--tickets", "20", "--duration", "2h")


def test_the_sensitivity_is_a_screen_like_the_others() -> None:
    shown = Machine(width=80).run(*SENSITIVE).out.splitlines()
    assert len(shown) <= 23
    assert not any("|" in line or "**" in line for line in shown)
    assert max(map(len, shown)) <= 80
    assert shown[0].startswith("subagent-maps: what each input moves")
    assert shown[-2:] == ["next: which remedy helps:", "      gatewaydoctor simulate subagent-maps --compare"]
    named = [line.split()[0] for line in shown[4:] if line[:1].strip()]
    found = run(*SENSITIVE, "--json").document["details"]
    strongest = {line["name"] for line in found["lines"] if {**line["half"], **line["double"]}}
    assert set(named[: named.index("Inputs")]) <= strongest


def test_all_of_the_sensitivity_has_every_result_that_moves() -> None:
    found = run(*SENSITIVE, "--json").document["details"]
    whole = Machine(width=160).run(*SENSITIVE, "--all").out
    for line in found["lines"]:
        for key in {**line["half"], **line["double"]}:
            assert found["titles"][key].partition(" (")[0] in whole
    assert "sequence-limit (the batch has fewer sessions than the limit)" in whole
