"""JSON, screens and pictures of results and comparisons."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from gatewaydoctor.simulate import SCENARIOS, Figure, Series, compare, run
from gatewaydoctor.simulate.output import screen
from gatewaydoctor.simulate.output.document import as_value, to_json
from gatewaydoctor.simulate.output.timeline import chart, draw, window
from gatewaydoctor.simulate.output.wording import spell, spell_clock, spell_deviation

if TYPE_CHECKING:
    from pathlib import Path


def text_of(renderable: object, width: int) -> str:
    console = Console(width=width, color_system=None, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(renderable)
    return console.export_text()


@pytest.mark.parametrize("name", SCENARIOS)
def test_json_says_what_the_screen_says(name: str) -> None:
    result = run(name, duration=900)
    document = json.loads(to_json(result))
    assert document == as_value(result)
    assert document["schemaVersion"] == "1.0"
    assert document["scenario"] == name
    assert {"key", "title", "unit", "value", "label", "given", "tolerance", "deviation", "within"} == set(
        document["figures"][0]
    )
    assert {"name", "value", "unit", "label", "source"} == set(document["inputs"][0])
    assert all(len(series["times"]) == len(series["values"]) for series in document["series"])
    shown = text_of(screen.result_screen(result, 120), 120)
    for figure in result.figures:
        assert figure.title in shown or "." in figure.key


def test_a_comparison_as_json_holds_its_runs() -> None:
    document = json.loads(to_json(compare("chat-buffers", duration=900)))
    assert [verdict["rank"] for verdict in document["verdicts"]] == [None, 1]
    assert set(document["results"]) == {verdict["name"] for verdict in document["verdicts"]}


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("name", SCENARIOS)
def test_screens_fit_their_width(name: str, width: int) -> None:
    shown = text_of(screen.result_screen(run(name, duration=900), width, verbose=True), width)
    shown += text_of(screen.comparison_screen(compare(name, duration=300)), width)
    assert max(len(line) for line in shown.splitlines()) <= width
    assert "…" not in shown


def test_no_figure_has_a_deviation_without_a_given_value() -> None:
    assert Figure("k", "t", "s", 3.0).deviation is None
    assert Figure("k", "t", "s", None, given=3.0, tolerance=0.1).within is False
    assert Figure("k", "t", "s", 0.0, given=0.0, tolerance=0.0).within is True
    assert Figure("k", "t", "s", 1.0, given=0.0, tolerance=0.0).within is False
    assert Figure("k", "t", "s", 3.2, given=3.0, tolerance=0.1).within is True


def test_spikes_are_drawn_at_their_height_and_lines_carry_on() -> None:
    spikes = Series("s", "s", "s", (0.0, 5.0, 9.9), (1.0, 4.0, 2.0), spikes=True)
    assert draw(spikes, 10, 1, 10.0) == ["▂    █   ▄"]
    line = Series("l", "l", "s", (0.0, 5.0), (2.0, 4.0))
    assert draw(line, 10, 1, 10.0) == ["▄▄▄▄▄█████"]
    assert draw(line, 10, 2, 10.0) == ["     █████", "██████████"]
    assert draw(Series("e", "e", "s", (), ()), 4, 1, 10.0) == ["    "]


def test_a_run_that_dies_again_and_again_is_drawn_for_four_lives() -> None:
    result = run("cap-storm")
    assert window(result) == pytest.approx(4 * 60 * (result.value("death") or 0))
    assert window(run("cap-storm", remedies=["worker"])) == result.horizon
    *_, (axis, lines) = chart(result, 60)
    assert lines == []
    assert len(axis) == 60


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1_400_000, "bytes", "1.4 MB"),
        (48, "s", "48 s"),
        (0.005, "s", "5 ms"),
        (0.25, "s", "0.25 s"),
        (90, "min", "90 min"),
        (1133, "min", "18.9 h"),
        (2891, "min", "2.01 d"),
        (0.38, "", "38 %"),
        (1725, "sessions", "1,725"),
        (0, "yes/no", "no"),
        (None, "min", "never"),
        (43e-9, "s/byte", "43 s/GB"),
    ],
)
def test_numbers_read_well(value: float | None, unit: str, text: str) -> None:
    assert spell(value, unit) == text


def test_deviations_read_well() -> None:
    assert [spell_deviation(share) for share in (None, 0.0, 0.0001, 0.123, -0.05, 2.1, 12.0)] == [
        "", "0 %", "0 %", "+12 %", "-5 %", "+210 %", "x 13",
    ]  # fmt: skip
    assert [spell_clock(at, 36_000) for at in (0, 18_000, 36_000)] == ["0 h", "5 h", "10 h"]


def test_pictures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from gatewaydoctor.simulate.output.picture import plot, plot_comparison

    storm, calm = run("chat-buffers", duration=7200), run("chat-buffers", remedies=["all"], duration=7200)
    for name in ("a.svg", "b.svg"):
        (tmp_path / name).write_bytes(plot([storm, calm], tmp_path / name))
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert "sweep-stale-buffers" in (tmp_path / "a.svg").read_text()
    for name in ("stuck-cron", "chat-buffers"):
        drawn = plot_comparison(compare(name, duration=300), tmp_path / f"{name}.png")
        assert drawn.startswith(b"\x89PNG")
    with pytest.raises(ValueError, match=r"\.svg or \.png"):
        plot([storm], tmp_path / "a.gif")


def test_a_picture_leaves_nothing_below_the_home(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    home, picture = tmp_path / "home", tmp_path / "a.svg"
    home.mkdir()
    command = [
        sys.executable,
        "-m",
        "gatewaydoctor",
        "simulate",
        "chat-buffers",
        "--duration",
        "10m",
        "--plot",
        picture,
    ]
    unset = {"MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"}
    env = {name: value for name, value in os.environ.items() if name not in unset} | {"HOME": str(home)}
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL, timeout=120)
    assert picture.stat().st_size
    assert list(home.iterdir()) == []


def test_a_picture_without_matplotlib_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gatewaydoctor.simulate.output.picture import PlotUnavailable, plot

    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(PlotUnavailable, match="gatewaydoctor\\[plot\\]"):
        plot([run("chat-buffers", duration=600)], tmp_path / "a.svg")
