from __future__ import annotations

import os
from pathlib import Path

import pytest

from gatewaydoctor.model.errors import CannotExamine, ExitCode, UsageError
from gatewaydoctor.model.gateway.place import ConfigSource, SeveralStateDirs, StateDirSource
from gatewaydoctor.state.place.home import effective_home, user_path
from gatewaydoctor.state.place.locate import SAME_TIME_MS, locate
from gatewaydoctor.system.fs import OsReadFs
from tests.state.fakes import ClosedFs

FS = OsReadFs()
NOW_S = 1_900_000_000


def with_store(state_dir: Path, agent: str = "main", age_ms: int = 0) -> Path:
    store = state_dir / "agents" / agent / "sessions" / "sessions.json"
    store.parent.mkdir(parents=True)
    store.write_text("{}")
    os.utime(store, (NOW_S - age_ms / 1000,) * 2)
    return state_dir


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "home"
    path.mkdir()
    return path


def test_each_way_of_naming_it_outranks_the_next(home: Path) -> None:
    env = {"HOME": str(home), "CLAWDBOT_STATE_DIR": f"{home}/by-legacy-env"}
    env["OPENCLAW_STATE_DIR"] = f"  {home}/by-env "
    for name in ("by-option", "by-env", ".openclaw-work", "by-legacy-env", ".openclaw", ".clawdbot"):
        (home / name).mkdir()

    def found(**options: str) -> tuple[str, StateDirSource]:
        place = locate(FS, env, **options)
        return place.state_dir.name, place.source

    assert found(state_dir=str(home / "by-option"), profile="work") == ("by-option", StateDirSource.OPTION)
    assert found(profile="work") == ("by-env", StateDirSource.ENVIRONMENT)
    del env["OPENCLAW_STATE_DIR"]
    assert found(profile="work") == (".openclaw-work", StateDirSource.PROFILE)
    assert found(profile="Default") == (".openclaw", StateDirSource.PROFILE)
    assert found() == ("by-legacy-env", StateDirSource.LEGACY_ENVIRONMENT)
    del env["CLAWDBOT_STATE_DIR"]
    assert found() == (".openclaw", StateDirSource.HOME)
    (home / ".openclaw").rmdir()
    assert found() == (".clawdbot", StateDirSource.LEGACY_NAME)


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        pytest.param({"HOME": "/h"}, "/h", id="HOME"),
        pytest.param({"HOME": " undefined ", "USERPROFILE": "/u"}, "/u", id="the word undefined is no home"),
        pytest.param({"HOME": "/h", "OPENCLAW_HOME": "/o"}, "/o", id="OPENCLAW_HOME"),
        pytest.param({"HOME": "/h", "OPENCLAW_HOME": "~/x/../o"}, "/h/o", id="its ~ is the OS home"),
        pytest.param({"HOME": "/h", "OPENCLAW_HOME": "null"}, "/h", id="the word null is ignored"),
        pytest.param({"HOME": "/h", "OPENCLAW_HOME": "~other"}, f"{Path.cwd()}/~other", id="~other is a plain name"),
    ],
)
def test_effective_home(env: dict[str, str], expected: str) -> None:
    assert str(effective_home(env)) == expected


def test_openclaw_home_moves_the_home_and_not_the_state_directory(home: Path) -> None:
    (home / "other" / ".openclaw").mkdir(parents=True)
    place = locate(FS, {"HOME": str(home), "OPENCLAW_HOME": "~/other"})
    assert place.state_dir == home / "other" / ".openclaw"
    assert place.home == home / "other"


def test_a_tilde_is_the_effective_home_and_links_stay_as_spelled(home: Path) -> None:
    (home / "real").mkdir()
    (home / "link").symlink_to("real")
    place = locate(FS, {"HOME": str(home), "OPENCLAW_STATE_DIR": "~/x/../link"})
    assert place.state_dir == home / "link"
    assert place.real_dir == home / "real"
    assert user_path("~nobody/x", home) == Path.cwd() / "~nobody/x"


def test_a_store_alone_brings_its_state_directory(home: Path) -> None:
    with_store(home / "copy", "work")
    loose = home / "loose.json"
    loose.write_text("{}")
    inside = locate(FS, {"HOME": str(home)}, store=f"{home}/copy/agents/work/sessions/sessions.json")
    assert (inside.state_dir, inside.source) == (home / "copy", StateDirSource.STORE)
    assert locate(FS, {"HOME": str(home)}, store=str(loose)).state_dir == home


