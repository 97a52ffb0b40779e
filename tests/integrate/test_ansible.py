"""The playbook, played on this machine."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.integrate.site import HOSTILE, execute, program, snippet, state

if TYPE_CHECKING:
    from pathlib import Path


def test_it_says_only_what_was_given() -> None:
    text = snippet("ansible", "--profile", "work", OPENCLAW_STATE_DIR="/elsewhere")
    assert "/elsewhere" not in text
    loader = type("Loader", (yaml.SafeLoader,), {})
    loader.add_constructor("!unsafe", lambda _, node: node.value)
    ((play),) = yaml.load(text, loader)
    assert play["tasks"][0]["ansible.builtin.command"]["argv"] == [
        "gatewaydoctor", "check", "--profile", "work", "--json",
    ]  # fmt: skip


@pytest.mark.skipif(not shutil.which("ansible-playbook"), reason="ansible-playbook is not here")
@pytest.mark.parametrize(
    ("fixture", "body", "code", "said"),
    [
        ("healthy", None, 0, ""),
        ("store-unparseable", None, 2, "store-unparseable"),
        (None, None, 2, "There is no directory"),
        ("healthy", "echo no such thing >&2; exit 70", 2, "no such thing"),
        ("healthy", "", 2, "check --state-dir"),
    ],
)
def test_it_keeps_a_report_of_each_host(
    fixture: str | None, body: str | None, code: int, said: str, tmp_path: Path
) -> None:
    place = tmp_path / HOSTILE
    path = place / "gatewaydoctor"
    made = program(path) if body is None else program(path, body)
    directory = state(fixture, place / "state") if fixture else str(place / "state")
    (tmp_path / "play.yml").write_text(snippet("ansible", "--state-dir", directory, "--program", made))
    if body == "":
        path.unlink()
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports/one.json").write_text("the last one")
    inventory = f"one ansible_connection=local ansible_python_interpreter={sys.executable}"
    (tmp_path / "inventory").write_text(f"{inventory}\n")
    ran = execute(
        ["ansible-playbook", "-i", "inventory", "play.yml"],
        tmp_path,
        {"HOME": str(tmp_path), "ANSIBLE_NOCOLOR": "1", "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
    )
    assert ran.code == code, ran.out + ran.err
    assert said in ran.out
    report = (tmp_path / "reports/one.json").read_text()
    assert (json.loads(report)["command"] == "check") if body is None else (report == "the last one")
