"""Every way to start a gateway on a state directory, and on another one, as the process table shows it.

`tests/conformance/test_liveness.py` starts real releases in the same ways.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.model.gateway.liveness import GatewayState, Liveness
from gatewaydoctor.state.alive.liveness import config_lock_name, gateway_liveness
from gatewaydoctor.state.config.config import load_config
from gatewaydoctor.state.place.locate import locate
from tests.state.fakes import BOOT, FakeProcess, FakeProcesses
from tests.state.test_liveness import FS, MADE, NOW, iso

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from gatewaydoctor.system.processes import FileIdentity

LIVE, DEAD, UNKNOWN = Liveness.LIVE, Liveness.DEAD, Liveness.UNKNOWN
TITLE = ("openclaw-gateway" + " " * 30,)
STARTING = ("node", "/srv/node_modules/openclaw/openclaw.mjs", "gateway", "run")


@dataclass
class Host:
    """A home with two state directories, and what runs there."""

    home: Path
    table: list[FakeProcess] = field(default_factory=list)
    first_namespace: bool = True
    mounts: tuple[tuple[str, str], ...] = (("/", "ext4"),)
    answers: int = 0

    @property
    def ours(self) -> Path:
        return self.home / ".openclaw"

    @property
    def other(self) -> Path:
        return self.home / ".openclaw-work"

    def run(
        self,
        env: Mapping[str, str] | None = None,
        argv: tuple[str, ...] = TITLE,
        *,
        pid: int = 7,
        lock_of: Path | None = None,
        tmp: Path | None = None,
        state_dir: Path | None = None,
        **more: object,
    ) -> FakeProcess:
        """A gateway. With `lock_of`, a config, it holds the lock of that and keeps it open."""
        files: tuple[str, ...] = tuple(more.pop("files", ()))  # type: ignore[arg-type]
        if lock_of is not None:
            path = (tmp or self.home / "tmp") / "openclaw-0" / config_lock_name(lock_of)
            path.parent.mkdir(parents=True, exist_ok=True)
            named = {"stateDir": str(state_dir)} if state_dir else {}
            payload = {"pid": pid, "createdAt": iso(MADE), "configPath": str(lock_of), "startTime": 5_000, **named}
            path.write_text(json.dumps(payload))
            files = (*files, str(path))
        process = FakeProcess(pid, argv, env={"HOME": "/nowhere", **(env or {})}, files=files, **more)  # type: ignore[arg-type]
        self.table.append(process)
        return process

    def ask(self, where: Path | None = None, **options: str) -> GatewayState:
        env = {"HOME": str(self.home), "TMPDIR": str(self.home / "tmp")}
        place = locate(FS, env, state_dir=str(where or self.ours), config=options.get("config"))
        config = load_config(FS, place, env)
        processes = FakeProcesses(self.table, first_namespace=self.first_namespace, mounts=self.mounts)
        return gateway_liveness(FS, place, config, env, processes, NOW, lambda port: port == self.answers)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    found = Host(tmp_path / "home")
    for directory in (found.ours, found.other):
        directory.mkdir(parents=True)
        (directory / "openclaw.json").write_text("{}")
    return found


def identity(path: Path) -> FileIdentity:
    stat = path.stat()
    return stat.st_dev, stat.st_ino


# Started on the directory that is examined


def default(host: Host) -> None:
    host.run({"HOME": str(host.home)}, lock_of=host.ours / "openclaw.json")


def named(host: Host) -> None:
    host.run({"OPENCLAW_STATE_DIR": str(host.ours)}, lock_of=host.ours / "openclaw.json")


def config_elsewhere(host: Host) -> None:
    (host.home / "etc.json").write_text("{}")
    env = {"OPENCLAW_STATE_DIR": str(host.ours), "OPENCLAW_CONFIG_PATH": str(host.home / "etc.json")}
    host.run(env, lock_of=host.home / "etc.json")


def config_of_another_directory(host: Host) -> None:
    env = {"OPENCLAW_STATE_DIR": str(host.ours), "OPENCLAW_CONFIG_PATH": str(host.other / "openclaw.json")}
    host.run(env, lock_of=host.other / "openclaw.json")


def default_with_the_config_of_a_profile(host: Host) -> None:
    config = host.other / "openclaw.json"
    host.run({"HOME": str(host.home), "OPENCLAW_CONFIG_PATH": str(config)}, lock_of=config)


def only_the_config_is_named(host: Host) -> None:
    host.run({"OPENCLAW_CONFIG_PATH": str(host.ours / "openclaw.json")}, lock_of=host.ours / "openclaw.json")


def through_a_link(host: Host) -> None:
    link = host.home / "link"
    link.symlink_to(host.ours)
    host.run({"OPENCLAW_STATE_DIR": str(link)}, lock_of=link / "openclaw.json")


def linked_home(host: Host) -> None:
    link = host.home.parent / "linked"
    link.symlink_to(host.home)
    host.run({"HOME": str(link)}, lock_of=link / ".openclaw" / "openclaw.json")


def relative(host: Host) -> None:
    host.run({"OPENCLAW_STATE_DIR": "../.openclaw"}, cwd=str(host.other), lock_of=host.ours / "openclaw.json")


def relative_unlocked(host: Host) -> None:
    host.run({"OPENCLAW_STATE_DIR": "./.openclaw/."}, cwd=str(host.home))


def relative_config(host: Host) -> None:
    host.run({"OPENCLAW_CONFIG_PATH": ".openclaw/openclaw.json"}, cwd=str(host.home))


def relative_home(host: Host) -> None:
    host.run({"HOME": "home"}, cwd=str(host.home.parent))


def tilde(host: Host) -> None:
    host.run({"HOME": str(host.home), "OPENCLAW_STATE_DIR": " ~/.openclaw "})


def openclaw_home(host: Host) -> None:
    host.run({"OPENCLAW_HOME": str(host.home)})


def other_tmpdir(host: Host) -> None:
    env = {"OPENCLAW_STATE_DIR": str(host.ours), "TMPDIR": "/elsewhere"}
    host.run(env, lock_of=host.ours / "openclaw.json", tmp=host.home / "elsewhere")


def only_files_open(host: Host) -> None:
    host.run({"OPENCLAW_STATE_DIR": str(host.other)}, files=(f"{host.ours}/tasks/runs.sqlite-wal",))


def only_files_mapped(host: Host) -> None:
    host.run({"OPENCLAW_STATE_DIR": str(host.other)}, maps=(f"{host.ours}/tasks/runs.sqlite-shm",))


def only_a_deleted_file_open(host: Host) -> None:
    host.run(files=(f"{host.ours}/agents/main/sessions/x.jsonl (deleted)",))
    (host.ours / "agents/main/sessions").mkdir(parents=True)


def starting_up(host: Host) -> None:
    host.run({"HOME": str(host.home)}, STARTING)


def another_program_with_files_open(host: Host) -> None:
    host.run(argv=("node22", "/srv/bot.js"), files=(f"{host.ours}/openclaw.json",))


def a_titled_runtime_with_files_open(host: Host) -> None:
    host.run(argv=("my bot",), exe="/usr/bin/node", files=(f"{host.ours}/openclaw.json",))


def in_a_container(host: Host) -> None:
    root = {"/home/node/.openclaw": identity(host.ours)}
    host.run({"HOME": "/home/node"}, root=root, inner=(1,))


def in_a_container_by_open_files(host: Host) -> None:
    root = {"/data": identity(host.ours)}
    host.run({"HOME": "/home/node"}, root=root, files=("/data/tasks/runs.sqlite",))


def launcher_of_ours(host: Host) -> None:
    host.run({"HOME": str(host.home)}, ("openclaw",), pid=6)
    host.run({"HOME": str(host.home)}, parent=6, lock_of=host.ours / "openclaw.json")


def started_another_gateway(host: Host) -> None:
    """The default gateway, unlocked, has a child that is the gateway of a profile, and which it did not launch."""
    host.run({"HOME": str(host.home)}, pid=6, lock_of=host.ours / "openclaw.json", tmp=host.home / "elsewhere")
    host.run({"HOME": str(host.home)}, parent=6, lock_of=host.other / "openclaw.json")


@pytest.mark.parametrize(
    "start",
    [
        default,
        named,
        config_elsewhere,
        config_of_another_directory,
        default_with_the_config_of_a_profile,
        only_the_config_is_named,
        through_a_link,
        linked_home,
        relative,
        relative_unlocked,
        relative_config,
        relative_home,
        tilde,
        openclaw_home,
        other_tmpdir,
        only_files_open,
        only_files_mapped,
        only_a_deleted_file_open,
        starting_up,
        another_program_with_files_open,
        a_titled_runtime_with_files_open,
        in_a_container,
        in_a_container_by_open_files,
        launcher_of_ours,
        started_another_gateway,
    ],
)
@pytest.mark.parametrize("through", ["itself", "a link to it", "a link to its home"])
def test_a_gateway_of_this_directory(host: Host, start, through: str) -> None:
    start(host)
    links = {
        "itself": host.ours,
        "a link to it": host.home / "seen",
        "a link to its home": host.home / "house/.openclaw",
    }
    (host.home / "seen").symlink_to(host.ours)
    (host.home / "house").symlink_to(host.home)
    assert host.ask(links[through]).liveness is LIVE


@pytest.mark.parametrize("user", [0, 1000])
def test_the_user_of_the_gateway_has_a_home_of_its_own(
    host: Host, user: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without HOME the password database tells, by the user of the process and not by ours."""

    class Row:
        def __init__(self, pw_dir: str) -> None:
            self.pw_dir = pw_dir

    homes = {user: str(host.home), os.getuid() + 5: "/nowhere"}
    monkeypatch.setattr("pwd.getpwuid", lambda uid: Row(homes.get(uid, "/nowhere")))
    host.run({"HOME": ""}, uid=user)
    assert host.ask().liveness is LIVE


