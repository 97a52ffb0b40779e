"""The gateway's session store, re-implemented from docs/gateway.md section 5 on real files.

The yardstick other parts are measured against: for the releases in `POLICIES` it keeps the same keys, archives the
same transcripts and writes the same bytes as the real thing (tests/conformance compares the two).
"""

from gatewaydoctor.simulate.refstore.policy import (
    POLICIES,
    Maintenance,
    Mode,
    Policy,
    resolve_maintenance,
)
from gatewaydoctor.simulate.refstore.store import ReferenceStore, SaveReport

__all__ = [
    "POLICIES",
    "Maintenance",
    "Mode",
    "Policy",
    "ReferenceStore",
    "SaveReport",
    "resolve_maintenance",
]
