from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
import pytest

from gatewaydoctor.model.gateway.liveness import GatewayState, Liveness, Witness
from gatewaydoctor.state.alive.liveness import config_lock_name, gateway_liveness, probe_port
from gatewaydoctor.state.alive.locks import LockJudge, mount_of, parse_payload
from gatewaydoctor.state.alive.programs import is_openclaw, is_runtime
from gatewaydoctor.system.fs import OsReadFs
from gatewaydoctor.system.processes import LinuxProcesses, Processes, PsutilProcesses
from tests.state.fakes import BOOT, ClosedFs, FakeProcess, FakeProcesses, config_of, place_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from gatewaydoctor.model.gateway.config import Config
    from gatewaydoctor.model.gateway.liveness import LockVerdict


class OwnTemp(OsReadFs):
    """Hides the machine's lock directories, where real gateways may run."""

    def names(self, directory: Path) -> Iterator[str]:
        if str(directory).startswith("/tmp/openclaw-"):
            raise FileNotFoundError(2, "No such file or directory", str(directory))
        return super().names(directory)


FS = OwnTemp()
NOW = BOOT + 10_000_000
GATEWAY = ("openclaw-gateway" + " " * 40,)
LAUNCHER = ("openclaw",)
NODE = ("/usr/bin/node", "/srv/app/server.js")
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def iso(moment: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment // 1000)) + f".{moment % 1000:03}Z"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "home" / ".openclaw"
    path.mkdir(parents=True)
    return path


# Command lines


@pytest.mark.parametrize(
    "argv",
    [
        GATEWAY,
        LAUNCHER,
        ("openclaw-tui",),
        ("clawdbot",),
        ("node", "/usr/local/bin/openclaw", "gateway"),
        ("/x/node", "--max-old-space-size=1024", "/x/node_modules/openclaw/openclaw.mjs", "gateway", "run"),
        ("node", "dist/index.js", "gateway", "--bind", "lan"),
        ("node", "-r", "tsx", "/src/openclaw/dist/process/spawn-broker/worker.js"),
        ("bun", "src/entry.ts", "gateway"),
    ],
)
def test_command_lines_of_openclaw(argv: tuple[str, ...]) -> None:
    assert is_openclaw(argv)


@pytest.mark.parametrize(
    "argv",
    [
        (),
        ("",),
        ("bash", "-c", "openclaw gateway run"),
        ("grep", "-r", "openclaw-gateway", "/home/u/.openclaw"),
        ("vim", "/home/u/.openclaw/openclaw.json"),
        ("tail", "-f", "openclaw.log"),
        ("python", "-m", "gatewaydoctor", "--state-dir", "/home/u/.openclaw"),
        ("node", "dist/index.js"),
        ("node", "server.js", "a", "b", "/home/u/openclaw"),
        ("less", "openclaw"),
        NODE,
    ],
)
def test_command_lines_of_others(argv: tuple[str, ...]) -> None:
    assert not is_openclaw(argv)
    assert is_runtime(argv) == (argv[:1] in (("node",), ("/usr/bin/node",)))


# Lock payloads


def test_the_payloads_the_releases_write() -> None:
    transcript = parse_payload(b'{"pid": 7, "createdAt": "2026-11-20T11:21:45.029Z", "starttime": 132469}')
    assert transcript
    assert (transcript.pid, transcript.start_time, transcript.created_at) == (7, 132469, 1795173705029)
    late = parse_payload(
        b'{\n  "pid": 25837,\n  "ownerId": "1d21",\n  "createdAt": "2026-11-20T11:22:01.527Z",\n'
        b'  "configPath": "/c.json",\n  "stateDir": "/s",\n  "port": 19403,\n  "role": "sqlite-maintenance",\n'
        b'  "startTime": 133984\n}\n\t \t  \t'
    )
    assert late
    assert (late.start_time, late.config_path, late.state_dir, late.port) == (133984, "/c.json", "/s", 19403)
    assert late.role == "sqlite-maintenance"


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[1]", b"7", b"\xff\xfe", b"[" * 50_000, b'{"pid": "7"}', b'{"pid": 1e400}', b'{"pid": -1, "x": 1}'],
)
def test_hostile_payloads_name_no_process(data: bytes) -> None:
    payload = parse_payload(data)
    assert payload is None or payload.pid is None


@pytest.mark.parametrize(
    "date",
    ["", "yesterday", "2026-13-40T00:00:00Z", "2026-11-20T11:21:45", "9" * 500, 7, None, "0001-01-01T00:00:00Z"],
)
def test_dates_that_are_none(date: object) -> None:
    payload = parse_payload(json.dumps({"pid": 1, "createdAt": date}).encode())
    assert payload
    assert payload.created_at is None or payload.created_at < 0


# One lock


def verdict(
    state: Path, processes: Processes, payload: object, mtime: int = NOW - 60_000, name: str = "a.jsonl.lock"
) -> LockVerdict:
    path = state / name
    path.write_bytes(payload if isinstance(payload, bytes) else json.dumps(payload).encode())
    os.utime(path, (mtime / 1000,) * 2)
    return LockJudge(FS, processes, NOW).judge(path)


MADE = NOW - 60_000


def lock(pid: object = 7, start_time: int | None = 5_000, made: int = MADE) -> dict[str, object]:
    stamp = {} if start_time is None else {"starttime": start_time}
    return {"pid": pid, "createdAt": iso(made), **stamp}


def test_an_owner_with_the_same_start_time_is_alive_whatever_it_looks_like(state: Path) -> None:
    found = verdict(state, FakeProcesses([FakeProcess(7, ("anything",))]), lock())
    assert (found.liveness, found.pid, found.age) == (Liveness.LIVE, 7, 60_000)


def test_an_owner_that_is_gone_is_dead_and_age_does_not_matter(state: Path) -> None:
    for made in (NOW, NOW - 9_000_000):
        assert verdict(state, FakeProcesses(), lock(made=made)).liveness is Liveness.DEAD


def test_a_recycled_pid_is_told_by_its_start_time(state: Path) -> None:
    found = verdict(state, FakeProcesses([FakeProcess(7, GATEWAY, start_time=5_001)]), lock())
    assert (found.liveness, found.pid) == (Liveness.DEAD, None)


def test_a_zombie_is_dead(state: Path) -> None:
    found = verdict(state, FakeProcesses([FakeProcess(7, GATEWAY, zombie=True)]), lock())
    assert found.liveness is Liveness.DEAD
    assert "zombie" in found.reason


def test_without_a_start_time_dates_and_looks_decide(state: Path) -> None:
    started = BOOT + 50_000  # of a process with start time 5,000

    def judged(argv: tuple[str, ...] | None, made: int) -> Liveness:
        return verdict(state, FakeProcesses([FakeProcess(7, argv)]), lock(start_time=None, made=made)).liveness

    assert judged(GATEWAY, started + 10) is Liveness.LIVE
    assert judged(GATEWAY, started - 60_000 + 57_000) is Liveness.DEAD  # it started 3 s after the lock was made
    assert judged(("sleep",), started + 10) is Liveness.UNKNOWN
    assert judged(None, started + 10) is Liveness.UNKNOWN


def test_a_hidden_process_is_unknown(state: Path) -> None:
    found = verdict(state, FakeProcesses(taken=frozenset({7})), lock())
    assert found.liveness is Liveness.UNKNOWN
    assert "may not be inspected" in found.reason


def test_a_lock_older_than_the_boot_is_dead_unless_its_owner_runs(state: Path) -> None:
    before = BOOT - 60_000
    for payload in (lock(made=before), b"", b'{"createdAt": "x"}'):
        assert verdict(state, FakeProcesses(), payload, mtime=before).liveness is Liveness.DEAD
    # A clock that was wrong at start must not kill a live owner.
    assert verdict(state, FakeProcesses([FakeProcess(7, GATEWAY)]), lock(made=before)).liveness is Liveness.LIVE


@pytest.mark.parametrize("payload", [b"", b"{", b'{"pid": null}', {"createdAt": iso(MADE)}])
def test_a_lock_that_names_nobody_is_unknown(state: Path, payload: object) -> None:
    found = verdict(state, FakeProcesses(), payload)
    assert (found.liveness, found.reason) == (Liveness.UNKNOWN, "it names no process")


def test_on_a_network_file_system_an_absent_owner_is_unknown(state: Path) -> None:
    mounts = (("/", "ext4"), (str(state), "nfs4"))
    found = verdict(state, FakeProcesses(mounts=mounts), lock(made=BOOT - 60_000))
    assert found.liveness is Liveness.UNKNOWN and "another machine" in found.reason
    assert verdict(state, FakeProcesses([FakeProcess(7, GATEWAY)], mounts=mounts), lock()).liveness is Liveness.LIVE
    assert mount_of(state / "x", FakeProcesses(mounts=mounts)) == (str(state), "nfs4")
    assert mount_of(state.with_name(f"{state.name}-x"), FakeProcesses(mounts=mounts)) == ("/", "ext4")
    assert mount_of(state, FakeProcesses(mounts=(*mounts, (str(state), "ext4")))) == (str(state), "ext4")


def test_a_container_sees_only_its_own(state: Path) -> None:
    inside = FakeProcesses(first_namespace=False)
    assert verdict(state, inside, lock()).liveness is Liveness.DEAD  # its own root is nobody else's
    volume = replace(inside, mounts=(("/", "overlay"), (str(state), "ext4")))
    found = verdict(state, volume, lock())
    assert found.liveness is Liveness.UNKNOWN and "another container" in found.reason


def test_an_owner_in_a_container_is_found_by_its_inner_pid(state: Path) -> None:
    inner = FakeProcess(41_000, GATEWAY, start_time=5_000, inner=(7,))
    other = FakeProcess(7, ("sshd",), start_time=1)
    found = verdict(state, FakeProcesses([other, inner]), lock())
    assert (found.liveness, found.pid) == (Liveness.LIVE, 41_000)
    later = FakeProcess(41_000, GATEWAY, start_time=6_000, inner=(7,))
    assert verdict(state, FakeProcesses([other, later]), lock()).liveness is Liveness.DEAD


def test_many_stale_locks_cost_one_look_at_the_table(state: Path) -> None:
    processes = FakeProcesses([FakeProcess(50, NODE)])
    judge = LockJudge(FS, processes, NOW)
    for index in range(20):
        path = state / f"{index}.jsonl.lock"
        path.write_text(json.dumps(lock(pid=1000 + index)))
        assert judge.judge(path).liveness is Liveness.DEAD
    assert processes.tables_read == 1


def test_locks_that_cannot_be_read(state: Path) -> None:
    path = state / "a.jsonl.lock"
    assert LockJudge(FS, FakeProcesses(), NOW).judge(path).reason == "it is gone"
    path.mkdir()
    assert LockJudge(FS, FakeProcesses(), NOW).judge(path).liveness is Liveness.UNKNOWN
    path.rmdir()
    path.write_text(json.dumps(lock()))
    assert LockJudge(ClosedFs(path), FakeProcesses(), NOW).judge(path).liveness is Liveness.UNKNOWN


# The gateway


def silent(_: int) -> bool | None:
    return False


def ask(
    state: Path,
    processes: Processes,
    *,
    probe: Callable[[int], bool | None] = silent,
    config: Config | None = None,
    env: Mapping[str, str] | None = None,
    fs: OsReadFs = FS,
    owner: int | None = None,
) -> GatewayState:
    env = {"TMPDIR": str(state.parent / "tmp"), **(env or {})}
    place = place_of(state, env)
    if owner is not None:
        place = msgspec.structs.replace(place, owner=owner)
    return gateway_liveness(fs, place, config or config_of(state), env, processes, NOW, probe)


def says(found: GatewayState) -> dict[Witness, Liveness]:
    return {item.witness: item.says for item in found.evidence}


def gateway_lock(state: Path, payload: Mapping[str, object], config: Path | None = None) -> Path:
    path = state.parent / "tmp" / "openclaw-0" / config_lock_name(config or state / "openclaw.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(payload))
    return path


def test_nobody_there(state: Path) -> None:
    found = ask(state, FakeProcesses([FakeProcess(5, ("sshd",)), FakeProcess(6, NODE)]))
    assert found.liveness is Liveness.DEAD
    asked = (Witness.LOCK, Witness.PROCESS, Witness.PORT)
    assert says(found) == dict.fromkeys(asked, Liveness.DEAD)


def test_the_name_of_the_gateway_lock(state: Path) -> None:
    digest = hashlib.sha256(b"/tmp/x/openclaw.json").hexdigest()
    assert config_lock_name(state.joinpath("/tmp/x/openclaw.json")) == f"gateway.{digest[:8]}.lock"


def test_a_held_gateway_lock_spares_the_port(state: Path) -> None:
    gateway_lock(state, {"pid": 7, "createdAt": iso(MADE), "configPath": "x", "startTime": 5_000})
    processes = FakeProcesses([FakeProcess(7, GATEWAY)])

    def never(_: int) -> bool | None:
        raise AssertionError("the port was tried")

    found = ask(state, processes, probe=never)
    assert found.liveness is Liveness.LIVE
    assert [(item.witness, item.pid) for item in found.evidence] == [(Witness.LOCK, 7), (Witness.PROCESS, 7)]


def test_a_stale_gateway_lock_is_no_proof_of_life(state: Path) -> None:
    gateway_lock(state, {"pid": 7, "createdAt": iso(MADE), "startTime": 5_000})
    found = ask(state, FakeProcesses())
    assert found.liveness is Liveness.DEAD
    assert found.evidence[0].text.endswith("its owner, process 7, has ended.")


def test_a_lock_of_another_config_is_not_ours_and_marks_its_owner(state: Path) -> None:
    other = state.parent / ".openclaw-work" / "openclaw.json"
    gateway_lock(state, {"pid": 7, "createdAt": iso(MADE), "configPath": str(other), "startTime": 5_000}, other)
    # Its environment points to the default directory, but the lock shows that it runs with a profile.
    home = {"HOME": str(state.parent)}
    launcher = FakeProcess(6, LAUNCHER, env=home)
    gateway = FakeProcess(7, GATEWAY, parent=6, env=home)
    assert ask(state, FakeProcesses([launcher, gateway])).liveness is Liveness.DEAD
    assert ask(state, FakeProcesses([launcher])).liveness is Liveness.LIVE


def test_a_lock_may_name_our_config_by_another_spelling(state: Path) -> None:
    link = state.parent / "link"
    link.symlink_to(state)
    gateway_lock(state, {"pid": 7, "createdAt": iso(MADE), "startTime": 5_000}, state / "openclaw.json")
    processes = FakeProcesses([FakeProcess(7, GATEWAY)])
    assert ask(link, processes).liveness is Liveness.LIVE
    # The gateway need not have the config that was named to us.
    assert ask(link, processes, env={"OPENCLAW_CONFIG_PATH": "/x.json"}).liveness is Liveness.LIVE


def test_locks_in_the_state_directory(state: Path) -> None:
    directory = state / "tmp" / "openclaw-1000"
    directory.mkdir(parents=True)
    (directory / "gateway.state.lock.sqlite").touch()
    (directory / "device-identity.5f6c926f.lock.sqlite").touch()
    assert ask(state, FakeProcesses()).liveness is Liveness.DEAD
    (directory / "gateway.state.lock").write_text(
        json.dumps({"pid": 7, "createdAt": iso(MADE), "startTime": 5_000, "role": "agent-embedded"})
    )
    assert ask(state, FakeProcesses([FakeProcess(7, GATEWAY)])).liveness is Liveness.LIVE
    closed = ask(state, FakeProcesses(), fs=ClosedFs(directory))
    assert (closed.liveness, closed.evidence[0].path) == (Liveness.UNKNOWN, directory)


@pytest.mark.parametrize("variable", ["OPENCLAW_STATE_DIR", "OPENCLAW_CONFIG_PATH"])
def test_the_environment_of_a_process(state: Path, variable: str) -> None:
    (state / "openclaw.json").write_text("{}")
    value = str(state if variable == "OPENCLAW_STATE_DIR" else state / "openclaw.json")
    ours = FakeProcess(7, GATEWAY, env={variable: f" {value}"})
    found = ask(state, FakeProcesses([ours]))
    assert found.liveness is Liveness.LIVE
    assert variable in found.evidence[-1].text
    other = FakeProcess(7, GATEWAY, env={"HOME": "/nowhere", variable: f"{value}x"})
    assert ask(state, FakeProcesses([other])).liveness is Liveness.DEAD


def test_command_line_and_open_files_of_a_process(state: Path) -> None:
    elsewhere = {"HOME": "/nowhere"}
    for process in (
        FakeProcess(7, ("node", "/x/openclaw.mjs", "gateway", f"--config={state}/openclaw.json"), env=elsewhere),
        FakeProcess(7, LAUNCHER, env=elsewhere, files=("socket:[1]", f"{state}/tasks/runs.sqlite")),
        FakeProcess(7, NODE, env=elsewhere, files=(f"{state}/logs/x.log",)),
    ):
        assert ask(state, FakeProcesses([process])).liveness is Liveness.LIVE, process
    near = FakeProcess(7, LAUNCHER, env=elsewhere, files=(f"{state}-work/tasks/runs.sqlite",))
    assert ask(state, FakeProcesses([near])).liveness is Liveness.DEAD


def test_editors_shells_and_this_tool_are_no_gateways(state: Path) -> None:
    env = {"OPENCLAW_STATE_DIR": str(state)}
    table = [
        FakeProcess(1, ("bash",), env=env),
        FakeProcess(2, ("vim", f"{state}/openclaw.json"), env=env, files=(f"{state}/.openclaw.json.swp",)),
        FakeProcess(3, ("grep", "-r", "openclaw", str(state)), env=env, files=(f"{state}/a.jsonl",)),
        FakeProcess(99_999, GATEWAY, env=env),  # our own pid
    ]
    assert ask(state, FakeProcesses(table)).liveness is Liveness.DEAD


def test_a_runtime_that_carries_the_variable_is_unknown_unless_it_is_our_parent(state: Path) -> None:
    env = {"OPENCLAW_STATE_DIR": str(state)}
    table = [FakeProcess(6, NODE, env=env), FakeProcess(99_999, ("python",), parent=5)]
    assert ask(state, FakeProcesses(table)).liveness is Liveness.UNKNOWN
    assert ask(state, FakeProcesses([table[0], FakeProcess(99_999, ("python",), parent=6)])).liveness is Liveness.DEAD
    # An agent may run this tool from inside the gateway.
    table = [FakeProcess(6, GATEWAY, env=env), FakeProcess(99_999, ("python",), parent=6)]
    assert ask(state, FakeProcesses(table)).liveness is Liveness.LIVE


def test_the_default_directory_of_a_process_and_its_profile(state: Path) -> None:
    home = {"HOME": str(state.parent)}
    assert ask(state, FakeProcesses([FakeProcess(7, GATEWAY, env=home)])).liveness is Liveness.LIVE
    work = state.with_name(".openclaw-work")
    work.mkdir()
    # A title hides --profile, so it may be this one or not.
    assert ask(work, FakeProcesses([FakeProcess(7, GATEWAY, env=home)])).liveness is Liveness.UNKNOWN
    for profile, where in (("work", work), ("play", state)):
        argv = ("node", "/x/openclaw.mjs", "--profile", profile, "gateway")
        found = ask(where, FakeProcesses([FakeProcess(7, argv, env=home)]))
        assert found.liveness is (Liveness.LIVE if profile == "work" else Liveness.DEAD)
    named = FakeProcess(7, GATEWAY, env={**home, "OPENCLAW_STATE_DIR": str(work)})
    assert ask(state, FakeProcesses([named])).liveness is Liveness.DEAD
    far = state.parent / "elsewhere"
    far.mkdir()
    assert ask(far, FakeProcesses([FakeProcess(7, GATEWAY, env=home)])).liveness is Liveness.DEAD


def test_a_process_in_a_container_is_known_by_inodes(state: Path) -> None:
    stat = state.stat()
    ours, other = (stat.st_dev, stat.st_ino), (stat.st_dev, 1)
    inner = "/home/node/.openclaw"
    mounted = FakeProcess(7, GATEWAY, env={"HOME": "/home/node"}, root={inner: ours})
    assert ask(state, FakeProcesses([mounted])).liveness is Liveness.LIVE
    apart = FakeProcess(7, GATEWAY, env={"HOME": "/home/node"}, root={inner: other})
    assert ask(state, FakeProcesses([apart])).liveness is Liveness.DEAD
    # The same path in another root is another directory.
    named = FakeProcess(7, GATEWAY, env={"OPENCLAW_STATE_DIR": str(state)}, root={str(state): other})
    assert ask(state, FakeProcesses([named])).liveness is Liveness.DEAD


@pytest.mark.parametrize(
    ("argv", "uid", "mode", "expected"),
    [
        pytest.param(GATEWAY, 1000, 0o700, Liveness.UNKNOWN, id="the owner's"),
        pytest.param(NODE, 1000, 0o700, Liveness.UNKNOWN, id="a runtime of the owner"),
        pytest.param(("sshd",), 1000, 0o700, Liveness.DEAD, id="any other program"),
        pytest.param(GATEWAY, 0, 0o700, Liveness.UNKNOWN, id="root writes everywhere"),
        pytest.param(NODE, 0, 0o700, Liveness.DEAD, id="but not every runtime of root is a gateway"),
        pytest.param(GATEWAY, 1001, 0o755, Liveness.DEAD, id="a stranger who cannot write here"),
        pytest.param(GATEWAY, 1001, 0o770, Liveness.UNKNOWN, id="a stranger who may"),
    ],
)
def test_a_process_that_may_not_be_inspected(
    state: Path, argv: tuple[str, ...], uid: int, mode: int, expected: Liveness
) -> None:
    state.chmod(mode)
    processes = FakeProcesses([FakeProcess(7, argv, uid=uid, env=None)])
    assert ask(state, processes, owner=1000).liveness is expected


def test_a_process_table_that_is_missing_or_hides_its_owner(state: Path) -> None:
    assert ask(state, FakeProcesses(error=PermissionError(13, "Permission denied"))).liveness is Liveness.UNKNOWN
    hidden = FakeProcesses(hides_others=True, own_uid=state.stat().st_uid + 1)
    assert ask(state, hidden).liveness is Liveness.UNKNOWN
    assert ask(state, replace(hidden, own_uid=state.stat().st_uid)).liveness is Liveness.DEAD


def test_dead_processes_do_not_count(state: Path) -> None:
    env = {"OPENCLAW_STATE_DIR": str(state)}
    assert ask(state, FakeProcesses([FakeProcess(7, GATEWAY, env=env, zombie=True)])).liveness is Liveness.DEAD


def test_the_port(state: Path) -> None:
    asked: list[int] = []

    def answered(port: int) -> bool | None:
        asked.append(port)
        return True

    mine = config_of(state, '{"gateway": {"port": 19000}}')
    assert ask(state, FakeProcesses(), probe=answered, config=mine).liveness is Liveness.LIVE
    default = config_of(state, "{}")
    assert ask(state, FakeProcesses(), probe=answered, config=default).liveness is Liveness.UNKNOWN
    assert asked == [19000, 18789]
    found = ask(state, FakeProcesses(), probe=lambda _: None, config=mine)
    assert (found.liveness, says(found)[Witness.PORT]) == (Liveness.UNKNOWN, Liveness.UNKNOWN)


def test_a_port_held_by_the_gateway_of_another_directory(state: Path) -> None:
    """A copy of a state directory names the port of the original."""
    config = config_of(state, '{"gateway": {"port": 19000}}')
    other = FakeProcess(7, GATEWAY, env={"OPENCLAW_STATE_DIR": "/original"}, files=("socket:[42]",))
    found = ask(state, FakeProcesses([other], sockets={19000: "socket:[42]"}), probe=lambda _: True, config=config)
    assert (found.liveness, found.evidence[-1].pid) == (Liveness.DEAD, 7)
    found = ask(state, FakeProcesses([other], sockets={19000: "socket:[43]"}), probe=lambda _: True, config=config)
    assert found.liveness is Liveness.LIVE


# The real machine


@contextmanager
def running(argv0: str, env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A sleeper under another name, with nothing but `env` in its environment."""
    command = ["/bin/bash", "-c", f"exec -a {argv0} /bin/sleep 60"]
    process = subprocess.Popen(command, env=dict(env))
    try:
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            argv = dict(LinuxProcesses().command_lines()).get(process.pid)
            if argv and argv[0] == argv0:
                break
            time.sleep(0.01)
        yield process
    finally:
        process.kill()
        process.wait()


@linux
def test_a_real_process_with_the_directory_in_its_environment(state: Path) -> None:
    with running("openclaw-gateway", {"OPENCLAW_STATE_DIR": str(state)}) as process:
        for processes in (LinuxProcesses(), PsutilProcesses()):
            found = ask(state, processes)
            assert (found.liveness, found.evidence[-1].pid) == (Liveness.LIVE, process.pid)
    assert ask(state, LinuxProcesses()).liveness is Liveness.DEAD
    with running("some-editor", {"OPENCLAW_STATE_DIR": str(state)}):
        assert ask(state, LinuxProcesses()).liveness is Liveness.DEAD


@linux
def test_a_real_lock_owner_lives_dies_and_is_reaped(state: Path) -> None:
    processes = LinuxProcesses()

    def judged(start_time: int) -> Liveness:
        payload = {"pid": process.pid, "createdAt": iso(int(time.time() * 1000)), "starttime": start_time}
        return verdict(state, processes, payload).liveness

    with running("openclaw-gateway", {}) as process:
        info = processes.info(process.pid)
        assert info and info.start_time is not None and info.parent == os.getpid() and info.uid == os.getuid()
        assert info.started_at is not None and abs(info.started_at - time.time() * 1000) < 10_000
        assert judged(info.start_time) is Liveness.LIVE
        assert judged(info.start_time + 1) is Liveness.DEAD
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert judged(info.start_time) is Liveness.DEAD
    assert judged(info.start_time) is Liveness.DEAD


@linux
def test_proc_and_psutil_agree(tmp_path: Path) -> None:
    with running("openclaw", {"A": "b=c", "OPENCLAW_STATE_DIR": str(tmp_path)}) as process:
        proc, other = LinuxProcesses(), PsutilProcesses()
        assert proc.environ(process.pid) == other.environ(process.pid)
        assert dict(proc.command_lines())[process.pid] == dict(other.command_lines())[process.pid]
        first, second = proc.info(process.pid), other.info(process.pid)
        assert first and second and first.started_at is not None and second.started_at is not None
        assert (first.parent, first.uid, first.zombie) == (second.parent, second.uid, second.zombie)
        assert abs(first.started_at - second.started_at) < 2_000
        stat = tmp_path.stat()
        assert (
            proc.identity(process.pid, str(tmp_path))
            == other.identity(0, str(tmp_path))
            == (stat.st_dev, stat.st_ino)
        )
        gone = 2**22 + 5
        for table in (proc, other):
            assert (table.info(gone), table.environ(gone), table.open_files(gone)) == (None, None, None)
            assert (
                table.exists(process.pid) and not table.exists(gone) and not table.exists(-1) and not table.exists(0)
            )


@linux
def test_listeners_are_named_as_open_files_name_them() -> None:
    processes = LinuxProcesses()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert probe_port(port) is True
        sockets = processes.listening_sockets(port)
        assert sockets and sockets <= set(processes.open_files(os.getpid()) or ())
    assert probe_port(port) is False
    assert processes.listening_sockets(port) == frozenset()


def test_nothing_answers_at_a_number_that_no_port_has() -> None:
    assert probe_port(65_536) is False


@linux
def test_a_made_up_proc(tmp_path: Path) -> None:
    """What a hostile or unusual /proc may hold: brackets in a name, a torn stat line, no boot time, odd mounts."""
    proc = tmp_path / "proc"
    for pid, text in ((7, "7 (a) b) (c) S 3 " + " ".join(str(n) for n in range(5, 60))), (8, "8 (x"), (9, "")):
        (proc / str(pid)).mkdir(parents=True)
        (proc / str(pid) / "stat").write_text(text)
        (proc / str(pid) / "cmdline").write_bytes(b"\xff\0two words\0\0" if pid == 7 else b"")
    (proc / "7" / "status").write_text("Name:\tx\nNSpid:\t7\t3\t1\n")
    (proc / "self").mkdir()
    (proc / "self" / "mountinfo").write_text(
        "22 1 0:21 / /a\\040b rw shared:1 master:2 - nfs4 host:/x rw\n23 22 0:22 / / rw - ext4 /dev/x rw\nrubbish\n"
    )
    processes = LinuxProcesses(proc)
    info = processes.info(7)
    assert info and (info.parent, info.start_time, info.started_at, info.zombie) == (3, 22, None, False)
    assert processes.info(8) is None and processes.info(9) is None
    assert list(processes.command_lines()) == [(7, ("\udcff", "two words"))]
    assert processes.inner_pids(7) == (7, 3, 1)
    assert processes.mounts == (("/a b", "nfs4"), ("/", "ext4"))
    assert processes.boot_time is None and not processes.first_namespace
    assert processes.hides_others == (os.getuid() != 0)
