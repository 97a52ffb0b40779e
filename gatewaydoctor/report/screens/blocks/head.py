"""The first lines of every screen: which directory, which clock, is the gateway alive, which rules it lives under."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from gatewaydoctor import __version__
from gatewaydoctor.checks.boot import release_name
from gatewaydoctor.model.gateway.era import Era
from gatewaydoctor.model.gateway.liveness import Liveness
from gatewaydoctor.report import words
from gatewaydoctor.report.document import evidence_text
from gatewaydoctor.report.screens.blocks.fitting import ends, fill
from gatewaydoctor.report.screens.blocks.parts import LIVENESS_STYLE, LIVENESS_WORD, View, moment, pairs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, RenderableType

    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.examine.examination import Examination
    from gatewaydoctor.model.gateway.config import Setting
    from gatewaydoctor.model.gateway.place import Place


ERAS = {Era.FILES: ("files",), Era.MIXED: ("files", "database"), Era.SQLITE: ("database",)}
LIVENESS = {
    Liveness.LIVE: ("gateway running", LIVENESS_STYLE[Liveness.LIVE]),
    Liveness.DEAD: ("gateway not running", LIVENESS_STYLE[Liveness.DEAD]),
    Liveness.UNKNOWN: ("cannot tell if a gateway runs", LIVENESS_STYLE[Liveness.UNKNOWN]),
}


def head(console: Console, judgement: Judgement, view: View) -> None:
    """The heading; below it why a gateway is said to run or cannot be told, and with -v where everything is from."""
    if view.quiet:
        return
    x = judgement.examination
    heading(console, x, view)
    rows: list[tuple[str, RenderableType]] = []
    if view.verbose or x.gateway.liveness is not Liveness.DEAD:
        rows.append(("gateway", gateway_line(judgement, view)))
    if not x.config.readable and x.config.problem:
        rows.append(("config", Text(view.names.text(x.config.problem.sentence), "bold")))
    if view.verbose:
        rows += [("release", Text(_release(x, view))), *_sources(x, view)]
    if rows:
        console.print(pairs(rows))


def heading(console: Console, x: Examination, view: View) -> int:
    """Directory, release, era and gateway; the program's name where there is room; the clock where it is fixed. The
    number of lines."""
    release = release_name(x.config.release) or "release unknown"
    eras = {agent.era for agent in x.eras.agents} or {Era.FILES}
    era = " and ".join(dict.fromkeys(word for each in Era if each in eras for word in ERAS[each]))
    facts = Text.assemble(f"{release}, {era}   ", LIVENESS[x.gateway.liveness])
    lines = title_lines(console, x.place, facts, view)
    if view.clock is not None and view.clock.fixed:
        told = f"clock {moment(x.now)} UTC, {words.fixed_clock(view.clock)}"
        lines += [Text(line, "bold") for line in fill(told, console.width)]
    for line in lines:
        console.print(line, no_wrap=True, overflow="ignore", crop=False)
    return len(lines)


def title(console: Console, place: Place, view: View) -> None:
    """The directory and the program, where nothing was judged."""
    for line in title_lines(console, place, None, view):
        console.print(line, no_wrap=True, overflow="ignore", crop=False)


def title_lines(console: Console, place: Place, facts: Text | None, view: View) -> list[Text]:
    """The directory, `facts` behind it or below it, and the program at the right where there is room."""
    path = view.names.path(place.state_dir)
    program = f"gatewaydoctor {__version__}"
    if facts is not None and len(path) + 3 + len(facts) <= console.width:
        lines = [Text.assemble((path, "bold"), "   ", facts)]
    else:
        lines = [Text(line, "bold") for line in ends(path, console.width)]
        lines += [facts] if facts is not None else []
    if len(lines[-1]) + 3 + len(program) <= console.width:
        lines[-1].pad_right(console.width - len(lines[-1]) - len(program))
        lines[-1].append(program)
    return lines


def gateway_line(judgement: Judgement, view: View) -> Text:
    """Liveness with the evidence that decided it; all evidence, a line each, where more is wanted."""
    gateway = judgement.examination.gateway
    line = Text.assemble(LIVENESS[gateway.liveness]) if view.verbose else Text()
    if view.verbose:
        for item in gateway.evidence:
            line.append(f"\n{LIVENESS_WORD[item.says]}: {evidence_text(item, view.names)}")
        return line
    deciding = [item for item in gateway.evidence if item.says is gateway.liveness][:3]
    if deciding:
        line.append(" ".join(evidence_text(item, view.names) for item in deciding))
    return line


def maintenance(x: Examination) -> str:
    """Mode and cap of the session maintenance, and where the cap is from."""
    settings = x.config.maintenance
    cap = settings.max_entries
    return f"{settings.mode.value}, cap {cap.value:,} ({cap.origin.told})"


def _release(x: Examination, view: View) -> str:
    release = x.config.release
    version = view.names.text(release.version) if release.version else "unknown"
    policy = release.policy.value if release.policy and release.policy.value != release.version else None
    rules = f" (rules of {policy})" if policy else ""
    return f"{version}{rules}; maintenance {maintenance(x)}"


def _sources(x: Examination, view: View) -> Iterator[tuple[str, RenderableType]]:
    """Where everything comes from."""
    place, config = x.place, x.config
    yield "from", Text(place.source.value)
    yield "config", view.path(config.path)
    state = "read" if config.exists and config.readable else "not there" if not config.exists else "not readable"
    yield "", Text(f"{state}; from {place.config_source.value}")
    yield "release from", Text(view.names.text(config.release.evidence))
    settings = (f"{name} {_spelled(name, setting)} ({setting.origin.told})" for name, setting in _settings(x))
    yield "settings", Text(", ".join(settings))
    for agent in x.eras.agents:
        if agent.era.cron_in_database:
            yield "era", Text(f"{view.agent(agent.agent_id)}: {agent.era.value}, {view.names.text(agent.reason)}")
    for other in place.others:
        yield "also found", view.path(other.path)
    for note in config.notes:
        yield "note", Text(view.names.text(note))
    for path, reason in (*x.skipped, *x.unchecked):
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
