"""What a snippet of `integrate` is made from: the paths of this machine, or those that were named."""

from __future__ import annotations

import os
import plistlib
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.parsers.expat import ExpatError
from zipfile import is_zipfile

from msgspec.structs import replace

import gatewaydoctor
from gatewaydoctor.cli.shell.run import working_directory
from gatewaydoctor.integrate import TARGETS, Target
from gatewaydoctor.integrate.site import CONTAINER_STATE_DIR, Site, Where
from gatewaydoctor.model.errors import CannotExamine, UsageError
from gatewaydoctor.state.place.home import effective_home, trimmed, user_path
from gatewaydoctor.state.place.locate import STATE_DIR_NAME, locate, named_state_dir

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gatewaydoctor.cli.shell.run import Run

PROGRAM = "gatewaydoctor"


def site_of(run: Run, target: Target, program: str | None, named: Mapping[str, Any]) -> tuple[Site, tuple[str, ...]]:
    """The site, and sentences about what in it may not hold. Raises UsageError, SeveralStateDirs where the
    directory to watch has to be named, and CannotExamine for an installed LaunchAgent that cannot be read."""
    about = TARGETS[target]
    if target is Target.LAUNCHD:
        return _launchd(run, program, named)
    match about.where:
        case Where.HERE:
            site, warnings = _here(run, program)
        case Where.CONTAINER:
            site, warnings = _in_container(run, program or about.program), ()
        case Where.ELSEWHERE:
            site, warnings = Site((program or about.program,), _as_given(run), ""), ()
    return replace(site, profile=_profile(run), **named), warnings


def _launchd(run: Run, program: str | None, named: Mapping[str, Any]) -> tuple[Site, tuple[str, ...]]:
    """An installed agent knows where its gateway keeps its state; what the shell of the operator says of that is
    for other gateways."""
    service = replace(Site((), (), "", profile=_profile(run)), **named)
    path, agent = _installed_agent(run, service)
    if agent is None:
        site, warnings = _here(run, program)
        new = "The snippet is for a new one; `openclaw gateway install` creates one with more settings."
        return replace(site, profile=service.profile, **named), (*warnings, f"There is no {path}. {new}")
    env = _environment(run, agent)
    site, warnings = _here(replace(run, env=env), program)
    own = named_state_dir(env, effective_home(env), None, None)
    if own and str(own[0]) != site.state_dir:
        other = f"The installed agent has its state in {own[0]}; the snippet examines {site.state_dir}."
        warnings = (*warnings, other)
    return replace(site, profile=service.profile, agent=agent, **named), warnings


def this_program(argument: str) -> tuple[str, ...]:
    """What starts this program from anywhere: the path it was started by, symbolic links kept, for a link outlives
    the version it points to; else the module, by this interpreter. An archive is always given to this interpreter,
    for it holds compiled parts for some and not for others."""
    path = Path(argument)
    if path.suffix == ".pyz" or is_zipfile(path):
        return sys.executable, _absolute(argument)
    if path.name.startswith(PROGRAM):
        found = str(path) if path.parent != Path() else shutil.which(path.name) or ""
        if found and os.access(found, os.X_OK):
            return (_absolute(found),)
        if path.is_file():  # a file that an interpreter was given
            return sys.executable, _absolute(argument)
    installed = shutil.which(PROGRAM)
    if installed and path.parts[-2:] != (PROGRAM, "__main__.py"):
        return (_absolute(installed),)
    return sys.executable, "-m", PROGRAM


def _here(run: Run, program: str | None) -> tuple[Site, tuple[str, ...]]:
    state_dir, *warnings = _state_dir(run)
    argv = this_program(run.typed[0]) if program is None else (_named_program(run, program),)
    if "-m" in argv[1:2] and _only_from(working_directory(), *_python_path(run)):
        warnings.append(
            f"`python -m {PROGRAM}` works in this directory or with this PYTHONPATH only; a service has neither. "
            "Install it, or name an installed one: --program PATH."
        )
    elif "/" in argv[0] and not os.access(argv[0], os.X_OK):
        warnings.append(f"{argv[0]} cannot be run on this machine.")
    config = run.options.config or trimmed(run.env, "OPENCLAW_CONFIG_PATH")
    options = ["--state-dir", state_dir]
    if config:
        options += ["--config", str(user_path(config, effective_home(run.env)))]
    return Site(argv, (*options, *_narrowing(run)), state_dir), tuple(warnings)


