"""Understands metrics as Prometheus and its exporters show them (Prometheus text format, version 0.0.4)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import NamedTuple

from infradb.errors import SourceMalformed

_SAMPLE = re.compile(
    r"(?P<name>[A-Za-z_:][A-Za-z0-9_:]*)(?:\{(?P<labels>.*)\})?[ \t]+(?P<value>[^\s]+)(?:[ \t]+-?\d+)?[ \t]*"
)
_LABEL = re.compile(r'\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')
_ESCAPED = re.compile(r"\\(.)")
_LONGEST_LINE = 100_000


class Sample(NamedTuple):
    """One value of one metric."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Metrics:
    """Everything that an exporter showed."""

    samples: Mapping[str, Sequence[Sample]]
    """Metric -> its samples, in the order in which they came."""

    unreadable: int = 0
    """How many lines made no sense."""

    def of(self, name: str) -> Sequence[Sample]:
        """Return the samples of a metric; none where it is not there."""
        return self.samples.get(name, ())

    def value(self, name: str) -> float | None:
        """Return the value of a metric that has one sample."""
        return next((s.value for s in self.of(name) if isfinite(s.value)), None)

    def labels(self, name: str) -> Mapping[str, str]:
        """Return the labels of a metric whose one sample only carries them, such as `node_uname_info`."""
        return next((s.labels for s in self.of(name)), {})

    def by(self, name: str, label: str) -> dict[str, float]:
        """Return a metric's values by one of its labels."""
        return {s.labels[label]: s.value for s in self.of(name) if label in s.labels and isfinite(s.value)}


def read_metrics(text: str, where: str) -> Metrics:
    """Return what a page of metrics shows; raise `SourceMalformed`, with `where` it came from, where it is none."""
    samples: dict[str, list[Sample]] = {}
    unreadable = 0
    for line in text.split("\n"):
        if not line.strip() or line.startswith("#"):
            continue
        found = _SAMPLE.fullmatch(line) if len(line) <= _LONGEST_LINE else None
        labels = _labels(found["labels"] or "") if found else None
        try:
            value = float(found["value"]) if found else 0.0
        except ValueError:
            labels = None
        if found is None or labels is None:
            unreadable += 1
            continue
        samples.setdefault(found["name"], []).append(Sample(labels, value))
    if not samples:
        is_page = text.lstrip()[:200].lower().startswith("<")
        what = "is a web page" if is_page else "is empty" if not text.strip() else "holds no metrics"
        raise SourceMalformed(f"{where}: the answer {what}", hint="does the address end with the path of the metrics?")
    return Metrics(samples, unreadable)


def _labels(text: str) -> dict[str, str] | None:
    labels: dict[str, str] = {}
    at = 0
    while at < len(text):
        found = _LABEL.match(text, at)
        if found is None:
            return None if text[at:].strip() else labels
        labels[found[1]] = _ESCAPED.sub(lambda m: "\n" if m[1] == "n" else m[1], found[2])
        at = found.end()
    return labels
