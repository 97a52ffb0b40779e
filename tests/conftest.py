from __future__ import annotations

from hypothesis import settings

import tests.examples  # noqa: F401  registers the profiles

settings.load_profile("suite")
