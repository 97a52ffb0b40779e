"""What a start of a release with sessions in files makes of damage, against the verdict on the same directory before
it. What it makes of a damaged session store is in the checks `reading` and `starts`."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from .damages import DAMAGES
from .gateways import start, write_config
from .install import cache_dir, command
from .observed import observe
from .pieces import FILES, MIXED
from .record import told
from .test_database_classes import AGENTS, ELSEWHERE, SCHEDULER_S, jobs_of_files, predicted, sessions_of_files

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.conformance
UNSCHEDULED = re.compile(r"cron[\]:] (?:gateway/cron: )?failed to start")
OF_FILES = (
    *("control", "config-missing", "config-torn", "config-of-0-bytes", "config-of-a-list", "config-a-directory"),
    *("config-with-a-mark", "config-with-comments", "config-with-an-unknown-key", "config-of-a-newer-release"),
    *("config-token-missing", "config-token-of-a-torn-file", "config-mode-of-no-kind", "config-bind-of-no-kind"),
    *("config-tls-without-a-certificate", "config-including-nothing", "config-agent-with-an-unknown-name"),
    *("config-plugin-that-is-unknown", "config-hooks-without-a-token", "an-agent-twice", "no-default-agent"),
    *("jobs-file-of-0-bytes", "jobs-file-an-array", "cron-folder-a-file", "sessions-folder-a-file"),
    *("models-file-torn", "delivery-queue-folder-a-file", "credentials-folder-a-file", "identity-folder-a-file"),
    *("logs-folder-a-file", "subagents-folder-a-file", "variables-file-a-directory", "registry-of-subagents-torn"),
)
OF_SETTINGS = (
    *("two-default-agents", "agent-with-the-directory-of-the-first", "config-binding-of-an-unknown-agent"),
    *("config-tailscale-served-on-lan", "config-bind-custom-without-a-host", "config-bind-lan-without-a-token"),
    *("config-tailscale-served", "config-bind-custom-of-another-host", "config-hooks-at-the-root"),
    *("config-hooks-with-the-token-of-the-gateway", "config-mode-missing-with-token-and-password"),
    *("config-token-of-spaces", "config-password-missing", "config-mode-of-a-proxy-without-one"),
    *("config-default-heartbeat-every-odd-time", "config-default-workspace-a-file", "config-certificate-key-alone"),
    *("config-certificate-of-garbage", "config-token-a-reference-to-an-unknown-provider"),
    *("config-token-a-reference-to-an-unset-variable", "config-token-of-a-program-that-is-missing"),
)
"""What settings ask of each other, and of what is outside the config."""
INTENDED = {
    **dict.fromkeys(("config-password-missing", "config-token-a-reference-to-an-unset-variable"), ELSEWHERE),
    "config-bind-custom-of-another-host": ELSEWHERE,
    "config-bind-of-no-kind": "too careful: 2026.4.25 starts with it",
    "jobs-file-of-0-bytes": "too careful: 2026.7.1 starts with it",
    "jobs-file-with-a-job-of-text": "2026.5.22 deletes such a job minutes after its start",
    "sessions-folder-a-file": "nothing can be saved there; what comes after the start was not tried",
    **dict.fromkeys(
        ("registry-of-subagents-torn", "registry-of-a-newer-version"),
        "the next subagent overwrites it, not the start",
    ),
    "store-of-the-second-a-directory": "nothing can be saved there; what comes after the start was not tried",
}
"""Differences that are meant, and why."""
STRAYS = (
    *("approvals-a-directory", "sentinel-a-directory", "config-a-link-to-itself", "everything-of-another-user"),
    *("lock-file-of-a-dead-process", "jobs-file-with-a-job-of-text", "jobs-file-with-jobs-of-an-object"),
    *("jobs-file-of-a-newer-version", "jobs-file-a-link-to-itself", "delivery-of-zeros", "identity-torn"),
    *("paired-devices-torn", "profiles-torn", "registry-of-a-newer-version", "store-of-the-second-a-directory"),
)
OF_A_STATE_DATABASE = ("state-header-garbage", "state-of-a-newer-schema", "state-jobs-page-zeroed", "state-missing")


@dataclass(frozen=True, slots=True)
class Base:
    """A directory that a release started and stopped is in `kept`; `state` is where it was, and where every damaged
    copy goes."""

    release: str
    command: list[str]
    state: Path
    kept: Path


@pytest.fixture(scope="module", params=(*FILES, MIXED))
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Base:
    release = str(request.param)
    found = command(cache_dir(), release)
    if found is None:
        pytest.skip(f"openclaw {release} is not installed (make conformance)")
    folder = tmp_path_factory.mktemp("files")
    made = Base(release, found, folder / "state", folder / "kept")
    write_config(made.state, AGENTS)
    _stamp(made.state / "openclaw.json", release)
    for agent in AGENTS:
        sessions_of_files(made.state, agent)
    jobs_of_files(made.state)
    assert start(made.command, made.state).up
    shutil.copytree(made.state, made.kept, symlinks=True)
    return made


def _stamp(config: Path, release: str) -> None:
    """The release that wrote it, as `openclaw configure` of that release leaves it."""
    config.write_text(json.dumps(json.loads(config.read_text()) | {"meta": {"lastTouchedVersion": release}}))


def _config(state: Path) -> bytes | None:
    path = state / "openclaw.json"
    return path.read_bytes() if path.is_file() else None


@pytest.mark.parametrize("name", (*OF_FILES, *OF_SETTINGS, *STRAYS, *OF_A_STATE_DATABASE))
def test_a_start_does_what_the_verdict_said(name: str, base: Base) -> None:
    if name in OF_A_STATE_DATABASE and base.release != MIXED:
        pytest.skip("it has no state database")
    shutil.rmtree(base.state)
    shutil.copytree(base.kept, base.state, symlinks=True)
    held = set(observe(base.state).jobs)
    DAMAGES[name].hurt(base.state)
    said, rules, reason = predicted(base.state)
    config = _config(base.state)
    jobs = re.search("jobs-file|cron-folder", name)
    by_config = DAMAGES[name].by_config
    outcome = start(base.command, base.state, stay_s=SCHEDULER_S if jobs else 0, by_config=by_config)
    code = "" if said == "refuses" else f", exit {outcome.code}"  # where none is told
    happened = "starts" if outcome.up else f"refuses{code}"
    put_back = _config(base.state) not in (config, None) and _config(base.state) == _config(base.kept)
    if outcome.up and (put_back or UNSCHEDULED.search(outcome.log)):
        happened = "at-risk"
    elif outcome.up and not jobs and held - set(observe(base.state).jobs):
        happened = "loses"
    why = "" if said == happened else INTENDED.get(name, "")
    agreed = told(base.release, "file_classes", name, said, happened, why)
    assert agreed, (rules, reason, outcome.log[-2000:])
