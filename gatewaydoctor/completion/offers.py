"""`gatewaydoctor __offer SOURCE -- WORD…`: what a shell asks at Tab, one `word<tab>description` a line.

It examines directories and small files only, writes nothing, and on any trouble says nothing: whoever pressed Tab is
in the middle of a line. It loads neither typer nor rich.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from gatewaydoctor.completion.source import Source
from gatewaydoctor.model.arguments import last_value
from gatewaydoctor.repair.vault.layout import ELSEWHERE, RUNS, vault_of
from gatewaydoctor.state.place.home import absolute, effective_home
from gatewaydoctor.state.place.locate import locate, profile_names
from gatewaydoctor.system.fs import OsReadFs
from gatewaydoctor.system.reading import read_up_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from gatewaydoctor.system.fs import ReadFs

MOST = 1000
"""Words offered at once; more would not be read."""

MOST_RUNS = 200
"""The newest ones that are looked into: each costs two small files."""

LARGEST_JOBS = 4 * 1024 * 1024
LONGEST_WORD = 200
SETTLED = frozenset({"done", "put-back", "undone", "pruned"})
"""The states of a run with nothing left to do, as its journal spells them."""

_HEAD, _TAIL = 16 * 1024, 4096
_STATE = re.compile(rb'"state":"([a-z-]+)"')
_REPAIRS = re.compile(rb'"repairs":\[([a-z",-]*)\]')
_ASSIGNMENT = re.compile(r"(OPENCLAW_[A-Z_]+)=(.*)", re.DOTALL)
_MOMENT = re.compile(r"(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)\d\dZ-")


class Offer(NamedTuple):
    word: str
    help: str = ""


def answer(arguments: Sequence[str]) -> None:
    """Write what is offered to stdout. Raises nothing."""
    with suppress(Exception, KeyboardInterrupt):
        source, _, *typed = arguments
        words = [meant(word) for word in typed]
        found = offers(OsReadFs(), {**os.environ, **assigned(words)}, Source(source), words)
        lines = "".join(f"{offer.word}\t{offer.help}\n" for offer in found)
        os.write(1, lines.encode())


def offers(fs: ReadFs, env: Mapping[str, str], source: Source, typed: Sequence[str]) -> list[Offer]:
    """What may be typed, as far as the words of the line tell where to look. Raises DoctorError and OSError."""
    if source is Source.FORMS:
        return _forms(typed)
    if source is Source.PROFILES:
        home = effective_home(env)
        return _fit(Offer(name.partition("-")[2]) for name in profile_names(fs, home))
    named = {option: last_value(typed, f"--{option}") for option in ("state-dir", "profile", "store")}
    place = locate(fs, env, state_dir=named["state-dir"], profile=named["profile"], store=named["store"])
    match source:
        case Source.AGENTS:
            return _fit(_agents(fs, place.state_dir / "agents"))
        case Source.JOBS:
            return _fit(_jobs(fs, place.state_dir / "cron" / "jobs.json"))
        case _:
            vault = last_value(typed, "--vault")
            found = _runs(fs, place.real_dir, absolute(vault) if vault else None)
            return _fit(_told(fs, found, interrupted=source is Source.INTERRUPTED))


def _forms(typed: Sequence[str]) -> list[Offer]:
    """The forms of the target on the line; those of every target before one is typed."""
    from gatewaydoctor.integrate import TARGETS

    named = [target for target in TARGETS if target.value in typed]
    return _fit(Offer(form, f"of {target}") for target in named or TARGETS for form in TARGETS[target].forms)


def assigned(typed: Sequence[str]) -> dict[str, str]:
    """The variables a line sets for this command alone, which are before it."""
    return {each[1]: each[2] for word in typed if (each := _ASSIGNMENT.fullmatch(word))}


def meant(word: str) -> str:
    """A word as the shell would read it, had the line been run: without quotes, with variables."""
    if any(quote in word for quote in "'\"\\"):
        import shlex

        with suppress(ValueError):
            word = "".join(shlex.split(word))
    name, equals, value = word.partition("=") if re.match(r"--|OPENCLAW_", word) else ("", "", word)
    return name + equals + os.path.expanduser(os.path.expandvars(value))  # noqa: PTH111 - a word, perhaps no path


def _fit(found: Iterable[Offer]) -> list[Offer]:
    """The first ones that can be typed and shown: no control character, nothing that looks like an option."""
    chosen: dict[str, Offer] = {}
    for word, help in found:
        if word and len(word) <= LONGEST_WORD and word.isprintable() and word == word.strip() and word[0] != "-":
            chosen.setdefault(word, Offer(word, _line(help)))
        if len(chosen) == MOST:
            break
    return list(chosen.values())


def _line(text: str) -> str:
    printable = "".join(char if char.isprintable() else " " for char in text[:LONGEST_WORD])
    return " ".join(printable.split())


def _agents(fs: ReadFs, directory: Path) -> Iterator[Offer]:
    from gatewaydoctor.state.config.settings import normalize_agent_id

    names = sorted(name for name, stat in fs.entries(directory) if stat.is_dir)
    return (Offer(normalize_agent_id(name)) for name in names)


def _jobs(fs: ReadFs, path: Path) -> Iterator[Offer]:
    import json

    from gatewaydoctor.state.cron.jobids import job_id_of, jobs_list

    data = read_up_to(fs, path, LARGEST_JOBS + 1)
    for job in (jobs_list(json.loads(data)) or ()) if len(data) <= LARGEST_JOBS else ():
        job_id = job_id_of(job)
        if job_id is not None and isinstance(job, dict):
            name = job.get("name")
            off = " (disabled)" if job.get("enabled") is False else ""
            yield Offer(job_id, f"{name if isinstance(name, str) else ''}{off}")


def _runs(fs: ReadFs, state_dir: Path, vault: Path | None) -> dict[str, Path]:
    """Run id -> its directory: in the vault of the state directory, in the one named, and in those its notes name."""
    own = vault_of(state_dir)
    found = {name: root / RUNS / name for root in (own, vault or own) for name in _names(fs, root / RUNS)}
    for name in _names(fs, own / ELSEWHERE):
        if name not in found and len(found) < MOST_RUNS:
            root = read_up_to(fs, own / ELSEWHERE / name, _TAIL).partition(b"\n")[0]
            found[name] = own.joinpath(os.fsdecode(root), RUNS, name)
    return found


def _names(fs: ReadFs, directory: Path) -> list[str]:
    with suppress(OSError):
        return [name for name in fs.names(directory) if not name.startswith(".")]
    return []


def _told(fs: ReadFs, runs: Mapping[str, Path], *, interrupted: bool) -> Iterator[Offer]:
    """Newest first: when it was, how far it got, and what it did."""
    for name in sorted(runs, reverse=True)[:MOST_RUNS]:
        state = _state(fs, runs[name] / "journal")
        if interrupted and state in SETTLED:
            continue
        moment = _MOMENT.match(name)
        when = "{}-{}-{} {}:{} UTC, ".format(*moment.groups()) if moment else ""
        word = state if state in SETTLED else "not finished"
        yield Offer(name, f"{when}{word}{_repairs(fs, runs[name] / 'plan.json')}")


def _state(fs: ReadFs, journal: Path) -> str | None:
    """The last word of the journal. Words that settle a run are on short lines, so a short look finds them."""
    with suppress(OSError):
        states = _STATE.findall(fs.head_and_tail(journal, 0, _TAIL)[1])
        return states[-1].decode() if states else None
    return None


def _repairs(fs: ReadFs, plan: Path) -> str:
    with suppress(OSError):
        found = _REPAIRS.search(read_up_to(fs, plan, _HEAD))
        return ": " + found[1].decode().replace('"', "").replace(",", ", ") if found else ""
    return ""
