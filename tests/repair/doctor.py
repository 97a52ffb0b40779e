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
        """Plan, apply, and plan again: the second plan must have nothing left to do, and find what the first one
        promised."""
        plan = self.plan(*names, options=options)
        receipt = apply(plan, tools(), DEAD)
        again = self.plan(*names, options=options)
        assert again.empty, [step.reason for step in again.steps]
        assert_promised(plan, again)
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


def assert_promised(plan: Plan, again: Plan) -> None:
    """`again` was made of the directory that `plan` was applied to. How many rows a log holds whose header is rebuilt
    only the second plan tells."""
    if any(step.action == "rebuild the header" for step in plan.steps):
        return
    now = {store.path: store for store in again.before.stores}
    for promised in plan.after.stores:
        found = now[promised.path]
        least = 0 if promised.at_most else promised.bytes
        assert least <= found.bytes <= promised.bytes, promised.path
        wrong = [
            f"{promised.path} {name}: {now_has} instead of {expected}"
            for name in ("entries", "conversations", "readable", "status", "kind")
            if (now_has := getattr(found, name)) != (expected := getattr(promised, name))
        ]
        assert not wrong, wrong


def steps(plan: Plan, repair: str) -> list[Step]:
    return [step for step in plan.steps if step.repair == repair]


def assert_small(plan: Plan, limit: int) -> None:
    assert len(encode(plan)) < limit
