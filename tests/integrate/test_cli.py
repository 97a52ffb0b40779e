"""The verb: what it finds out by itself, what it refuses, where the text goes."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest

from gatewaydoctor.cli.verbs import integrate_sites as sites
from gatewaydoctor.integrate import TARGETS, Target
from gatewaydoctor.integrate.site import Where
from tests.cli.harness import spawn
from tests.integrate.site import ROOT, program, refused, snippet, state

if TYPE_CHECKING:
    from pathlib import Path

ALL = [(target, form) for target, about in TARGETS.items() for form in about.forms]
HERE = [target for target, about in TARGETS.items() if about.where is Where.HERE]
AT_HOME = [target for target in HERE if target is not Target.LAUNCHD]


@pytest.mark.parametrize(("target", "form"), ALL)
def test_every_form_says_where_it_goes_and_how_to_switch_it_on(target: Target, form: str, tmp_path: Path) -> None:
    text = snippet(target, "--form", form, HOME=str(tmp_path))
    assert "Where it goes:" in text
    assert text.endswith("\n")
    assert not any(line != line.rstrip() for line in text.splitlines())
    if target is not Target.GITHUB_ACTIONS:
        assert "Switch it on:" in text or "Run it:" in text


def test_help_names_every_target_and_form() -> None:
    ran = spawn("integrate", "--help", COLUMNS="300")
    for target, form in ALL:
        assert f"{target}: " in ran.out
        assert form in ran.out or len(TARGETS[target].forms) == 1


@pytest.mark.parametrize("target", HERE)
def test_the_directory_is_found_as_the_gateway_finds_it(target: Target, tmp_path: Path) -> None:
    home = tmp_path / "home"
    found = state("healthy", home / ".openclaw")
    assert found in snippet(target, HOME=str(home))
    assert f"{tmp_path}/other" in snippet(target, HOME=str(home), OPENCLAW_STATE_DIR=f"{tmp_path}/other")
    assert f"{found}-work" in snippet(target, "--profile", "work", HOME=str(home))


@pytest.mark.parametrize("target", AT_HOME)
def test_what_names_the_place_is_made_absolute(target: Target, tmp_path: Path) -> None:
    text = snippet(target, "--state-dir", "~/s", "--config", "~/c.json", HOME=str(tmp_path))
    assert f"{tmp_path}/s" in text
    assert f"{tmp_path}/c.json" in text
    assert f"{tmp_path}/d.json" in snippet(target, HOME=str(tmp_path), OPENCLAW_CONFIG_PATH=f"{tmp_path}/d.json")


def test_a_directory_that_is_not_there_yet_is_a_warning(tmp_path: Path) -> None:
    ran = spawn("integrate", "cron", "--state-dir", str(tmp_path / "none"))
    assert ran.code == 0
    assert f"There is no directory {tmp_path}/none" in ran.err
    assert "There is no" not in ran.out


def test_two_directories_have_to_be_told_apart(tmp_path: Path) -> None:
    state("healthy", tmp_path / ".openclaw")
    state("healthy", tmp_path / ".openclaw-work")
    assert "--profile work" in refused("cron", HOME=str(tmp_path))


def test_narrowing_options_are_kept() -> None:
    text = snippet("cron", "--state-dir", "/s", "--agent", "a", "--path-map", "/x=/y")
    assert "--state-dir /s --agent a --path-map /x=/y" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nope"], "Unknown target 'nope'"),
        (["cron", "--form", "x"], "Unknown form of cron: 'x'"),
        (["cron", "--unit", "x"], "cron takes no --unit"),
        (["systemd", "--textfile-dir", "x"], "systemd takes no --textfile-dir"),
        (["systemd", "--unit", "a b"], "is not a service name"),
        (["systemd", "--limit", "0"], "--limit"),
        (["launchd", "--gateway", "'"], "is not a command"),
        (["launchd", "--gateway", " "], "needs a command"),
        (["cron", "--store", "x"], "--state-dir"),
        (["cron", "--redact"], "--redact"),
        (["cron", "--format", "yaml"], "Unknown format of integrate: 'yaml'"),
        (["cron", "--profile", "a/b"], "profile name"),
    ],
)
def test_refused(arguments: list[str], said: str) -> None:
    assert said in refused(*arguments)


@pytest.mark.parametrize(("target", "form"), ALL)
@pytest.mark.parametrize("char", ["\n", "\x1b", "\u2028", "\udcff"])
def test_what_cannot_be_expressed_is_refused(target: Target, form: str, char: str) -> None:
    option = ["--fixtures", f"a{char}b"] if target is Target.GITHUB_ACTIONS else ["--state-dir", f"/a{char}b"]
    assert f"U+{ord(char):04X}" in refused(target, "--form", form, *option)


def test_json(tmp_path: Path) -> None:
    arguments = ("cron", "--state-dir", str(tmp_path))
    ran = spawn("integrate", *arguments, "--json")
    details = ran.document["details"]["snippet"]
    assert details == {"target": "cron", "form": "mail", "text": snippet(*arguments), "output": None}


def test_output_replaces_a_file_and_prints_nothing(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.write_text("old")
    arguments = ("cron", "--state-dir", str(tmp_path / "state"))
    assert snippet(*arguments, "--output", str(out)) == ""
    assert out.read_text() == snippet(*arguments)
    assert out.stat().st_mode & 0o777 == 0o644


def test_nothing_is_written_into_the_state_directory(tmp_path: Path) -> None:
    directory = state("healthy", tmp_path / "state")
    before = sorted(tmp_path.rglob("*"))
    assert "inside the state directory" in refused(
        "cron", "--state-dir", directory, "--output", f"{directory}/crontab"
    )
    assert sorted(tmp_path.rglob("*")) == before


class TestThisProgram:
    def test_the_path_it_was_started_by(self, tmp_path: Path) -> None:
        real = program(tmp_path / "venv/bin/gatewaydoctor")
        link = tmp_path / "bin/gatewaydoctor"
        link.parent.mkdir()
        link.symlink_to(real)
        assert sites.this_program(str(link)) == (str(link),)

    def test_a_relative_path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = program(tmp_path / "bin/gatewaydoctor")
        monkeypatch.chdir(tmp_path)
        assert sites.this_program("bin/gatewaydoctor") == (path,)

    def test_a_plain_name(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = program(tmp_path / "bin/gatewaydoctor")
        monkeypatch.setenv("PATH", f"{tmp_path}/bin")
        assert sites.this_program("gatewaydoctor") == (path,)

    def test_a_module(self) -> None:
        assert sites.this_program("/lib/gatewaydoctor/__main__.py") == (sys.executable, "-m", "gatewaydoctor")

    def test_a_file_given_to_an_interpreter(self, tmp_path: Path) -> None:
        path = tmp_path / "gatewaydoctor.pyz"
        path.write_bytes(b"")
        assert sites.this_program(str(path)) == (sys.executable, str(path))

    @pytest.mark.parametrize("name", ["gatewaydoctor.pyz", "gd.pyz", "gatewaydoctor", "gd"])
    def test_an_archive_by_any_name_keeps_its_interpreter(
        self, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("__main__.py", "")
        (tmp_path / name).chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path))
        monkeypatch.chdir(tmp_path)
        assert sites.this_program(f"./{name}") == (sys.executable, f"{tmp_path}/{name}")

    def test_a_program_that_has_it_built_in(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        assert sites.this_program("/usr/bin/pytest") == (sys.executable, "-m", "gatewaydoctor")
        path = program(tmp_path / "gatewaydoctor")
        assert sites.this_program("/usr/bin/pytest") == (path,)

    def test_a_checkout_is_warned_about(self, tmp_path: Path) -> None:
        ran = spawn("integrate", "cron", "--state-dir", str(tmp_path))
        assert "with this PYTHONPATH only" in ran.err
        assert f"{sys.executable} -m gatewaydoctor check" in ran.out
        elsewhere = subprocess.run(
            [sys.executable, "-m", "gatewaydoctor", "integrate", "cron", "--state-dir", str(tmp_path)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert "with this PYTHONPATH only" in elsewhere.stderr
        named = spawn("integrate", "cron", "--state-dir", str(tmp_path), "--program", str(ROOT / "README.md"))
        assert "cannot be run on this machine" in named.err