def test_a_profile_by_its_option(host: Host) -> None:
    host.run({"HOME": str(host.home)}, (*STARTING, "--profile", "work"))
    assert (host.ask().liveness, host.ask(host.other).liveness) == (DEAD, LIVE)
    host.table.clear()
    host.run({"HOME": str(host.home)}, (*STARTING, "--profile=default"))
    assert (host.ask().liveness, host.ask(host.other).liveness) == (LIVE, DEAD)
    host.table.clear()
    (host.home / ".openclaw-dev").mkdir()
    host.run({"HOME": str(host.home)}, (*STARTING, "--dev"))
    assert (host.ask().liveness, host.ask(host.home / ".openclaw-dev").liveness) == (DEAD, LIVE)


@pytest.mark.parametrize("tmp", ["tmp", "elsewhere"])
def test_a_profile_hidden_by_the_title(host: Host, tmp: str) -> None:
    config = host.other / "openclaw.json"
    host.run({"HOME": str(host.home)}, ("openclaw",), pid=6)
    host.run({"HOME": str(host.home)}, parent=6, lock_of=config, tmp=host.home / tmp)
    assert (host.ask().liveness, host.ask(host.other).liveness) == (DEAD, LIVE)
    third = host.home / ".openclaw-third"
    third.mkdir()
    assert host.ask(third).liveness is DEAD


