"""One state directory and everything that can be done to it, in a line each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gatewaydoctor.repair.drafting.options import Options, Repair
from gatewaydoctor.repair.planner.build import build_plan
from gatewaydoctor.repair.run.apply import apply
from gatewaydoctor.repair.run.undo import undo
from gatewaydoctor.repair.vault.catalog import find_run
from gatewaydoctor.repair.vault.codec import encode
from tests.repair.scene import DEAD, tools, tree

if TYPE_CHECKING:
    from gatewaydoctor.model.repair.plan import Plan, Step
    from gatewaydoctor.model.repair.receipt import Receipt
    from gatewaydoctor.system.fs import ReadFs
    from tests.world import StateDir


class Doctor:
    """`how` goes to StateDir.examine with every look."""

    def __init__(self, state: StateDir, **how: object) -> None:
        self.state = state
        self.how = how
        self.store = state.root / "agents/main/sessions/sessions.json"

    def plan(self, *names: str, options: Options | None = None, fs: ReadFs | None = None) -> Plan:
        judgement = self.state.judge(**self.how)
        return build_plan(
            judgement.examination,
            judgement.findings,
            [Repair(name) for name in names],
            options or Options(),
            fs or tools().fs,
            tools().progress,
        )

    def apply(self, *names: str, options: Options | None = None) -> Receipt | None:
        """Plan, apply, and plan again: the second plan must have nothing left to do."""
        receipt = apply(self.plan(*names, options=options), tools(), DEAD)
        again = self.plan(*names, options=options)
        assert again.empty, [step.reason for step in again.steps]
        return receipt

    def undo(self) -> None:
        undo(find_run(tools(), self.state.root, None, None), tools(), DEAD)

    def there_and_back(self, *names: str, options: Options | None = None) -> Receipt | None:
        """Apply, then undo: the directory must be the same byte for byte, with its modes and mtimes."""
        before = tree(self.state.root)
        receipt = self.apply(*names, options=options)
        assert tree(self.state.root) != before
        self.undo()
        assert tree(self.state.root) == before
        return receipt

    def rows(self) -> dict[str, dict[str, object]]:
        return json.loads(self.store.read_bytes())

    def rules(self) -> set[str]:
        return {finding.rule for finding in self.state.judge(**self.how).findings}


def steps(plan: Plan, repair: str) -> list[Step]:
    return [step for step in plan.steps if step.repair == repair]


def assert_small(plan: Plan, limit: int) -> None:
    assert len(encode(plan)) < limit
