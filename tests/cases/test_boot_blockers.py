"""What keeps a gateway from starting outside of its stores: its config, and what its user may read and write."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from gatewaydoctor.checks.nextstep import next_step
from gatewaydoctor.examine.world import Where
from gatewaydoctor.model.errors import CannotExamine
from gatewaydoctor.model.gateway.place import NothingKept
from gatewaydoctor.model.outcome.finding import Severity
from gatewaydoctor.model.outcome.verdict import Start
from gatewaydoctor.report.invocation import Invocation
from tests.state.fakes import ClosedFs, FakeProcesses
from tests.world import RoomyFs, StateDir

if TYPE_CHECKING:
    from pathlib import Path

    from gatewaydoctor.system.fs import FileStat


@pytest.fixture
def state(tmp_path: Path) -> StateDir:
    return StateDir(tmp_path, "2026.5.22").healthy()


class OwnedFs(RoomyFs):
    """A tree of uid 1000 in which the paths of `others` have another owner and mode."""

    def __init__(self, others: dict[Path, tuple[int, int]]) -> None:
        super().__init__()
        self._others = others

    def _owned(self, path: Path, stat: FileStat) -> FileStat:
        uid, mode = self._others.get(path, (1000, stat.mode & 0o7777))
        return replace(stat, uid=uid, gid=uid, mode=stat.mode & ~0o7777 | mode)

    def stat(self, path: Path) -> FileStat:
        return self._owned(path, super().stat(path))

    def lstat(self, path: Path) -> FileStat:
        return self._owned(path, super().lstat(path))

    def entries(self, directory: Path):  # type: ignore[no-untyped-def]
        return ((name, self._owned(directory / name, stat)) for name, stat in super().entries(directory))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "There is no config."),
        ("{}", "The config has no gateway.mode."),
        ('{"gateway": {"port": 1}}', "The config has no gateway.mode."),
        ('{"gateway": {"mode": null}}', "The config has no gateway.mode."),
        ('{"gateway": {"mode": "remote"}}', "gateway.mode is not local."),
        ('{"gateway": {"mode": "elsewhere"}}', "gateway.mode is not local."),
        ("// nothing\n{}", "The config has no gateway.mode."),
    ],
)
def test_a_config_over_which_the_gateway_does_not_start(text: str | None, message: str, state: StateDir) -> None:
    path = state.root / "openclaw.json"
    path.unlink()
    if text is not None:
        state.file("openclaw.json", text)
    found = state.only("config-without-mode")
    assert (found.severity, found.message) == (Severity.ERROR, message)
    assert "refuses to start" in found.consequence
    assert found.by_hand


def test_a_sound_config_is_none(state: StateDir) -> None:
    assert not state.findings("config-without-mode")


def test_a_store_examined_alone_needs_no_config(state: StateDir) -> None:
    (state.root / "openclaw.json").unlink()
    store = state.root / "agents/main/sessions/sessions.json"
    assert not state.findings("config-without-mode", where=Where(store=str(store)))


def test_a_link_to_the_empty_directory_of_a_version_is_named(tmp_path: Path) -> None:
    full, empty = (tmp_path / "versions" / version / "home/.openclaw" for version in ("2026.3.8", "2026.5.7"))
    for directory in (full.parent, empty / "agents", empty / "logs"):
        directory.mkdir(parents=True)
    old = StateDir(full.parent, "2026.3.8").healthy()
    link = tmp_path / ".openclaw"
    link.symlink_to("versions/2026.5.7/home/.openclaw")
    with pytest.raises(NothingKept) as refused:
        old.examine(where=Where(state_dir=str(link)))
    assert f"{link} (a link to {empty}) has no config, no agent and no database" in refused.value.message
    assert "refuses to start there without gateway.mode" in refused.value.message
    assert str(full) in (refused.value.hint or "")


def test_a_link_to_a_directory_without_config_and_store_is_named(tmp_path: Path) -> None:
    real = StateDir(tmp_path, "2026.5.22").healthy()
    (real.root / "openclaw.json").unlink()
    (real.root / "agents/main/sessions/sessions.json").unlink()
    link = tmp_path / "link"
    link.symlink_to(real.root)
    found = real.only("config-without-mode", where=Where(state_dir=str(link)))
    assert "is a link, and holds no store" in found.message
    assert found.evidence["linksTo"] == str(real.root)


def test_what_the_gateways_user_may_not_read_or_write_is_told_to_root(state: StateDir) -> None:
    fs = OwnedFs({state.root: (0, 0o755), state.root / "openclaw.json": (0, 0o600)})
    found = state.only("permission-denied", fs=fs)
    assert (found.severity, found.count) == (Severity.ERROR, 2)
    assert "(uid 1000) may not read the config and may not write to the state directory" in found.message
    assert "refuses to start" in found.consequence
    assert found.by_hand is not None
    assert f"sudo chown 1000 {state.root}/openclaw.json {state.root}." in found.by_hand
    assert f"sudo -u '#1000' gatewaydoctor scan --state-dir {state.root}" in found.by_hand
    assert not state.findings("config-unreadable", fs=fs)


def test_the_first_screen_gives_the_command_with_the_real_paths(state: StateDir) -> None:
    fs = OwnedFs({state.root: (0, 0o755), state.root / "openclaw.json": (0, 0o600)})
    judgement = state.judge(fs=fs)
    step = next_step(judgement.examination, judgement.findings, judgement.verdict)
    assert str(step.command) == f"sudo chown 1000 {state.root}/openclaw.json {state.root}"


def test_who_may_not_read_here_is_given_the_users_command(state: StateDir) -> None:
    class Closed(ClosedFs, OwnedFs):
        closed = (state.root / "openclaw.json",)

        def __init__(self) -> None:
            OwnedFs.__init__(self, {})

    judgement = state.judge(fs=Closed(), processes=FakeProcesses(own_uid=7))
    step = next_step(judgement.examination, judgement.findings, judgement.verdict)
    assert str(step.command) == f"sudo -u '#1000' gatewaydoctor scan --state-dir {state.root}"
    assert str(Invocation(("/opt/gd",)).complete(step.command)).startswith(
        "sudo -u '#1000' /opt/gd scan --state-dir /"
    )
    judgement = state.judge(fs=Closed(), processes=FakeProcesses(own_uid=1000))
    step = next_step(judgement.examination, judgement.findings, judgement.verdict)
    assert str(step.command) == f"sudo chmod u+rwX {state.root}/openclaw.json"


def test_what_even_its_owner_may_not_use_is_opened_with_chmod(state: StateDir) -> None:
    store = state.root / "agents/main/sessions/sessions.json"
    found = state.only("permission-denied", fs=OwnedFs({store: (1000, 0o000), state.root: (0, 0o755)}))
    assert f"sudo chown 1000 {state.root}; sudo chmod u+rwX {store}." in (found.by_hand or "")


@pytest.mark.parametrize(("release", "refuses"), [("2026.3.28", False), ("2026.5.22", False), ("2026.9.6", True)])
def test_a_directory_that_may_not_be_written_stops_the_newest_release(
    release: str, refuses: bool, tmp_path: Path
) -> None:
    state = StateDir(tmp_path, release).healthy()
    judgement = state.judge(fs=OwnedFs({state.root: (0, 0o755)}))
    (found,) = judgement.of("permission-denied")
    assert ("refuses to start: it cannot write to the state directory" in found.consequence) is refuses
    assert (judgement.verdict.start is Start.NO) is refuses


def test_a_directory_nobody_of_the_tree_may_write_is_a_warning(state: StateDir) -> None:
    fs = OwnedFs({state.root: (0, 0o755)})
    assert state.only("permission-denied", fs=fs).severity is Severity.WARNING
    assert not state.findings("permission-denied", fs=OwnedFs({state.root: (0, 0o777)}))
    assert not state.findings("permission-denied", fs=OwnedFs({state.root: (0, 0o775)}))


@pytest.mark.parametrize(
    ("mode", "severity", "said"),
    [(0o755, Severity.INFO, "anybody may list it"), (0o777, Severity.WARNING, "anybody may replace its files")],
)
def test_a_state_directory_that_is_open_to_others(mode: int, severity: Severity, said: str, state: StateDir) -> None:
    fs = OwnedFs({state.root: (1000, mode)})
    (found,) = (each for each in state.findings("permissions", fs=fs) if each.path == str(state.root))
    assert found.severity is severity
    assert said in found.message
    assert f"chmod 700 {state.root}" in (found.by_hand or "")
    assert state.judge(fs=fs).verdict.start is Start.YES
    assert not state.findings("permissions", fs=OwnedFs({state.root: (1000, 0o750)}))


def test_a_directory_that_may_not_be_listed_names_the_command(state: StateDir) -> None:
    with pytest.raises(CannotExamine) as refused:
        state.examine(fs=ClosedFs(state.root))
    owner = state.root.stat().st_uid
    assert refused.value.hint == f"Run as its owner: sudo -u '#{owner}' gatewaydoctor scan --state-dir {state.root}"


def test_a_store_of_root_loads_as_nothing(state: StateDir) -> None:
    store = state.root / "agents/main/sessions/sessions.json"
    found = state.only("permission-denied", fs=OwnedFs({store: (0, 0o600)}))
    assert found.severity is Severity.ERROR
    assert "a session store" in found.message


@pytest.mark.parametrize("name", ["openclaw.json", "agents/main/sessions/sessions.json"])
def test_what_may_not_be_read_here_is_never_called_unparseable(name: str, state: StateDir) -> None:
    class Closed(ClosedFs, RoomyFs):
        def __init__(self) -> None:
            RoomyFs.__init__(self)
            self.closed = (state.root / name,)

    judgement = state.judge(fs=Closed())
    rules = {finding.rule for finding in judgement.findings}
    assert "permission-denied" in rules
    assert not rules & {"config-unreadable", "store-unparseable", "config-without-mode"}
    found = next(finding for finding in judgement.findings if finding.rule == "permission-denied")
    assert found.by_hand is not None
    assert f"sudo -u '#{os.getuid()}'" in found.by_hand
