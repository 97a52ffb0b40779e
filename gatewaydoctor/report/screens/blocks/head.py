"""The first lines of every screen: which directory, which clock, is the gateway alive, which rules it lives under."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from gatewaydoctor import __version__
from gatewaydoctor.model.gateway.era import Era
from gatewaydoctor.report import words
from gatewaydoctor.report.document import evidence_text
from gatewaydoctor.report.screens.blocks.parts import LIVENESS_STYLE, View, moment, pairs
from gatewaydoctor.report.screens.blocks.wrapping import fill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, RenderableType

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.gateway.config import Setting
    from gatewaydoctor.model.gateway.place import Place


def head(console: Console, judgement: Judgement, view: View) -> None:
    if view.quiet:
        return
    x = judgement.examination
    title(console, x.place, view)
    rows: list[tuple[str, RenderableType]] = [
        ("clock", _clock(x.now, view)),
        ("gateway", gateway_line(judgement, view)),
        ("release", Text(_release(x, view))),
    ]
    if not x.config.readable and x.config.problem:
        rows.append(("config", Text(view.names.text(x.config.problem.sentence), "yellow")))
    if view.verbose:
        rows += _sources(x, view)
    console.print(pairs(rows))


def _clock(now: int, view: View) -> Text:
    text = Text(f"{moment(now)} UTC")
    if view.clock is not None and view.clock.fixed:
        text.append(f" ({words.fixed_clock(view.clock)})", "yellow")
    return text


def title(console: Console, place: Place, view: View) -> None:
    """The program and the directory, on one line where they fit."""
    path = view.names.path(place.state_dir)
    name = f"gatewaydoctor {__version__}"
    lines = fill(path, console.width - len(name) - 2)
    for at, line in enumerate(lines):
        before = Text(name, "bold") if at == 0 else Text(" " * len(name))
        console.print(Text.assemble(before, "  ", line))


def gateway_line(judgement: Judgement, view: View) -> Text:
    """Liveness with the evidence that decided it; all evidence, a line each, where more is wanted."""
    gateway = judgement.examination.gateway
    line = Text.assemble((gateway.liveness.value, LIVENESS_STYLE[gateway.liveness]))
    if view.verbose:
        for item in gateway.evidence:
            line.append(f"\n{item.says.value}: {evidence_text(item, view.names)}", "dim")
        return line
    deciding = [item for item in gateway.evidence if item.says is gateway.liveness][:3]
    if deciding:
        line.append("  " + " ".join(evidence_text(item, view.names) for item in deciding), "dim")
    return line


def _release(x: Examination, view: View) -> str:
    release, maintenance = x.config.release, x.config.maintenance
    version = view.names.text(release.version) if release.version else "unknown"
    policy = release.policy.value if release.policy and release.policy.value != release.version else None
    rules = f" (rules of {policy})" if policy else ""
    cap = maintenance.max_entries
    return f"{version}{rules}; maintenance {maintenance.mode.value}, cap {cap.value:,} ({cap.origin.value})"


def _sources(x: Examination, view: View) -> Iterator[tuple[str, RenderableType]]:
    """Where everything comes from."""
    place, config = x.place, x.config
    yield "from", Text(place.source.value)
    yield "config", view.path(config.path)
    state = "read" if config.exists and config.readable else "not there" if not config.exists else "not readable"
    yield "", Text(f"{state}; from {place.config_source.value}", "dim")
    yield "release from", Text(view.names.text(config.release.evidence))
    settings = (f"{name} {_spelled(name, setting)} ({setting.origin.value})" for name, setting in _settings(x))
    yield "settings", Text(", ".join(settings))
    for agent in x.eras.agents:
        if agent.era is not Era.FILES:
            yield "era", Text(f"{view.agent(agent.agent_id)}: {agent.era.value}, {view.names.text(agent.reason)}")
    for other in place.others:
        yield "also found", view.path(other.path)
    for note in config.notes:
        yield "note", Text(view.names.text(note))
    for path, reason in x.skipped:
        yield "skipped", Text(f"{view.names.path(path)}: {view.names.text(reason)}")


def _settings(x: Examination) -> tuple[tuple[str, Setting[object]], ...]:
    m, cron = x.config.maintenance, x.config.cron
    return (
        ("mode", m.mode),
        ("maxEntries", m.max_entries),
        ("pruneAfter", m.prune_after),
        ("rotateBytes", m.rotate_bytes),
        ("resetArchiveRetention", m.reset_archive_retention),
        ("maxDiskBytes", m.max_disk_bytes),
        ("cron.sessionRetention", cron.session_retention),
        ("port", x.config.port),
    )  # type: ignore[return-value]


def _spelled(name: str, setting: Setting[object]) -> str:
    value = setting.value
    if value is None:
        return "off"
    if isinstance(value, int) and name.endswith("Bytes"):
        return words.size(value)
    if isinstance(value, int) and name.endswith(("After", "Retention")):
        return words.duration(value)
    return f"{value:,}" if name == "maxEntries" else str(value)