def _state_dir(run: Run) -> tuple[str, ...]:
    """The state directory, which need not be there, for a snippet may be made before a gateway is; then a sentence
    that says so."""
    o = run.options
    try:
        return (str(locate(run.fs, run.env, state_dir=o.state_dir, profile=o.profile).state_dir),)
    except CannotExamine as missing:
        home = effective_home(run.env)
        named = named_state_dir(run.env, home, o.state_dir, o.profile)
        path = named[0] if named else home / STATE_DIR_NAME
        return str(path), f"{missing.message} The snippet still uses {path}."


def _named_program(run: Run, program: str) -> str:
    """A plain name is looked up where it can be; where it cannot, the shell of the snippet does."""
    if "/" in program:
        return str(user_path(program, effective_home(run.env)))
    found = shutil.which(program)
    return _absolute(found) if found else program


def _only_from(*directories: Path | None) -> bool:
    """Whether the package was imported from one of these, which a service does not look into."""
    root = Path(gatewaydoctor.__file__).resolve().parent.parent
    return any(each is not None and each.resolve() == root for each in directories)


def _python_path(run: Run) -> Iterator[Path]:
    return (Path(each) for each in run.env.get("PYTHONPATH", "").split(os.pathsep) if each)


def _in_container(run: Run, program: str) -> Site:
    o = run.options
    suffix = f"-{o.profile}" if _named_profile(o.profile) else ""
    state_dir = o.state_dir or f"{CONTAINER_STATE_DIR}{suffix}"
    for option, path in (("--state-dir", state_dir), ("--config", o.config or "/")):
        if not path.startswith("/"):
            raise UsageError(f"{option} {path} is not absolute.", "Use the path inside the container.")
    config = () if o.config is None else ("--config", o.config)
    return Site((program,), ("--state-dir", state_dir, *config, *_narrowing(run)), state_dir)


def _as_given(run: Run) -> tuple[str, ...]:
    """The options that name a place, unresolved: each host has its own home."""
    o = run.options
    pairs = (("--state-dir", o.state_dir), ("--profile", o.profile), ("--config", o.config))
    return (*(word for pair in pairs if pair[1] is not None for word in map(str, pair)), *_narrowing(run))


def _narrowing(run: Run) -> tuple[str, ...]:
    o = run.options
    agent = () if o.agent is None else ("--agent", o.agent)
    return (*agent, *(word for each in o.path_map for word in ("--path-map", each)))


def _profile(run: Run) -> str | None:
    """The profile that the gateway's service is named after."""
    return _named_profile(run.options.profile or trimmed(run.env, "OPENCLAW_PROFILE"))


def _named_profile(profile: str | None) -> str | None:
    return None if profile is None or profile.lower() == "default" else profile


def _installed_agent(run: Run, site: Site) -> tuple[Path, Mapping[str, Any] | None]:
    """Where the gateway's LaunchAgent is, and what it says; None where it is not."""
    from gatewaydoctor.integrate.launchd import label

    home = run.env.get("HOME") or str(Path.home())
    path = Path(home, "Library", "LaunchAgents", f"{label(site)}.plist")
    try:
        with run.fs.open(path) as stream:
            agent = plistlib.load(stream)
    except FileNotFoundError:
        return path, None
    except (OSError, ValueError, ExpatError, plistlib.InvalidFileException) as error:
        raise CannotExamine(
            f"Cannot read the installed {path}: {error}.", "Repair it with `openclaw gateway install`."
        ) from error
    if not isinstance(agent, dict):
        raise CannotExamine(f"{path} is not a LaunchAgent.", "Repair it with `openclaw gateway install`.")
    return path, agent


def _environment(run: Run, agent: Mapping[str, Any]) -> dict[str, str]:
    """This environment, with what the agent sets in place of what is set here for a gateway."""
    given = agent.get("EnvironmentVariables")
    own = {name: value for name, value in given.items() if isinstance(value, str)} if isinstance(given, dict) else {}
    kept = {name: value for name, value in run.env.items() if not name.startswith("OPENCLAW_")}
    return kept | {name: value for name, value in own.items() if name.startswith("OPENCLAW_") or name == "HOME"}


def _absolute(path: str) -> str:
    return os.path.abspath(path)  # noqa: PTH100 - Path.absolute() keeps "..", and links shall stay
