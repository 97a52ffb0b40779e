"""Finding the state directory and its config the way the gateway finds them (docs/gateway.md section 1)."""

from __future__ import annotations

import re
from shlex import quote
from typing import TYPE_CHECKING

from msgspec.structs import replace

from gatewaydoctor.model.errors import CannotExamine, UsageError
from gatewaydoctor.model.gateway.place import Candidate, ConfigSource, Place, SeveralStateDirs, StateDirSource
from gatewaydoctor.model.regex import regex
from gatewaydoctor.state.place.home import effective_home, trimmed, user_path
from gatewaydoctor.state.place.recognise import CONFIG_NAMES, is_state_dir, nearby
from gatewaydoctor.system.fs import is_there

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from gatewaydoctor.system.fs import FileStat, ReadFs

STATE_DIR_NAME = ".openclaw"
LEGACY_STATE_DIR_NAMES = (".clawdbot", ".moldbot", ".moltbot")
"""All names any release accepted: 3.13 knew three, 3.28 the first two, 4.25 and later only the first."""
CONFIG_NAME, *LEGACY_CONFIG_NAMES = CONFIG_NAMES

KEPT = {CONFIG_NAME, *LEGACY_CONFIG_NAMES, "agents", "sessions", "cron", "subagents", "credentials", "identity"} | {
    "delivery-queue",
    "session-delivery-queue",
    "restart-sentinel.json",
    "update-check.json",
    "gateway-instance-id",
    "plugin-state",
    "tasks",
    "flows",
    ".gatewaydoctor",
}
"""Names that tell a state directory from any other (docs/gateway.md section 2); not those that many programs use."""

_ANYWHERE = {"agents", "sessions", ".gatewaydoctor"}
_VARIABLES = ("OPENCLAW_STATE_DIR", "CLAWDBOT_STATE_DIR")

SAME_TIME_MS = 7 * 24 * 3600 * 1000
"""A candidate looks live when its stores changed within this time of the newest change among all candidates."""

_PROFILE_NAME = regex(r"[a-z0-9][a-z0-9_-]{0,63}", re.IGNORECASE)


def locate(
    fs: ReadFs,
    env: Mapping[str, str],
    *,
    state_dir: str | None = None,
    config: str | None = None,
    profile: str | None = None,
    store: str | None = None,
) -> Place:
    """The place the options and the environment name, in the order of architecture.md section 3; a store alone brings
    its own.

    Raises UsageError for an impossible option, SeveralStateDirs when only the home rules apply and two directories
    look live, and CannotExamine when the directory is missing, is not a directory, or cannot be listed.
    """
    home = effective_home(env)
    for option, text in (("--state-dir", state_dir), ("--config", config), ("--store", store)):
        if text is not None and (not text.strip() or "\0" in text):
            raise UsageError(f"{option} needs a path.", f"Try {option} PATH.")
    if profile is not None and not _PROFILE_NAME.fullmatch(profile):
        raise UsageError(
            "A profile name has only letters, digits, '_' and '-', at most 64.",
            "Pass the directory: --state-dir DIR.",
        )
    store_path = _store_file(fs, user_path(store, home)) if store else None
    found, source, others = _choose(fs, env, home, state_dir, profile, store_path)
    stat = _require_directory(fs, found, source)
    config_path, config_source = _config(fs, env, home, found, config)
    return Place(
        found,
        fs.realpath(found),
        source,
        config_path,
        config_source,
        home,
        stat.uid,
        profile if source is StateDirSource.PROFILE else None,
        store_path,
        others,
        stat.mode & 0o7777,
    )


def _store_file(fs: ReadFs, path: Path) -> Path:
    """Nothing is opened to find out, for a FIFO would wait. What is not there, or may not be asked, is told where the
    store is read."""
    try:
        stat = fs.stat(path)
    except (OSError, ValueError):
        return path
    if stat.is_file:
        return path
    what = "a directory" if stat.is_dir else "a device, pipe or socket"
    hint = (
        f"For a whole state directory: --state-dir {path}" if stat.is_dir else "Pass a sessions.json: --store FILE."
    )
    raise CannotExamine(f"{path} is {what}, not a file (from --store).", hint)


def _choose(
    fs: ReadFs, env: Mapping[str, str], home: Path, option: str | None, profile: str | None, store: Path | None
) -> tuple[Path, StateDirSource, tuple[Candidate, ...]]:
    named = named_state_dir(env, home, option, profile, store)
    if named is None:
        return _choose_at_home(fs, env, home)
    candidates = _candidates(fs, [(named[0], ""), (named[0] / STATE_DIR_NAME, "")])
    return *named, tuple(candidate for candidate in candidates if candidate.path != named[0])


