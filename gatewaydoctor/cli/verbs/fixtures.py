"""`fixtures`: state directories to test with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from msgspec.structs import replace

from gatewaydoctor.cli.parser.parameters import argument, option
from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats
from gatewaydoctor.cli.shell.streams import put
from gatewaydoctor.model.errors import CannotExamine, ExitCode, UsageError, unknown_word
from gatewaydoctor.model.words import plural

if TYPE_CHECKING:
    from rich.console import Console

FIXTURES = "fixtures"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")

RecipeName = Annotated[str, argument(metavar="RECIPE", help="Recipe; see `gatewaydoctor fixtures list`.")]
Out = Annotated[str, option("--out", metavar="DIR", help="New or empty directory for the state directory.")]
Seed = Annotated[int | None, option("--seed", metavar="N", help="Another seed, other bytes.")]
Directories = Annotated[
    list[str] | None,
    argument(metavar="[DIR]...", help="Fixtures, or directories of fixtures. [default: fixtures]"),
]
Update = Annotated[bool, option("--update", help="Rewrite each expected.json with what is found now.")]
FixtureDirectory = Annotated[str, argument(metavar="DIR", help="A directory with expected.json and state/.")]
FixtureName = Annotated[str, argument(metavar="NAME", help="Name of the fixture.")]
From = Annotated[str, option("--from", metavar="STATE_DIR", help="State directory to make it from.")]
Into = Annotated[str, option("--out", metavar="DIR", help="The directory of fixtures it goes into.")]
NoRedact = Annotated[bool, option("--no-redact", help="Keep names, ids, times and conversations as they are.")]
Scale = Annotated[float, option("--scale", metavar="X", help="Size factor; people are not multiplied.")]


def fixtures_list(run: Run) -> Outcome:
    """Lists every recipe, with its size at scale 1."""
    from gatewaydoctor.fixtures import DEFAULT_NOW, RECIPES
    from gatewaydoctor.report import words

    only_formats(run, "fixtures list", "text", "json")
    recipes = [
        {"name": each.name, "summary": each.summary, "entries": each.entries, "bytes": each.size}
        for each in RECIPES.values()
    ]

    def screen(console: Console) -> None:
        from gatewaydoctor.report.screens.blocks.parts import grid, moment

        table = grid("recipe", "entries", "size")
        table.add_column("what it is", overflow="fold")
        for each in RECIPES.values():
            table.add_row(each.name, f"{each.entries:,}", words.size(each.size), each.summary)
        console.print(table)
        console.print(f"Their clock is {moment(DEFAULT_NOW)} UTC unless --now is given.")

    return Outcome("fixtures list", ExitCode.OK, run, details={"recipes": recipes}, screen=screen)


def fixtures_make(run: Run, *, recipe: RecipeName, out: Out, seed: Seed = None, scale: Scale = 1.0) -> Outcome:
    """Builds a state directory by a recipe. The same recipe, seed, scale and --now give the same bytes on every
    machine."""
    from gatewaydoctor.fixtures import DEFAULT_NOW, DEFAULT_SEED, RECIPES, RecipeError, make
    from gatewaydoctor.report import words

    only_formats(run, "fixtures make", "text", "json")
    if recipe not in RECIPES:
        raise unknown_word("recipe", recipe, RECIPES, "`gatewaydoctor fixtures list` shows the recipes.")
    now = run.now if run.options.now else DEFAULT_NOW
    try:
        made = make(recipe, Path(out), seed=DEFAULT_SEED if seed is None else seed, scale=scale, now=now)
    except RecipeError as error:
        raise UsageError(f"{error}.", "See `gatewaydoctor fixtures make --help`.") from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        hint = "Files written so far are still there."
        raise CannotExamine(f"Cannot write {out}: {reason}.", hint) from error
    details = {
        "recipe": recipe,
        "stateDir": str(made.state_dir),
        "files": made.files,
        "bytes": made.bytes,
        "entries": made.entries,
        "now": now,
    }

    def screen(console: Console) -> None:
        console.print(
            f"{recipe}: {words.plural(made.entries, 'entry', 'entries')} in {words.plural(made.files, 'file')}, "
            f"{words.size(made.bytes)}, in {made.state_dir}"
        )

    return Outcome("fixtures make", ExitCode.OK, run, details=details, screen=screen)


def fixtures_validate(run: Run, *, directories: Directories = None, update: Update = False) -> Outcome:
    """Examines fixtures and compares what is found with what is expected. A fixture is a directory with a state
    directory in `state` and an `expected.json`; any of yours will do. It is examined as its expected.json describes
    the machine, so the result is the same everywhere and at any time. Exits 0 if all are as expected, 1 if one is
    not, 2 if one cannot be compared. Formats: text, json, junit, github."""
    from gatewaydoctor.cli.verbs import fixtures_report as report
    from gatewaydoctor.fixtures.validating import validate
    from gatewaydoctor.model.outcome.report import ErrorInfo

    form = only_formats(run, "fixtures validate", "text", "json", "junit", "github")
    found = validate.find_fixtures(Path(each) for each in directories or [FIXTURES])
    results = [validate.update(each, run.now, _replace) if update else validate.check(each) for each in found]
    broken = [each for each in results if isinstance(each.result, validate.Broken)]
    error_info = None
    if broken:
        names = ", ".join(each.name for each in broken)
        error_info = ErrorInfo(
            code="broken-fixture",
            message=f"{plural(len(broken), 'fixture')} cannot be compared: {names}.",
            hint="The report gives the reason for each.",
        )
    different = any(isinstance(each.result, validate.Different) for each in results)
    code = ExitCode.CANNOT_EXAMINE if broken else ExitCode.FINDINGS if different else ExitCode.OK

    def stream() -> ExitCode:
        renders = {"junit": report.junit, "github": report.github}
        render = renders.get(form)
        put(render(results) if render else report.text(results, verbose=run.options.verbose))
        if form == "github":
            from gatewaydoctor.cli.shell.report_output import summarise

            summarise(lambda: report.markdown(results), (each.path.resolve() for each in results))
        return code

    return Outcome(
        "fixtures validate",
        code,
        run,
        details=report.details(results),
        stream=None if form == "json" else stream,
        error=error_info,
    )


def fixtures_set_up(run: Run, *, fixture: FixtureDirectory, out: Out) -> Outcome:
    """Copies a fixture with the times that its expected.json lists, which Git does not keep, and prints the clock at
    which a scan of the copy shows the ages listed there."""
    from gatewaydoctor.fixtures.validating.expectation import BrokenFixture
    from gatewaydoctor.fixtures.validating.setup import set_up

    only_formats(run, "fixtures set-up", "text", "json")
    target = Path(out)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{out} is not an empty directory.", "Name a new or empty directory: --out DIR.")
    try:
        made = set_up(Path(fixture), target)
    except BrokenFixture as error:
        raise CannotExamine(f"{fixture}: {error}.", "Name a directory with expected.json and state/.") from error
    details = {"stateDir": str(made.state_dir), "now": made.now, "files": made.files, "missing": list(made.missing)}

    def screen(console: Console) -> None:
        from shlex import quote

        console.print(f"{plural(made.files, 'file')} in {made.state_dir}. Examine it at its clock:")
        console.print(f"    gatewaydoctor scan --state-dir {quote(out)} --now {made.now}", soft_wrap=True)
        if made.missing:
            console.print(f"This machine cannot reproduce what the fixture expects of: {', '.join(made.missing)}.")

    return Outcome("fixtures set-up", ExitCode.OK, run, details=details, screen=screen)


def fixtures_new(
    run: Run, *, name: FixtureName, source: From, out: Into = FIXTURES, no_redact: NoRedact = False
) -> Outcome:
    """Makes a fixture out of a state directory. Keeps what rules examine: statuses, kinds, relations of times,
    sizes as a class. Under --redact replaces ids, names, paths and times consistently and leaves out what people
    wrote; review it before you share it. Never copies secrets or follows symlinks. Exits 0 if the fixture has the
    findings of the directory, with smaller counts perhaps, 1 if it was made but a finding is missing or was
    added."""
    from gatewaydoctor.cli.shell.examining import progress, world
    from gatewaydoctor.cli.verbs import fixtures_report as report
    from gatewaydoctor.fixtures.distil.new import new
    from gatewaydoctor.report import vocabulary

    only_formats(run, "fixtures new", "text", "json")
    target = _new_fixture(run, name, Path(out), Path(source), no_redact=no_redact)
    words = vocabulary.VOCABULARY | vocabulary.KEY_WORDS | vocabulary.PATH_WORDS | vocabulary.SUFFIX_WORDS
    try:
        with progress(run) as shown:
            where = replace(run.where, state_dir=source)
            made = new(world(run), where, target, words=words, redact=not no_redact, progress=shown)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise CannotExamine(
            f"No fixture was made: {reason}.", "Check the directory and the room on its volume."
        ) from error
    return Outcome(
        "fixtures new",
        ExitCode.OK if made.same else ExitCode.FINDINGS,
        run,
        details=report.made_details(made),
        screen=lambda console: report.show_made(console, made, run.invocation),
    )


def _new_fixture(run: Run, name: str, out: Path, source: Path, *, no_redact: bool) -> Path:
    """Where the fixture will be. Raises UsageError and Refused before anything is examined."""
    from gatewaydoctor.repair.writing.errors import Refused

    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is not a valid fixture name.", "Use up to 64 letters, digits, '.', '_' and '-'.")
    if run.options.redact and no_redact:
        raise UsageError("--redact and --no-redact exclude each other.", "Use one of them.")
    if not run.options.redact and not no_redact:
        raise Refused(
            "A state directory holds conversations, names and ids; no fixture was made.",
            "Add --redact to replace them, or --no-redact to keep them.",
        )
    target = out / name
    if target.exists() or target.is_symlink():
        raise Refused(f"{target} is there already; nothing was made.", "Use another name, or remove it first.")
    if target.resolve().is_relative_to(source.resolve()):
        raise Refused(f"{out} lies inside {source}; nothing was made.", "Use a directory elsewhere: --out DIR.")
    return target


def _replace(path: Path, data: bytes) -> None:
    """Raises UsageError for a symbolic link, and CannotWrite."""
    from gatewaydoctor.cli.shell.output import PUBLIC, kept_mode, target, write

    place = target(str(path), "--update", ())
    write(place, data, kept_mode(place, PUBLIC))
