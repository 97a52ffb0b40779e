"""Settings: the command line, then gatewaydoctor.toml, then pyproject.toml, then the defaults."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.checks.thresholds import DEFAULTS, Thresholds
from gatewaydoctor.cli.gate.settings import LOOKING_KEYS, GateOptions, Settings, public_name, settle
from gatewaydoctor.model.errors import CannotExamine, UsageError
from gatewaydoctor.system.fs import OsReadFs
from tests.gates import healthy, run, stuck

if TYPE_CHECKING:
    from pathlib import Path

OWN = """
fail-on = "warning"
only = ["store-*"]
max-age = "2h"
[thresholds]
bloat-bytes = "7MB"
temp-age = "30m"
bloat-share = 0.25
subagents-warning = 5
"""
SHARED = """
[project]
name = "other"
[tool.gatewaydoctor]
fail-on = "critical"
skip = ["lock-*"]
[tool.gatewaydoctor.thresholds]
bloat-bytes = 9_000_000
"""


def settled(directory: Path | None, **options: object) -> Settings:
    return settle(OsReadFs(), directory, GateOptions(**options), "error")  # type: ignore[arg-type]


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    for settings in (settled(tmp_path), settled(None)):
        assert settings.thresholds == DEFAULTS
        assert {each.origin for each in settings.told().values()} == {"default"}
        assert settings.directory is None


def test_the_own_file_wins_over_the_shared_one_as_a_whole(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(SHARED)
    shared = settled(tmp_path)
    assert (shared.fail_on.value, shared.fail_on.origin) == ("critical", "pyproject.toml")
    assert (shared.skip.value, shared.thresholds.bloat_bytes) == (("lock-*",), 9_000_000)

    (tmp_path / "gatewaydoctor.toml").write_text(OWN)
    own = settled(tmp_path)
    assert (own.fail_on.value, own.fail_on.origin) == ("warning", "gatewaydoctor.toml")
    assert (own.skip.value, own.skip.origin) == ((), "default")
    assert own.thresholds == Thresholds(
        bloat_bytes=7_000_000, temp_age_ms=1_800_000, bloat_share=0.25, subagents_warning=5
    )
    assert own.max_age.value == 7_200_000


def test_the_command_line_wins_setting_by_setting(tmp_path: Path) -> None:
    (tmp_path / "gatewaydoctor.toml").write_text(OWN)
    settings = settled(tmp_path, fail_on="never", thresholds=["bloat-bytes=1MiB"])
    told = {name: (each.value, each.origin) for name, each in settings.told().items()}
    assert told["fail-on"] == ("never", "command line")
    assert told["only"] == (("store-*",), "gatewaydoctor.toml")
    assert told["bloat-bytes"] == (1_048_576, "command line")
    assert told["temp-age"] == (1_800_000, "gatewaydoctor.toml")
    assert told["heap-bytes"] == (DEFAULTS.heap_bytes, "default")


def test_a_look_that_is_no_gate_takes_only_what_is_looked_for(tmp_path: Path) -> None:
    (tmp_path / "gatewaydoctor.toml").write_text(OWN)
    settings = settle(OsReadFs(), tmp_path, GateOptions(), "never", LOOKING_KEYS)
    assert (settings.fail_on.value, settings.only.value) == ("never", ())
    assert (settings.max_age.value, settings.thresholds.bloat_bytes) == (7_200_000, 7_000_000)


def test_every_threshold_has_a_public_name_of_its_own() -> None:
    names = [public_name(name) for name in Thresholds.__struct_fields__]
    assert len(set(names)) == len(names)
    assert not any("_" in name or name.endswith("-ms") for name in names)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('fail_on = "error"', "there is no setting 'fail_on'"),
        ('[thresholds]\nbloat = "1MB"', "there is no threshold 'bloat'"),
        ('fail-on = "bad"', "severity for gatewaydoctor.toml: fail-on: 'bad'"),
        ("fail-on = 3", "severity for gatewaydoctor.toml: fail-on: '3'"),
        ('only = "store-*"', "only is not a list"),
        ("skip = [1]", "skip is not a list"),
        ("baseline = 3", "baseline needs a path"),
        ('max-age = "soon"', "'soon' is not a duration"),
        ("max-age = true", "'True' is not a duration"),
        ("max-age = 3600", "'3600' has no unit"),
        ("[thresholds]\ntemp-age = 3600", "'3600' has no unit"),
        ("max-age = -1", "'-1' is not a duration"),
        ("thresholds = 3", "thresholds is not a table"),
        ("[thresholds]\nbloat-bytes = true", "True is not a number"),
        ("[thresholds]\nbloat-bytes = -1", "-1 is not a number"),
        ("[thresholds]\nbloat-bytes = 1.5", "1.5 is not a number"),
        ("[thresholds]\nbloat-share = nan", "nan is not a number"),
        ("[thresholds]\nbloat-share = inf", "inf is not a number"),
        ("[thresholds]\nbloat-bytes = 99999999999999999999", "is not a number"),
        ('[thresholds]\nbloat-bytes = "much"', "'much' is not a size"),
        ("[thresholds]\nbloat-bytes = []", "[] is not a number"),
        ("[thresholds]\nbloat-bytes = 2000-01-01", "is not a number"),
        ("fail-on = ", "is not TOML"),
    ],
)
def test_what_makes_no_sense_is_an_error_that_names_it(text: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "gatewaydoctor.toml").write_text(text)
    with pytest.raises(UsageError) as raised:
        settled(tmp_path)
    assert complaint in raised.value.message
    assert "gatewaydoctor.toml" in raised.value.message


@pytest.mark.parametrize(
    "option", ["bloat-bytes", "no-such=1", "bloat-bytes=", "bloat-share=x", "temp-age=soon", "boot-markers=1.5"]
)
def test_a_threshold_on_the_command_line_is_judged_alike(option: str) -> None:
    with pytest.raises(UsageError):
        settled(None, thresholds=[option])


def test_a_wrong_key_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "gatewaydoctor.toml").write_text('fail_on = "error"')
    with pytest.raises(UsageError) as raised:
        settled(tmp_path)
    assert raised.value.hint == "Did you mean fail-on?"


def test_files_that_are_no_settings_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_bytes(b"\xff not even TOML")
    assert settled(tmp_path).thresholds == DEFAULTS


def test_files_that_cannot_be_read_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "gatewaydoctor.toml").mkdir()
    with pytest.raises(CannotExamine):
        settled(tmp_path)
    (tmp_path / "gatewaydoctor.toml").rmdir()
    os.mkfifo(tmp_path / "gatewaydoctor.toml")
    with pytest.raises(CannotExamine):
        settled(tmp_path)
    (tmp_path / "gatewaydoctor.toml").unlink()
    (tmp_path / "gatewaydoctor.toml").write_bytes(b"\xff")
    with pytest.raises(UsageError):
        settled(tmp_path)


# Through the program


def test_verbose_shows_who_set_what(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    (work / "gatewaydoctor.toml").write_text(OWN)
    state = healthy(tmp_path)
    said = run("check", "--state-dir", str(state), "--fail-on", "info", "--verbose")
    lines = said.out.splitlines()
    assert "setting: fail-on = info (command line)" in lines
    assert "setting: only = store-* (gatewaydoctor.toml)" in lines
    assert "setting: max-age = 2 h (gatewaydoctor.toml)" in lines
    assert "setting: heap-bytes = 2.3 GB (default)" in lines
    told = run("check", "--state-dir", str(state), "--verbose", "--json").document["gate"]["settings"]
    assert told["bloat-bytes"] == {"value": 7_000_000, "origin": "gatewaydoctor.toml", "unit": "bytes"}
    assert run("check", "--state-dir", str(state), "--json").document["gate"]["settings"] is None


def test_a_settings_file_decides_and_the_command_line_overrides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    state = str(stuck(tmp_path))
    assert run("check", "--state-dir", state).code == 1
    (work / "gatewaydoctor.toml").write_text('skip = ["session-*"]\nbaseline = "known.json"\n')
    assert run("check", "--state-dir", state).code == 2  # the baseline is not there yet
    assert run("check", "--state-dir", state, "--write-baseline").code == 0
    assert (work / "known.json").exists()
    assert run("check", "--state-dir", state).code == 0
    assert run("check", "--state-dir", state, "--skip", "lock-*").code == 1
    assert run("scan", "--state-dir", state, "--fail-on", "error").code == 1


def test_thresholds_reach_the_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    state = str(healthy(tmp_path))
    assert run("check", "--state-dir", state, "--fail-on", "info").code == 0
    small = ("--threshold", "bloat-bytes=1", "--threshold", "bloat-entry-bytes=1")
    for verb in ("check", "scan"):
        found = run(verb, "--state-dir", state, "--json", *small).document["findings"]
        assert "store-bloat" in [each["rule"] for each in found]


def test_a_settings_file_inside_the_state_directory_is_not_obeyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = stuck(tmp_path)
    (state / "workspace").mkdir()
    (state / "workspace/gatewaydoctor.toml").write_text('fail-on = "never"')
    monkeypatch.chdir(state / "workspace")
    ran = run("check", "--state-dir", str(state))
    assert ran.code == 2
    assert "not trusted" in ran.err
