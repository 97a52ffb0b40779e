"""`simulate`: reproduce the storms, and judge the remedies. One verb a scenario; its options come from the model."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from msgspec.structs import replace

from gatewaydoctor.cli.parser.parameters import Parameter, option
from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats
from gatewaydoctor.cli.words.durations import parse_span
from gatewaydoctor.model import clock as clocks
from gatewaydoctor.model.errors import CannotExamine, ExitCode, UsageError
from gatewaydoctor.model.words import capital

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console, RenderableType

    from gatewaydoctor.simulate import Comparison, Option, Result, Scenario
    from gatewaydoctor.simulate.fromstate import Workload
    from gatewaydoctor.simulate.sensitivity import Sensitivity

Seed = Annotated[int, option("--seed", metavar="N", help="Same seed, same output, byte for byte.")]
Duration = Annotated[str | None, option("--duration", metavar="TIME", help="Simulated time, such as 24h.")]
Policy = Annotated[str | None, option("--policy", metavar="RELEASE", help="Mechanisms of this release.")]
Remedies = Annotated[
    list[str] | None, option("--remedy", metavar="NAME", help="Apply this remedy, or `all`; repeatable.")
]
CompareAll = Annotated[bool, option("--compare", help="No remedy, each, and all: one table.")]
Sensitive = Annotated[bool, option("--sensitivity", help="Vary each input to half and double its value.")]
Clock = Annotated[str, option("--clock", metavar="virtual|wall", help="wall runs the store for real as well.")]
Plot = Annotated[str | None, option("--plot", metavar="FILE", help="Draw it: .svg or .png (needs matplotlib).")]
FromState = Annotated[
    str | None, option("--from-state-dir", metavar="DIR", help="Take the workload from a real directory.")
]
_PANEL = "Workload"


def _simulate(name: str, run: Run, common: dict[str, Any], workload: dict[str, Any]) -> Outcome:
    from gatewaydoctor.simulate import BadOption, UnknownName, scenario_named, with_values

    only_formats(run, f"simulate {name}", "text", "json")
    scenario = scenario_named(name)
    try:
        taken = _taken(name, run, common["from_state_dir"]) if common["from_state_dir"] else None
        options = with_values(taken.options if taken else scenario.options(), workload)
        return _run(scenario, run, common, options, taken)
    except (BadOption, UnknownName) as error:
        raise UsageError(f"{capital(str(error))}.", f"See `gatewaydoctor simulate {name} --help`.") from error


def _taken(name: str, run: Run, directory: str) -> Workload:
    from gatewaydoctor.simulate.fromstate import read_workload

    o = run.options
    try:
        return read_workload(
            name, run.fs, run.env, state_dir=directory, config=o.config, agent=o.agent, redact=o.redact
        )
    except CannotExamine as error:
        # The option that names the directory has another name here.
        words = (text.replace("--state-dir", "--from-state-dir") for text in (error.message, error.hint))
        raise CannotExamine(*words) from error


def _run(scenario: Scenario, run: Run, common: dict[str, Any], options: Any, taken: Workload | None) -> Outcome:
    from gatewaydoctor.simulate import compare
    from gatewaydoctor.simulate import run as simulate
    from gatewaydoctor.simulate.fromstate import against, comparison_against
    from gatewaydoctor.simulate.output.document import as_value
    from gatewaydoctor.simulate.wallclock.wall import measure

    policy = common["policy"] or (taken.policy if taken else None)
    span = common["duration"]
    duration = parse_span(span, "--duration") / 1000 if span else None
    seed, remedies = common["seed"], common["remedy"] or ()
    if common["sensitivity"]:
        return _sensitivity(scenario, run, common, options, policy, duration)
    made: Result | Comparison
    if common["compare"]:
        with _telling(run) as tell:
            ranked = compare(scenario.name, options, seed=seed, policy=policy, duration=duration, told=tell)
        made = comparison_against(ranked, taken) if taken else ranked
    else:
        how = measure if _wall(common["clock"]) else simulate
        one = how(scenario.name, options, seed=seed, policy=policy, remedies=remedies, duration=duration)
        made = against(one, taken) if taken else one
    if common["plot"]:
        # With remedies the storm is next to them, on the same seed.
        storm = simulate(scenario.name, options, seed=seed, policy=policy, duration=duration) if remedies else None
        _plot(made, storm, common["plot"])
    # A model has no time of day: without --now its document must be the same whenever it is made.
    told = run if run.options.now else replace(run, clock=clocks.Clock(0, 0))
    return Outcome(
        f"simulate {scenario.name}",
        ExitCode.OK,
        told,
        details=as_value(made),
        screen=lambda console: _show(console, made, run, common["from_state_dir"]),
    )


def _sensitivity(
    scenario: Scenario, run: Run, common: dict[str, Any], options: Any, policy: str | None, duration: float | None
) -> Outcome:
    from gatewaydoctor.simulate.output.document import as_value
    from gatewaydoctor.simulate.sensitivity import sensitivity

    with _telling(run) as tell:
        found = sensitivity(scenario.name, options, seed=common["seed"], policy=policy, duration=duration, told=tell)
    return Outcome(
        f"simulate {scenario.name}",
        ExitCode.OK,
        run if run.options.now else replace(run, clock=clocks.Clock(0, 0)),
        details=as_value(found),
        screen=lambda console: _show(console, found, run, common["from_state_dir"]),
    )


@contextmanager
def _telling(run: Run) -> Iterator[Callable[[str], None]]:
    """What is simulated now, on the line of progress."""
    from gatewaydoctor.cli.shell.examining import progress

    with progress(run) as shown:

        def told(text: str) -> None:
            if shown:
                shown.phase(text, None)
                shown.advance(0)

        yield told


def _wall(word: str) -> bool:
    if word not in ("virtual", "wall"):
        raise UsageError(f"--clock {word!r} is not valid.", "Use virtual or wall.")
    return word == "wall"


def _show(console: Console, made: Result | Comparison | Sensitivity, run: Run, directory: str | None) -> None:
    """As much as fits the terminal, all of it with --all or -v; then what to type next."""
    from gatewaydoctor.report.screens.blocks.fitting import height, lines

    draw = partial(_draw, made=made, run=run, directory=directory)
    screens = [partial(draw, screen=screen) for screen in _screens(made, run)]
    whole = run.options.all or run.options.verbose
    fitting = (each for each in screens if whole or lines(console, each) <= height(console))
    next(fitting, screens[-1])(console)


def _screens(made: Result | Comparison | Sensitivity, run: Run) -> list[Callable[[int], RenderableType]]:
    """What is shown in a width, from everything to the least; each says what it leaves out."""
    from rich.console import Group
    from rich.text import Text

    from gatewaydoctor.simulate import Comparison
    from gatewaydoctor.simulate.output.screen import comparison_screen, result_screen, sensitivity_screen
    from gatewaydoctor.simulate.sensitivity import Sensitivity

    if isinstance(made, Sensitivity):
        return [
            lambda _: sensitivity_screen(made),
            *(partial(_inputs, made, n) for n in range(len(made.lines), 0, -1)),
        ]
    if isinstance(made, Comparison):
        why = Text("--all adds what each remedy does.")
        return [lambda _: comparison_screen(made), lambda _: Group(comparison_screen(made, sentences=False), why)]
    whole = partial(result_screen, made, verbose=run.options.verbose)
    least = Text(f"--all adds {'the figures put in, the tables and ' if made.tables else ''}the timeline.")
    return [
        whole,
        lambda width: Group(whole(width, chart=False), Text("--all adds the timeline.")),
        lambda width: Group(whole(width, tables=False, chart=False), least),
    ]


def _inputs(found: Sensitivity, inputs: int, width: int) -> RenderableType:
    """So many inputs, and how many are left out."""
    from rich.console import Group
    from rich.text import Text

    from gatewaydoctor.simulate.output.screen import sensitivity_screen

    rest = max(0, sum(bool(line.moved) for line in found.lines) - inputs)
    more = f"{rest:,} more inputs and " if rest > 1 else "1 more input and " if rest else ""
    return Group(sensitivity_screen(found, inputs=inputs), Text(f"--all adds {more}every result they move."))


def _draw(
    console: Console,
    *,
    screen: Callable[[int], RenderableType],
    made: Result | Comparison | Sensitivity,
    run: Run,
    directory: str | None,
) -> None:
    from rich.text import Text

    from gatewaydoctor.report.screens.blocks.parts import print_command
    from gatewaydoctor.simulate import Comparison

    console.print(screen(console.width))
    if run.options.quiet:
        return
    where = ("--from-state-dir", directory) if directory else ()
    why, words = "which remedy helps:", ["--compare"]
    if isinstance(made, Comparison):
        best = next((each.name for each in made.verdicts if each.rank and each.who), None)
        if best is None:
            return
        why, words = f"what {best} does, over time:", ["--remedy", best, "--all"]
    console.print()
    console.print(Text.assemble(("next: ", "bold"), why))
    print_command(console, Text(), run.invocation.command("simulate", made.scenario, *words, *where), len("next: "))


def _plot(made: Result | Comparison, storm: Result | None, spelled: str) -> None:
    from gatewaydoctor.cli.shell.output import PUBLIC, kept_mode, target, write
    from gatewaydoctor.simulate import Comparison
    from gatewaydoctor.simulate.output.picture import PlotUnavailable, plot, plot_comparison

    path = target(spelled, "--plot", ())
    try:
        if isinstance(made, Comparison):
            picture = plot_comparison(made, path)
        else:
            picture = plot([storm, made] if storm else [made], path)
    except PlotUnavailable as error:
        raise CannotExamine(f"{error}", "Or leave --plot out.") from error
    except ValueError as error:
        raise UsageError(f"--plot {path}: {error}.", "Use a name that ends in .svg or .png.") from error
    write(path, picture, kept_mode(path, PUBLIC))


def _verb(name: str) -> Callable[..., Outcome]:
    """The verb of a scenario, with an option for everything its model takes."""
    from gatewaydoctor.simulate import scenario_named

    scenario = scenario_named(name)
    # Under a name of their own: a workload may have an option `run` or `mode`.
    own = {f"workload_{o.name.replace('-', '_')}": o for o in scenario.describe_options() if o.name != "duration"}

    def verb(run: Run, **values: Any) -> Outcome:
        given = {option.name: values.pop(key) for key, option in own.items()}
        return _simulate(name, run, values, {key: value for key, value in given.items() if value is not None})

    remedies = ", ".join(remedy.name for remedy in scenario.remedies)
    verb.__doc__ = f"Remedies: {remedies}."
    common = [Parameter(key, kind, value) for key, kind, value in _COMMON]
    verb.taken = [*common, *(Parameter(key, _annotation(option), None) for key, option in own.items())]  # type: ignore[attr-defined]
    return verb


_COMMON: tuple[tuple[str, Any, Any], ...] = (
    ("seed", Seed, 1),
    ("duration", Duration, None),
    ("policy", Policy, None),
    ("remedy", Remedies, None),
    ("compare", CompareAll, False),
    ("sensitivity", Sensitive, False),
    ("clock", Clock, "virtual"),
    ("plot", Plot, None),
    ("from_state_dir", FromState, None),
)


def _annotation(taken: Option) -> Any:
    unit = f" [{taken.unit}]" if taken.unit else ""
    help = f"{taken.help}{unit} Default {taken.default!r} ({taken.label.value})."
    metavar = taken.kind.__name__.upper()
    declared = option(f"--{taken.name}", metavar=metavar, help=help, shows_default=False, panel=_PANEL)
    return Annotated[taken.kind | None, declared]


def __getattr__(attribute: str) -> Callable[..., Outcome]:
    """`simulate_<scenario>` for every scenario there is."""
    from gatewaydoctor.simulate import SCENARIOS

    verb, _, name = attribute.partition("_")
    if verb == "simulate" and name.replace("_", "-") in SCENARIOS:
        return _verb(name.replace("_", "-"))
    raise AttributeError(attribute)