def named_state_dir(
    env: Mapping[str, str], home: Path, option: str | None, profile: str | None, store: Path | None = None
) -> tuple[Path, StateDirSource] | None:
    """The state directory that the options or the environment name, there or not; None where the home rules apply."""
    if option:
        return user_path(option, home), StateDirSource.OPTION
    if store:
        return state_dir_of_store(store), StateDirSource.STORE
    if text := trimmed(env, "OPENCLAW_STATE_DIR"):
        return user_path(text, home), StateDirSource.ENVIRONMENT
    if profile:
        suffix = "" if profile.lower() == "default" else f"-{profile}"
        return home / f"{STATE_DIR_NAME}{suffix}", StateDirSource.PROFILE
    return None


def state_dir_of_store(store: Path) -> Path:
    """The state directory a store belongs to by its path `<state>/agents/<id>/sessions/<file>`, else its own
    directory."""
    parents = store.parents
    if len(parents) > 3 and parents[0].name == "sessions" and parents[2].name == "agents":
        return parents[3]
    return store.parent


def surely_kept(fs: ReadFs, place: Place) -> bool:
    """Whether the directory has what a gateway keeps there besides stores, which a config may put anywhere."""
    try:
        return not (KEPT - _ANYWHERE).isdisjoint(fs.names(place.state_dir))
    except OSError:
        return False


def usual_state_dirs(fs: ReadFs, env: Mapping[str, str]) -> Iterator[Path]:
    """Where gateways of this environment and home keep their state, profiles included; there or not."""
    home = effective_home(env)
    yield from (user_path(text, home) for name in _VARIABLES if (text := trimmed(env, name)))
    yield from (home / name for name in (STATE_DIR_NAME, *LEGACY_STATE_DIR_NAMES))
    yield from (home / f"{STATE_DIR_NAME}-{name}" for name in profile_names(fs, home))


def _choose_at_home(
    fs: ReadFs, env: Mapping[str, str], home: Path
) -> tuple[Path, StateDirSource, tuple[Candidate, ...]]:
    # 3.13 alone reads CLAWDBOT_STATE_DIR; where it is set and there, that release is the likely one.
    rules: list[tuple[Path, StateDirSource]] = []
    if text := trimmed(env, "CLAWDBOT_STATE_DIR"):
        rules.append((user_path(text, home), StateDirSource.LEGACY_ENVIRONMENT))
    rules.append((home / STATE_DIR_NAME, StateDirSource.HOME))
    rules += [(home / name, StateDirSource.LEGACY_NAME) for name in LEGACY_STATE_DIR_NAMES]
    chosen = next((rule for rule in rules if _exists(fs, rule[0])), None)

    places = [(path, "") for path, _ in rules]
    places += [(home / name, f"--profile {name[len(STATE_DIR_NAME) + 1 :]}") for name in profile_names(fs, home)]
    os_home = effective_home({name: value for name, value in env.items() if name != "OPENCLAW_HOME"})
    if os_home != home:
        places.append((os_home / STATE_DIR_NAME, ""))
    places += [(path / STATE_DIR_NAME, "") for path, _ in rules]
    candidates = _candidates(fs, places)
    live = tuple(candidate for candidate in candidates if candidate.looks_live)
    if len(live) > 1:
        raise SeveralStateDirs(live)
    if chosen is None:
        looked = ", ".join(_named(fs, path) for path, _ in rules)
        also = " or ".join(candidate.option for candidate in candidates)
        raise CannotExamine(
            f"No state directory found; looked for {looked}.",
            f"Pass one: {also}." if also else "Pass --state-dir DIR, or set OPENCLAW_STATE_DIR.",
        )
    path, source = chosen
    real = fs.realpath(path)
    return path, source, tuple(candidate for candidate in candidates if fs.realpath(candidate.path) != real)


def _named(fs: ReadFs, path: Path) -> str:
    """A path where nothing is, with what it links to."""
    if not is_there(fs, path):
        return str(path)
    try:
        return f"{path} (a link to {fs.realpath(path)}, which is not there)"
    except (OSError, RuntimeError):
        return f"{path} (a link to itself)"