def test_the_lock_of_the_default_directory_tells_that_no_profile_is_hidden(host: Host) -> None:
    host.run({"HOME": str(host.home)}, lock_of=host.ours / "openclaw.json", tmp=host.home / "elsewhere")
    assert (host.ask().liveness, host.ask(host.other).liveness) == (LIVE, DEAD)


def test_a_profile_that_nothing_shows(host: Host) -> None:
    """No lock yet, and a title in the place of the arguments: it may be any profile's, the default one's first."""
    host.run({"HOME": str(host.home)})
    assert (host.ask().liveness, host.ask(host.other).liveness) == (LIVE, UNKNOWN)
    far = host.home / "far"
    far.mkdir()
    (host.home / ".openclaw-far").symlink_to(far)
    assert host.ask(far).liveness is UNKNOWN


def test_a_state_directory_in_the_environment_outranks_the_profile(host: Host) -> None:
    host.run({"HOME": str(host.home), "OPENCLAW_STATE_DIR": str(host.ours)}, (*STARTING, "--profile", "work"))
    assert host.ask().liveness is LIVE
    # 2026.9.6 follows the option where the variable is that of another profile.
    assert host.ask(host.other).liveness is UNKNOWN


def test_a_launcher_without_a_lock_works_where_its_gateway_does(host: Host) -> None:
    host.run({"HOME": str(host.home)}, ("openclaw",), pid=6)
    host.run({"OPENCLAW_STATE_DIR": str(host.other)}, parent=6)
    assert host.ask().liveness is DEAD


def test_a_child_of_another_gateway_may_be_a_gateway_of_ours(host: Host) -> None:
    host.run({"OPENCLAW_STATE_DIR": str(host.other)}, pid=6)
    host.run({"HOME": str(host.home)}, parent=6)
    assert host.ask().liveness is UNKNOWN


def test_workers_belong_to_the_gateway_that_started_them(host: Host) -> None:
    """As 2026.9.6 starts them: one directly, one through it."""
    dist = "/srv/node_modules/openclaw/dist"
    env = {"HOME": str(host.home)}
    host.run(env, lock_of=host.ours / "openclaw.json", pid=7)
    host.run(env, ("node", f"{dist}/process/spawn-broker/worker.js"), pid=8, parent=7)
    host.run(env, ("node", f"{dist}/infra/sqlite-readonly-location.worker.js", "session"), pid=9, parent=8)
    assert (host.ask().liveness, host.ask(host.other).liveness) == (LIVE, DEAD)
    host.run(env, STARTING, pid=10, parent=8)
    assert host.ask(host.other).liveness is UNKNOWN


