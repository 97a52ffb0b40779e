"""The text form of Prometheus metrics: families of gauges with help, type and escaped labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Iterable

PREFIX = "gatewaydoctor_"


class Gauge(Struct):
    """One metric and its samples. Samples with equal labels are added up: two names that look alike once they are
    escaped or redacted must not become one series twice, which no scraper accepts."""

    name: str
    help: str
    samples: dict[tuple[tuple[str, str], ...], float] = field(default_factory=dict)

    def add(self, value: float, **labels: str) -> None:
        series = tuple(labels.items())
        self.samples[series] = self.samples.get(series, 0) + value

    def lines(self) -> Iterable[str]:
        yield f"# HELP {PREFIX}{self.name} {_help(self.help)}"
        yield f"# TYPE {PREFIX}{self.name} gauge"
        for series, value in self.samples.items():
            labels = ",".join(f'{name}="{_label(text)}"' for name, text in series)
            yield f"{PREFIX}{self.name}{f'{{{labels}}}' if labels else ''} {_number(value)}"


def exposition(gauges: Iterable[Gauge]) -> str:
    """All families that have samples."""
    return "".join(f"{line}\n" for gauge in gauges if gauge.samples for line in gauge.lines())


def _number(value: float) -> str:
    # The shortest spelling that gives back the same number; whole ones without a point.
    return str(int(value)) if value == int(value) else repr(value)


def _help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _label(text: str) -> str:
    harmless = text.encode(errors="replace").decode()
    return harmless.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
