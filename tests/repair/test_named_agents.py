"""An agent is parked by its id or by the name of its directory, however that is spelled: a gateway takes each
directory whose name it spells as the id for that agent's."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from gatewaydoctor.examine.sessions.parked import find_parked
from gatewaydoctor.model.gateway.era import AgentEra, Era
from gatewaydoctor.state.config.settings import normalize_agent_id
from gatewaydoctor.system.fs import FileStat, OsReadFs
from tests.cli.harness import Ran, run
from tests.repair import agentdb
from tests.repair.scene import tree
from tests.world import NOW, StateDir, row, session_id, talk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = (
    "My Agent", "ünïcode", "per%20cent", "dot.ted", "new\nline", "x" * 80, "x" * 255, "UPPER", "-dash-", "main ",
    "..x", "a'b", "$(id)", "a`b", "日本",
)  # fmt: skip


def home(root: Path, name: str, era: str) -> Path:
    """A directory of an agent, with one conversation."""
    made = root / "agents" / name
    (made / "sessions").mkdir(parents=True)
    agent_id = normalize_agent_id(name)
    if era == "files":
        (made / "sessions/sessions.json").write_text(json.dumps({f"agent:{agent_id}:direct:1": row(1)}, indent=2))
        (made / f"sessions/{session_id(1)}.jsonl").write_bytes(talk(1))
        return made
    path = agentdb.make(root.parent / "made", {f"agent:{agent_id}:direct:1": "done"})
    shutil.move(path.parent, made / "agent")
    connection = agentdb.connected(made / "agent" / path.name)
    connection.execute("UPDATE schema_meta SET agent_id = ?", (agent_id,))
    connection.close()
    shutil.rmtree(root.parent / "made")
    return made


def done(root: Path, verb: str, word: str) -> Ran:
    return run(verb, "--apply", "--yes", "--gateway-stopped", "--state-dir", str(root), "--now", str(NOW), "--", word)


def holds(made: Path) -> bool:
    return any(path.name in ("sessions.json", "openclaw-agent.sqlite") for path in made.rglob("*"))


@pytest.mark.parametrize("era", ["files", "database"])
@pytest.mark.parametrize("name", NAMES, ids=[str(number) for number in range(len(NAMES))])
def test_an_agent_is_parked_and_put_back_by_its_id_and_by_its_directory(tmp_path: Path, name: str, era: str) -> None:
    root = StateDir(tmp_path, "2026.9.6" if era == "database" else "2026.3.28").root
    made = home(root, name, era)
    before = tree(root)
    for word in (name, normalize_agent_id(name)):
        ran = done(root, "park", word)
        assert (ran.code, ran.err) == (0, ""), word
        assert not holds(made)
        assert done(root, "unpark", word).code == 0
        assert tree(root) == before


@pytest.mark.parametrize("era", ["files", "database"])
def test_of_directories_of_one_agent_one_is_parked_or_all_by_their_id(tmp_path: Path, era: str) -> None:
    root = StateDir(tmp_path, "2026.9.6" if era == "database" else "2026.3.28").root
    one, other = home(root, "My Agent", era), home(root, "my_agent!", era)
    both = home(root, "My--Agent", era), home(root, "my agent", era)
    before = tree(root)
    assert done(root, "park", "My Agent").code == 0
    assert (holds(one), holds(other), *map(holds, both)) == (False, True, True, True)
    assert done(root, "unpark", "My Agent").code == 0
    assert done(root, "park", "my-agent").code == 0
    assert (holds(one), holds(other), holds(both[1])) == (False, True, False)
    assert done(root, "unpark", "my-agent").code == 0
    assert tree(root) == before


def test_a_word_that_is_no_agent_is_told_with_what_lists_them(tmp_path: Path) -> None:
    root = StateDir(tmp_path).root
    home(root, "My Agent", "files")
    for word in ("My  Agent", "MY AGENT", "my agent"):
        ran = done(root, "park", word)
        assert ran.code == 2
        assert f"Unknown session or agent '{word}'." in ran.err
        assert "`gatewaydoctor sessions" in ran.err


def test_the_directories_of_agents_are_listed_once_for_all_of_them(tmp_path: Path) -> None:
    listed: list[Path] = []

    class Fs(OsReadFs):
        def entries(self, directory: Path) -> Iterator[tuple[str, FileStat]]:
            listed.append(directory)
            return super().entries(directory)

    for number in range(3):
        (tmp_path / f"agents/a{number}/agent").mkdir(parents=True)
    find_parked(Fs(), tmp_path, (), [AgentEra(f"a{number}", Era.SQLITE, "") for number in range(3)], "main")
    assert listed.count(tmp_path / "agents") == 1
    assert tmp_path / "agents/a2/agent" in listed
