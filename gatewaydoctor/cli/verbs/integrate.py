"""`integrate`: snippets for the programs that start, watch and test a gateway."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Set
from pathlib import Path
from typing import Annotated

from gatewaydoctor.cli.parser.parameters import argument, option
from gatewaydoctor.cli.shell.run import Outcome, Run, only_formats
from gatewaydoctor.integrate import TARGETS, About, Target, form_of, snippet
from gatewaydoctor.integrate.site import LIMIT_S, Site, Where
from gatewaydoctor.model.errors import ExitCode, UsageError

_PRIVATE_TARGETS = (Target.LAUNCHD,)
"""What is installed may hold the gateway's token."""

TargetName = Annotated[
    Target,
    argument(metavar="TARGET", help="; ".join(f"{each}: {about.summary}" for each, about in TARGETS.items()) + "."),
]
Form = Annotated[
    str | None,
    option(
        "--form",
        metavar="FORM",
        help="; ".join(f"{each}: {', '.join(about.forms)}" for each, about in TARGETS.items() if len(about.forms) > 1)
        + ". The first is the usual one.",
    ),
]
ProgramPath = Annotated[
    str | None, option("--program", metavar="PATH", help="What starts gatewaydoctor. [default: this program]")
]
Unit = Annotated[
    str | None,
    option("--unit", metavar="NAME", help="Name of the service, LaunchAgent or Deployment of the gateway."),
]
Limit = Annotated[
    int | None,
    option(
        "--limit",
        metavar="SECONDS",
        min=1,
        max=3600,
        help=f"How long a check may hold up a start. [default: {LIMIT_S}]",
    ),
]
Image = Annotated[
    str | None,
    option("--image", metavar="IMAGE", help="docker: the gateway's image; kubernetes: one with gatewaydoctor."),
]
Package = Annotated[
    str | None,
    option(
        "--package",
        metavar="FILE|IMAGE",
        help="Where gatewaydoctor comes from: a .pyz, a .whl, a directory of wheels, or an image. "
        "[default: gatewaydoctor.pyz]",
    ),
]
Gateway = Annotated[
    str | None, option("--gateway", metavar="COMMAND", help="launchd, docker: what starts the gateway.")
]
Fixtures = Annotated[str | None, option("--fixtures", metavar="DIR", help="github-actions: where the fixtures are.")]
TextfileDir = Annotated[
    str | None, option("--textfile-dir", metavar="DIR", help="prometheus: what the textfile collector reads.")
]
Output = Annotated[
    str | None,
    option("--output", metavar="FILE", help="Write the snippet to FILE atomically."),
]


def integrate(
    run: Run,
    *,
    target: TargetName,
    form: Form = None,
    program: ProgramPath = None,
    unit: Unit = None,
    limit: Limit = None,
    image: Image = None,
    package: Package = None,
    gateway: Gateway = None,
    fixtures: Fixtures = None,
    textfile_dir: TextfileDir = None,
    output: Output = None,
) -> Outcome:
    """Prints a snippet, or writes it to the file that --output names; its comments show where it goes and how to
    switch it on. Paths are those of this machine; for docker and kubernetes those in the container, unless
    --state-dir and --program name others; for ansible those of --state-dir, --profile and --program, else each host's
    own. A snippet stops a start of the gateway only if it would lose data, fail or loop, and GATEWAYDOCTOR_GATE=off
    overrides that. None installs gatewaydoctor by its name from an index: --package names the file or image."""
    from gatewaydoctor.cli.verbs.integrate_sites import site_of
    from gatewaydoctor.report.printer import print_warning

    only_formats(run, "integrate", "text", "json")
    chosen, about = form_of(target, form), TARGETS[target]
    given = {
        "unit": unit,
        "limit": limit,
        "image": image,
        "package": package,
        "gateway": _words(gateway),
        "fixtures": fixtures,
        "textfile_dir": _absolute(textfile_dir),
    }
    named = {name: value for name, value in given.items() if value is not None}
    _refuse(run, target, about, named.keys(), program)
    site, warnings = site_of(run, target, program, named)
    text = snippet(target, chosen, site)
    for warning in warnings:
        print_warning(warning)
    path = None if output in (None, "-") else _write(target, text, str(output), site)

    def stream() -> ExitCode:
        if path is None:
            sys.stdout.write(text)
        return ExitCode.OK

    details = {"snippet": {"target": target.value, "form": chosen, "text": text, "output": path}}
    return Outcome("integrate", ExitCode.OK, run, details=details, stream=None if run.wants_json else stream)


def _words(command: str | None) -> tuple[str, ...] | None:
    if command is None:
        return None
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise UsageError(f"--gateway {command!r} is not a command: {error}.", "Quote it as in a shell.") from None
    if not words:
        raise UsageError("--gateway needs a command.", "Try 'openclaw gateway --port 18789'.")
    return words


def _absolute(path: str | None) -> str | None:
    return None if path is None else os.path.abspath(path)  # noqa: PTH100 - "..", links and all as the user meant them


def _refuse(run: Run, target: Target, about: About, named: Set[str], program: str | None) -> None:
    """Raises UsageError for an option that would be ignored."""
    for name in sorted(named - about.options):
        option = "--" + name.replace("_", "-")
        raise UsageError(f"{target} takes no {option}.", "See `gatewaydoctor integrate --help`.")
    o = run.options
    if target is Target.GITHUB_ACTIONS and (o.state_dir or o.profile or o.config or o.agent or o.path_map or program):
        raise UsageError("The workflow installs gatewaydoctor and checks only fixtures.", "Use --fixtures DIR.")
    if o.store is not None:
        raise UsageError("A snippet examines an entire state directory.", "Use --state-dir instead of --store.")
    if o.redact:
        raise UsageError("A snippet without its paths would not work.", "Omit --redact.")


def _write(target: Target, text: str, output: str, site: Site) -> str:
    """Raises UsageError for a file inside the state directory, and CannotWrite."""
    from gatewaydoctor.cli.shell import output as files

    protected = (Path(os.path.realpath(site.state_dir)),) if TARGETS[target].where is Where.HERE else ()
    path = files.target(output, "--output", protected)
    files.write(path, text, files.PRIVATE if target in _PRIVATE_TARGETS else files.PUBLIC)
    return str(path)
