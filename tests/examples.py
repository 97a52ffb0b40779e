"""How many examples a property is tried on: few in `make quick`, many with `pytest --hypothesis-profile=nightly`. The
suite tries the same ones each time, the night others."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("suite", max_examples=50, deadline=None, derandomize=True)
settings.register_profile("quick", max_examples=10, deadline=None, derandomize=True)
settings.register_profile("nightly", max_examples=1000, deadline=None)


def examples(times: float = 1, **more: object) -> settings:
    """So many times the examples of an ordinary property, for one with more or fewer cases to meet."""
    return settings(max_examples=int(settings.default.max_examples * times), **more)  # type: ignore[arg-type]