def profile_names(fs: ReadFs, home: Path) -> list[str]:
    """Names of the directories of profiles in a home."""
    try:
        return sorted(
            name
            for name in fs.names(home)
            if name.startswith(f"{STATE_DIR_NAME}-") and _PROFILE_NAME.fullmatch(name[len(STATE_DIR_NAME) + 1 :])
        )
    except OSError:
        return []  # a home that cannot be listed has no profiles we could examine


def _candidates(fs: ReadFs, places: list[tuple[Path, str]]) -> tuple[Candidate, ...]:
    """Existing directories with at least one store, each real directory once, judged against the newest of them."""
    found: dict[Path, Candidate] = {}
    for path, option in places:
        if not _exists(fs, path) or (real := fs.realpath(path)) in found:
            continue
        times = list(_store_times(fs, path))
        if times:
            found[real] = Candidate(path, option or f"--state-dir {path}", len(times), max(times), False)
    newest = max((candidate.newest or 0 for candidate in found.values()), default=0)
    return tuple(
        replace(candidate, looks_live=newest - (candidate.newest or 0) <= SAME_TIME_MS)
        for candidate in found.values()
    )


def _store_times(fs: ReadFs, state_dir: Path) -> Iterator[int]:
    agents = state_dir / "agents"
    try:
        names = sorted(fs.names(agents))
    except OSError:
        return
    for name in names:
        times = []
        for relative in ("sessions/sessions.json", "agent/openclaw-agent.sqlite", "agent/openclaw-agent.sqlite-wal"):
            try:
                times.append(fs.stat(agents / name / relative).mtime)
            except OSError:
                continue
        if times:
            yield max(times)


def _exists(fs: ReadFs, path: Path) -> bool:
    try:
        fs.stat(path)
    except (OSError, ValueError):
        return False
    return True


def _require_directory(fs: ReadFs, path: Path, source: StateDirSource) -> FileStat:
    """The directory's stat, once it has proved to be a directory that can be listed."""
    named_by = f" (from {source.value})"
    stat: FileStat | None = None
    try:
        stat = fs.stat(path)
        if not stat.is_dir:
            raise CannotExamine(f"{path} is not a directory{named_by}.", _name_it(fs, path))
        next(iter(fs.names(path)), None)
    except FileNotFoundError:
        raise CannotExamine(f"There is no directory {path}{named_by}.", _name_it(fs, path)) from None
    except PermissionError:
        again = f"gatewaydoctor scan --state-dir {quote(str(path))}"
        hint = f"Run as its owner: sudo -u '#{stat.uid}' {again}" if stat else f"Run as root: sudo {again}"
        raise CannotExamine(f"No permission to read {path}{named_by}.", hint) from None
    except OSError as error:
        raise CannotExamine(
            f"{path} cannot be read{named_by}: {error.strerror or error}.", "Check the path and the volume it is on."
        ) from None
    return stat


def _name_it(fs: ReadFs, path: Path) -> str:
    near = nearby(fs, path) or (path.parent if is_state_dir(fs, path.parent) else None)
    return f"Name the state directory: --state-dir {near if near else 'DIR'}"


def _config(
    fs: ReadFs, env: Mapping[str, str], home: Path, state_dir: Path, option: str | None
) -> tuple[Path, ConfigSource]:
    if option:
        return _config_file(fs, user_path(option, home)), ConfigSource.OPTION
    if text := trimmed(env, "OPENCLAW_CONFIG_PATH"):
        return user_path(text, home), ConfigSource.ENVIRONMENT
    for name in (CONFIG_NAME, *LEGACY_CONFIG_NAMES):
        if _exists(fs, state_dir / name):
            return state_dir / name, ConfigSource.STATE_DIR if name == CONFIG_NAME else ConfigSource.LEGACY_NAME
    return state_dir / CONFIG_NAME, ConfigSource.STATE_DIR


_NAME_A_CONFIG = "Name an openclaw.json: --config FILE"


def _config_file(fs: ReadFs, path: Path) -> Path:
    """The file of the option, which was named on purpose: one that is not there would be defaults in disguise."""
    try:
        stat = fs.stat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise CannotExamine(f"There is no file {path} (from --config).", _NAME_A_CONFIG) from None
    except OSError:
        return path  # told where it is read
    if stat.is_file:
        return path
    what = "a directory" if stat.is_dir else "a device, pipe or socket"
    hint = f"Name the file in it: --config {path / CONFIG_NAME}" if stat.is_dir else _NAME_A_CONFIG
    raise CannotExamine(f"{path} is {what}, not a file (from --config).", hint)
