"""Names and types of settings that each release takes, against `state/config/accepted.py`."""

from __future__ import annotations

import json
import os
import subprocess
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gatewaydoctor.state.config.accepted import NAMES, RELEASES, TYPES, accepts, type_of
from tests.conformance import install
from tests.conformance.record import told, told_all

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.conformance

SCRIPT = Path(__file__).with_name("config.mjs")
SOUND: dict[str, Any] = {
    "gateway": {"mode": "local", "auth": {"mode": "token", "token": "x"}},
    "plugins": {"enabled": False},
}
ANY = ({}, [], "x y", 1, True)
"""One of them is taken wherever the name is known, or none is refused over the name."""
VALUES = (None, True, False, 0, 1, -1, 1.5, "", "x y", "30", "30d", "10mb", "warn", "global", 70_000, [], {})
UNKNOWN = ("nonesuch", "Session", "sesion", "maxentries")


def with_setting(path: str, value: object) -> dict[str, Any]:
    config = deepcopy(SOUND)
    inner = config
    *above, name = path.split(".")
    for each in above:
        inner = inner.setdefault(each, {})
    inner[name] = value
    return config


def judged(release: str, configs: list[dict[str, Any]], scratch: Path) -> list[bool]:
    """Whether the release's own validation takes each config."""
    return [each["valid"] for each in answers(release, configs, scratch, OPENCLAW_DISABLE_BUNDLED_PLUGINS="1")]


def answers(release: str, configs: list[dict[str, Any]], scratch: Path, **more: str) -> list[dict[str, Any]]:
    """What the release's own validation says of each config: whether it is `valid`, and the `issues`."""
    command = install.command(install.cache_dir(), release)
    if command is None:
        pytest.skip(f"{release} is not installed")
    node, script = command
    (scratch / "in.json").write_text(json.dumps(configs))
    home = scratch / "home"
    home.mkdir()
    env = {"PATH": os.environ["PATH"], "HOME": str(home), "OPENCLAW_STATE_DIR": str(home), "NO_COLOR": "1"}
    env |= {"OPENCLAW_CONFIG_PATH": str(home / "openclaw.json"), **more}
    asked = [node, str(SCRIPT), str(Path(script).parent), str(scratch / "in.json"), str(scratch / "out.json")]
    subprocess.run(asked, env=env, check=True, timeout=900, capture_output=True)
    told: list[dict[str, Any]] = json.loads((scratch / "out.json").read_text())
    return told


def known_names(release: str) -> Iterator[str]:
    at = RELEASES.index(release)
    for section, spans in NAMES.items():
        for first, last, names in spans:
            if RELEASES.index(first) <= at <= RELEASES.index(last):
                yield from (f"{section}.{name}".lstrip(".") for name in names.split())


@pytest.mark.parametrize("release", install.RELEASES)
def test_names_that_no_release_knows_are_refused(release: str, tmp_path: Path) -> None:
    paths = [f"{section}.{name}".lstrip(".") for section in NAMES for name in UNKNOWN]
    accepted = judged(release, [with_setting(path, value) for path in paths for value in ANY], tmp_path)
    taken = [path for path, each in zip((path for path in paths for _ in ANY), accepted, strict=True) if each]
    assert told_all(
        (release, "config_settings", f"unknown {path}", "refused", "taken" if path in taken else "refused", "")
        for path in paths
    )


@pytest.mark.parametrize("release", install.RELEASES)
def test_types_are_taken_as_the_table_says(release: str, tmp_path: Path) -> None:
    wanted = {path: type_of(path, release) for path in dict.fromkeys(path for path, *_ in TYPES)}
    rows = [(path, value) for path, each in wanted.items() if each is not None for value in VALUES]
    rows = [(path, value) for path, value in rows if path != "gateway"]  # it holds what makes a config sound
    theirs = dict(zip(map(repr, rows), judged(release, [with_setting(*row) for row in rows], tmp_path), strict=True))
    cases = []
    for path, kind in wanted.items():
        values = [value for each, value in rows if each == path]
        ours = [json.dumps(value) for value in values if kind is not None and accepts(kind, value)]
        taken = [json.dumps(value) for value in values if theirs[repr((path, value))]]
        cases.append((release, "config_settings", f"values of {path}", ours, taken, ""))
    assert told_all(cases)


@pytest.mark.parametrize("release", install.RELEASES)
def test_every_name_of_the_table_is_known(release: str, tmp_path: Path) -> None:
    """A name is known where some value of it passes, or where the release takes it as a part of a schema."""
    command = install.command(install.cache_dir(), release)
    if command is None:
        pytest.skip(f"{release} is not installed")
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "OPENCLAW_STATE_DIR": str(tmp_path), "NO_COLOR": "1"}
    ran = subprocess.run([*command, "config", "schema"], env=env, capture_output=True, text=True, check=True)
    schema = json.loads(ran.stdout)

    def names_at(section: str) -> set[str]:
        inner = schema
        for each in section.split(".") if section else ():
            inner = inner["properties"][each]
        assert inner["additionalProperties"] is False
        return {f"{section}.{name}".lstrip(".") for name in inner["properties"]}

    theirs = set().union(*(names_at(section) for section in NAMES))
    tolerated = {"agents.list", "canvasHost"}  # of earlier releases, taken without being in the schema
    ours = set(known_names(release))
    assert told(release, "config_settings", "known names", ours - tolerated, theirs - tolerated)
