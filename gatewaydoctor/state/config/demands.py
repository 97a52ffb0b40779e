"""What validation asks of settings beyond their types, of the releases named: every one was asked over each of these
(docs/gateway.md, section 1)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gatewaydoctor.model.gateway.config import RefusedSetting
from gatewaydoctor.model.regex import regex
from gatewaydoctor.state.config.shapes import brought
from gatewaydoctor.state.config.together import PATH_THERE
from gatewaydoctor.storage.jsontext.gateway_json import as_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gatewaydoctor.system.fs import FileStat

    Rows = list[tuple[str, Mapping[str, object]]]
    Lstat = Callable[[str], FileStat | None]

ANOTHER_PLUGIN = "a plugin of another origin brings it"
_HOUR = regex(r"(?:[01]\d|2[0-3]):[0-5]\d|24:00")


def of_every_release(document: Mapping[str, object], rows: Rows) -> Iterator[RefusedSetting]:
    """Seen with 2026.3.28 to 2026.9.6."""
    for profile in as_object(as_object(document.get("browser")).get("profiles")).values():
        if isinstance(profile, dict) and not any(profile.get(name) for name in ("cdpPort", "cdpUrl", "driver")):
            yield RefusedSetting("browser.profiles", "*", "without cdpPort and cdpUrl")
    origin = as_object(document.get("gateway")).get("publicOrigin")
    if isinstance(origin, str) and "${" not in origin and not origin.strip().lower().startswith(("http:", "https:")):
        yield RefusedSetting("gateway", "publicOrigin", "not an address that begins with https:")
    folder = document.get("worktreeRoot")
    if isinstance(folder, str) and "${" not in folder and folder and not folder.strip().startswith(("/", "~")):
        yield RefusedSetting("", "worktreeRoot", "not an absolute path")
    defaults = as_object(as_object(document.get("agents")).get("defaults"))
    for section, holder in [("agents.defaults.", defaults), *(("agents.*.", row) for _, row in rows)]:
        yield from _container(f"{section}sandbox.docker", as_object(as_object(holder.get("sandbox")).get("docker")))


def _container(section: str, docker: Mapping[str, object]) -> Iterator[RefusedSetting]:
    network = str(docker.get("network", "")).strip().lower()
    joined = network.startswith("container:") and docker.get("dangerouslyAllowContainerNamespaceJoin") is not True
    if network == "host" or joined:
        yield RefusedSetting(section, "network", "host, or that of another container")
    for name in ("seccompProfile", "apparmorProfile"):
        if str(docker.get(name, "")).strip().lower() == "unconfined":
            yield RefusedSetting(section, name, "unconfined")


def of_databases(document: Mapping[str, object], rows: Rows) -> Iterator[RefusedSetting]:
    """Seen with 2026.8.1 to 2026.9.6."""
    defaults = as_object(as_object(document.get("agents")).get("defaults"))
    for section, holder in [("agents.defaults", defaults), *(("agents.*", row) for _, row in rows)]:
        yield from _hours(f"{section}.heartbeat.activeHours", as_object(holder.get("heartbeat")))


def of_plugin_paths(document: Mapping[str, object], state_dir: Path, lstat: Lstat) -> Iterator[RefusedSetting]:
    """Seen with 2026.3.28 to 2026.9.3."""
    paths = as_object(as_object(document.get("plugins")).get("load")).get("paths")
    for at, path in enumerate(paths if isinstance(paths, list) else ()):
        if isinstance(path, str) and path.startswith("/") and "\0" not in path and lstat(path) is None:
            own = Path(path).is_relative_to(state_dir)
            unless = "" if own else PATH_THERE
            yield RefusedSetting("plugins.load.paths", str(at), "a path that is not there", unless=unless)


def _hours(section: str, heartbeat: Mapping[str, object]) -> Iterator[RefusedSetting]:
    for name, last in (("start", "23:59"), ("end", "24:00")):
        value = as_object(heartbeat.get("activeHours")).get(name)
        if isinstance(value, str) and value and not (_HOUR.fullmatch(value) and value <= last):
            yield RefusedSetting(section, name, f"not a time from 00:00 to {last}")


def of_what_it_brings(document: Mapping[str, object], release: str) -> Iterator[RefusedSetting]:
    """Providers of models that are not part of the release need an address and models of their own; memory needs a
    plugin that is there. Seen with 2026.3.28 to 2026.9.6, where it is known what comes with the release."""
    providers, memory = brought(release)
    for name, given in as_object(as_object(document.get("models")).get("providers")).items() if providers else ():
        if name.strip().lower() not in providers and isinstance(given, dict):
            for need in ("baseUrl", "models"):
                if given.get(need) in (None, ""):
                    yield RefusedSetting("models.providers.*", need, "missing", unless=ANOTHER_PLUGIN)
    slot = as_object(as_object(document.get("plugins")).get("slots")).get("memory")
    wanted = slot.strip() if isinstance(slot, str) and "${" not in slot else ""
    if memory and wanted.lower() not in ("", "none") and wanted not in memory:
        yield RefusedSetting("plugins.slots", "memory", "a plugin it does not have", unless=ANOTHER_PLUGIN)