def test_where_the_config_is(home: Path) -> None:
    state = home / "state"
    state.mkdir()
    env = {"HOME": str(home)}

    def config(**options: str) -> tuple[Path, ConfigSource]:
        place = locate(FS, env, state_dir=str(state), **options)
        return place.config_path, place.config_source

    assert config() == (state / "openclaw.json", ConfigSource.STATE_DIR)
    (state / "moldbot.json").touch()
    assert config() == (state / "moldbot.json", ConfigSource.LEGACY_NAME)
    (state / "openclaw.json").touch()
    assert config() == (state / "openclaw.json", ConfigSource.STATE_DIR)
    env["OPENCLAW_CONFIG_PATH"] = "~/c.json"
    assert config() == (home / "c.json", ConfigSource.ENVIRONMENT)
    (home / "d.json").touch()
    assert config(config="~/d.json") == (home / "d.json", ConfigSource.OPTION)


def test_two_live_looking_directories_are_named_and_none_is_chosen(home: Path) -> None:
    with_store(home / ".openclaw", age_ms=SAME_TIME_MS)
    with_store(home / ".openclaw-work")
    with pytest.raises(SeveralStateDirs) as caught:
        locate(FS, {"HOME": str(home)})
    assert caught.value.exit_code is ExitCode.CANNOT_EXAMINE
    assert str(home / ".openclaw") in caught.value.message
    assert f"--state-dir {home}/.openclaw" in caught.value.hint
    assert "--profile work" in caught.value.hint
    # Naming one settles it.
    assert locate(FS, {"HOME": str(home)}, profile="work").state_dir == home / ".openclaw-work"


def test_an_old_second_directory_is_mentioned_and_does_not_stop_anything(home: Path) -> None:
    with_store(home / ".openclaw")
    with_store(home / ".clawdbot", age_ms=SAME_TIME_MS + 1000)
    place = locate(FS, {"HOME": str(home)})
    assert place.state_dir == home / ".openclaw"
    assert [(other.path.name, other.stores, other.looks_live) for other in place.others] == [(".clawdbot", 1, False)]


def test_a_link_to_the_same_directory_is_no_second_one(home: Path) -> None:
    with_store(home / ".openclaw")
    (home / ".clawdbot").symlink_to(".openclaw")
    assert locate(FS, {"HOME": str(home)}).others == ()


def test_a_nested_directory_is_a_candidate_even_beside_a_named_one(home: Path) -> None:
    with_store(home / ".openclaw")
    with_store(home / ".openclaw" / ".openclaw")
    with pytest.raises(SeveralStateDirs):
        locate(FS, {"HOME": str(home)})
    place = locate(FS, {"HOME": str(home)}, state_dir=str(home / ".openclaw"))
    assert [other.path for other in place.others] == [home / ".openclaw" / ".openclaw"]


def test_nothing_there(home: Path) -> None:
    with pytest.raises(CannotExamine) as caught:
        locate(FS, {"HOME": str(home)})
    assert str(home / ".openclaw") in caught.value.message
    assert "--state-dir" in caught.value.hint
    with_store(home / ".openclaw-dev")
    with pytest.raises(CannotExamine) as caught:
        locate(FS, {"HOME": str(home)})
    assert caught.value.hint == "Pass one: --profile dev."


def test_a_link_to_what_is_not_there_is_named_as_one(home: Path) -> None:
    link = home / ".openclaw"
    for target, told in (
        ("versions/gone", f"to {home}/versions/gone, which is not there"),
        (".openclaw", "to itself"),
    ):
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        with pytest.raises(CannotExamine) as caught:
            locate(FS, {"HOME": str(home)})
        assert f"{link} (a link {told}), " in caught.value.message


def test_what_cannot_be_examined_says_so(home: Path) -> None:
    env = {"HOME": str(home)}
    (home / "file").touch()
    (home / "closed").mkdir()
    (home / "loop").symlink_to("loop")
    cases = [("missing", "There is no directory"), ("file", "not a directory"), ("loop", "cannot be read")]
    for name, words in cases:
        with pytest.raises(CannotExamine, match=words) as caught:
            locate(FS, env, state_dir=str(home / name))
        assert "(from --state-dir)" in caught.value.message
    with pytest.raises(CannotExamine, match="No permission to read"):
        locate(ClosedFs(home / "closed"), env, state_dir=str(home / "closed"))


@pytest.mark.parametrize("options", [{"profile": "a/b"}, {"profile": ""}, {"state_dir": " "}, {"config": "a\0b"}])
def test_impossible_options(home: Path, options: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        locate(FS, {"HOME": str(home)}, **options)
