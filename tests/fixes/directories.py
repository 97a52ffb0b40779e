"""Applying what findings name, on real directories."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gatewaydoctor.checks.judge import judge
from gatewaydoctor.examine.examiner import examine
from gatewaydoctor.examine.world import Depth, Where, World
from gatewaydoctor.fixtures.validating.expectation import EXPECTED
from gatewaydoctor.fixtures.validating.setup import set_up
from gatewaydoctor.repair.drafting.options import Options, Repair
from gatewaydoctor.repair.planner.build import build_plan
from gatewaydoctor.repair.run.apply import apply
from tests.repair.scene import DEAD, tools
from tests.state.fakes import FakeProcesses
from tests.world import RoomyFs

if TYPE_CHECKING:
    from gatewaydoctor.checks.judge import Judgement
    from gatewaydoctor.model.outcome.finding import Finding
    from gatewaydoctor.model.repair.plan import Plan


@dataclass(frozen=True)
class Directory:
    """A state directory at a fixed time, with no gateway running."""

    root: Path
    now: int

    def judge(self) -> Judgement:
        world = World(RoomyFs(), {"HOME": str(self.root.parent)}, FakeProcesses(), lambda _: False, self.now, "/")
        return judge(examine(world, Where(state_dir=str(self.root)), Depth()))

    def plan(self, *names: str, judgement: Judgement | None = None) -> Plan:
        seen = judgement or self.judge()
        chosen = [Repair(name) for name in names]
        return build_plan(seen.examination, seen.findings, chosen, Options(), tools().fs, tools().progress)

    def copy(self, to: Path) -> Directory:
        """A copy without FIFOs, which nothing could copy."""

        def left_out(directory: str, names: list[str]) -> list[str]:
            return [name for name in names if (Path(directory) / name).is_fifo()]

        shutil.copytree(self.root, to, symlinks=True, copy_function=_copied, ignore=left_out)
        return Directory(to, self.now)


def laid_out(fixture: Path, to: Path) -> Directory:
    """A fixture as a directory here. A file that it stretches beyond 100 MB has its size and a hole for the text: it
    is moved and counted, and never read."""
    small = to.with_name("fixture")
    shutil.copytree(fixture, small, symlinks=True)
    told = json.loads((small / EXPECTED).read_text())
    large = {}
    for path, stretch in told.get("stretch", {}).items():
        size = len(stretch["text"]) * stretch["times"]
        if size > _LARGE:
            large[path], stretch["times"] = size, 1
    (small / EXPECTED).write_text(json.dumps(told))
    made = set_up(small, to)
    for path, size in large.items():
        file = made.state_dir / path
        stat = file.stat()
        os.truncate(file, size)
        os.utime(file, ns=(stat.st_mtime_ns, stat.st_mtime_ns))
    return Directory(made.state_dir, made.now)


_LARGE = 100_000_000


def _copied(source: str, target: str) -> None:
    """As copy2 does it; of a file that ends in a hole as large as `laid_out` makes them, what comes before it."""
    stat = os.lstat(source)
    if stat.st_size <= _LARGE or stat.st_blocks * 512 >= stat.st_size:
        shutil.copy2(source, target, follow_symlinks=False)
        return
    with Path(source).open("rb") as stream, Path(target).open("xb") as copy:
        copy.write(stream.read(stat.st_blocks * 512))
        copy.truncate(stat.st_size)
    shutil.copystat(source, target)


def repair_of(finding: Finding) -> tuple[str, ...]:
    """The names in the command of a fix, which has no options of its own."""
    assert finding.fix is not None
    verb, *names = finding.fix.command.words
    assert verb == "repair"
    assert not [name for name in names if name.startswith("-")], names
    return tuple(names)


def weight(judgement: Judgement, finding: Finding) -> int:
    """How much the findings of a rule cover for one agent, as grave as this one or worse."""
    same = (f for f in judgement.findings if (f.rule, f.agent_id) == (finding.rule, finding.agent_id))
    return sum(f.count for f in same if f.severity >= finding.severity)


def complaints(directory: Directory, scratch: Path) -> list[str]:
    """What is wrong with the fixes of a directory; each command is run on a copy."""
    found = []
    commands: dict[tuple[str, ...], list[Finding]] = {}
    for finding in directory.judge().findings:
        if finding.fix is not None:
            commands.setdefault(repair_of(finding), []).append(finding)
        elif not finding.by_hand:
            found.append(f"{finding.rule}: neither a fix nor what to do by hand")
    for names, findings in commands.items():
        found += _fix(directory.copy(scratch / "one" / ".openclaw"), findings, names)
        shutil.rmtree(scratch / "one")
    copy = directory.copy(scratch / "all" / ".openclaw")
    found += [f"repair without names: {text}" for text in _twice(copy, ())]
    shutil.rmtree(scratch / "all")
    return found


def _fix(copy: Directory, findings: list[Finding], names: tuple[str, ...]) -> list[str]:
    """Complaints of the findings that name this command."""
    seen, command = copy.judge(), " ".join(names)
    plan = copy.plan(*names, judgement=seen)
    if plan.empty:
        return [f"{findings[0].rule}: {command} plans nothing: {[each.reason for each in plan.refusals]}"]
    apply(plan, tools(), DEAD)
    now, found = copy.judge(), []
    for each in findings:
        before, after = weight(seen, each), weight(now, each)
        if after >= before:
            found.append(f"{each.rule} ({each.agent_id}): {command} leaves {after} of {before}")
    again = copy.plan(*names, judgement=now)
    return found + ([] if again.empty else [f"{command} plans again: {[s.reason for s in again.steps]}"])


def _twice(copy: Directory, names: tuple[str, ...]) -> list[str]:
    """Complaints where a second apply has something to do that the first did not say."""
    plan = copy.plan(*names)
    if plan.empty:
        return []
    apply(plan, tools(), DEAD)
    again = copy.plan(*names)
    commands = [note.command for note in plan.cautions if note.command]
    if "gatewaydoctor repair" in commands:
        return []
    said = {name for command in commands for name in command.split()[2:]}
    return [f"plans again: {(s.repair, s.reason, s.count)}" for s in again.steps if s.repair not in said]