def test_a_worker_whose_gateway_is_gone_may_be_of_any_profile(host: Host) -> None:
    script = "/srv/node_modules/openclaw/dist/process/spawn-broker/worker.js"
    host.run({"HOME": str(host.home)}, ("node", script), pid=8)
    assert host.ask(host.other).liveness is UNKNOWN


# Gateways of other directories


@pytest.mark.parametrize(
    "env",
    [
        {"OPENCLAW_STATE_DIR": "{other}"},
        {"OPENCLAW_STATE_DIR": "{other}", "OPENCLAW_CONFIG_PATH": "{home}/etc.json"},
        {"OPENCLAW_STATE_DIR": ".openclaw-work"},
        {"HOME": "/root/of/somebody"},
        {"HOME": "{home}", "OPENCLAW_HOME": "/root/of/somebody"},
    ],
)
def test_a_gateway_of_another_directory(host: Host, env: dict[str, str]) -> None:
    named = {name: value.format(home=host.home, other=host.other) for name, value in env.items()}
    host.run(named, cwd=str(host.home))
    assert host.ask().liveness is DEAD


def test_a_lock_that_names_its_state_directory(host: Host) -> None:
    host.run(lock_of=host.other / "openclaw.json", state_dir=host.other)
    assert (host.ask().liveness, host.ask(host.other).liveness) == (DEAD, LIVE)


# Contradictions, and sources that cannot be asked


def test_our_config_and_another_directory(host: Host) -> None:
    """Either source may be right: releases keep cron jobs beside the config."""
    env = {"OPENCLAW_STATE_DIR": str(host.other), "OPENCLAW_CONFIG_PATH": str(host.ours / "openclaw.json")}
    host.run(env, lock_of=host.ours / "openclaw.json")
    assert (host.ask().liveness, host.ask(host.other).liveness) == (UNKNOWN, LIVE)


def test_a_shared_config_tells_no_directory(host: Host) -> None:
    (host.home / "etc.json").write_text("{}")
    env = {"OPENCLAW_STATE_DIR": str(host.other), "OPENCLAW_CONFIG_PATH": str(host.home / "etc.json")}
    host.run(env, lock_of=host.home / "etc.json")
    assert host.ask(config=str(host.home / "etc.json")).liveness is UNKNOWN
    assert host.ask(host.other, config=str(host.home / "etc.json")).liveness is LIVE


def test_a_lock_against_the_environment(host: Host) -> None:
    host.run({"OPENCLAW_STATE_DIR": str(host.ours)}, lock_of=host.other / "openclaw.json", state_dir=host.other)
    assert (host.ask().liveness, host.ask(host.other).liveness) == (UNKNOWN, UNKNOWN)


def test_a_working_directory_here_and_another_state_directory(host: Host) -> None:
    host.run({"OPENCLAW_STATE_DIR": str(host.other)}, cwd=str(host.ours))
    assert host.ask().liveness is UNKNOWN


@pytest.mark.parametrize("unasked", ["files", "maps", "cwd"])
def test_a_source_that_cannot_be_asked(host: Host, unasked: str) -> None:
    process = host.run({"OPENCLAW_STATE_DIR": str(host.other)})
    setattr(process, unasked, None)
    assert host.ask().liveness is UNKNOWN


def test_a_relative_directory_that_leads_nowhere(host: Host) -> None:
    """The process may have changed its working directory since."""
    host.run({"OPENCLAW_STATE_DIR": ".openclaw"}, cwd="/")
    assert host.ask().liveness is UNKNOWN


def test_servers_that_agents_started_in_their_workspace(host: Host) -> None:
    (host.ours / "workspace").mkdir()
    host.run(argv=("node", "server.js"), cwd=str(host.ours / "workspace"))
    assert host.ask().liveness is DEAD


def test_gateways_in_other_containers_are_out_of_sight(host: Host) -> None:
    host.first_namespace = False
    assert host.ask().liveness is DEAD  # its own root is nobody else's
    host.mounts = (("/", "overlay"), (str(host.ours), "ext4"))
    assert host.ask().liveness is UNKNOWN


# Its end


def test_a_killed_gateway(host: Host) -> None:
    host.run({"HOME": str(host.home)}, lock_of=host.ours / "openclaw.json")
    host.table[0].zombie = True
    assert host.ask().liveness is DEAD
    host.table.clear()
    assert host.ask().liveness is DEAD


def test_a_stopped_gateway_whose_pid_was_given_away(host: Host) -> None:
    host.run({"HOME": str(host.home)}, lock_of=host.ours / "openclaw.json")
    host.table[:] = [FakeProcess(7, ("sshd",), start_time=6_000)]
    assert BOOT < MADE and host.ask().liveness is DEAD
