"""
This module writes the reference page of every signal from the table of signals.
"""

from collections.abc import Iterable

from otel_confidence import conventions as c

_INTRODUCTION = """\
# Signals

Every metric, attribute, event and span of otel_confidence, under the names that Prometheus, the
Collector and `otel-confidence up` all give them. Metrics carry only attributes of low cardinality;
ids, texts and raw values stand on spans and events alone. A name marked *reserved* is settled, and
nothing emits it yet.
"""
RESERVED = frozenset({
    c.TASK_TYPE, c.PREDICTION_CLASS, c.DRIFT_METHOD, c.DRIFT_TARGET, c.DRIFT_REFERENCE_ID,
    c.DRIFT_SEVERITY, c.DRIFT_SCORE, c.DRIFT_P_VALUE, c.DRIFT_SAMPLES, c.DRIFT_DETECTIONS,
    c.EXPORT_DURATION, c.DRIFT_DETECTED, c.SLO_BREACH, c.ALERT_FIRED, c.ALERT_RESOLVED,
})  # fmt: skip
"""Names that nothing emits yet."""


def signals_page(command: str) -> str:
    """
    ``docs/reference/signals.md``.
    """
    parts = (
        f"<!-- Written by `{command}`: change src/otel_confidence/conventions.py instead. -->",
        _INTRODUCTION,
        "## Metrics\n",
        _table(("OpenTelemetry", "Prometheus", "type", "unit", "attributes", ""), _metrics()),
        "## Bucket edges\n",
        _table(("metric", "upper edges"), _edges()),
        "## Attributes\n",
        _table(("attribute", "label", "values", ""), _attributes()),
        "## Events\n",
        "Log records with an event name, which the attribute `event.name` repeats.\n",
        _table(
            ("event", "severity", ""), ((f"`{e.name}`", e.severity, _about(e)) for e in c.EVENTS)
        ),
        "## Spans\n",
        f"`{c.SPAN_PREFIX} {{{c.MODEL_NAME.name}}}`, kind internal, from scope `{c.SCOPE}`.\n",
        f"`{c.DOCTOR_SPAN}`, of service `{c.DOCTOR_SERVICE}`: a probe of `doctor --stack`.\n",
    )
    return "\n".join(parts)


def _metrics() -> Iterable[tuple[str, ...]]:
    for m in c.METRICS:
        series = f"{m.prometheus}_bucket, _sum, _count" if m.edges else m.prometheus
        names = ", ".join(f"`{a.name}`" for a in m.attributes)
        yield (
            f"`{m.name}`",
            f"`{series}`",
            m.kind.replace("_", " "),
            f"`{m.unit}`",
            names,
            _about(m),
        )


def _events() -> Iterable[tuple[str, ...]]:
    for e in c.EVENTS:
        yield f"`{e.name}`", e.severity, _about(e)


def _about(signal: c.Metric | c.Attribute | c.Event) -> str:
    return f"*Reserved.* {signal.about}" if signal in RESERVED else signal.about


def _edges() -> Iterable[tuple[str, ...]]:
    for m in c.METRICS:
        if m.edges:
            yield f"`{m.name}`", ", ".join(f"{edge:g}" for edge in m.edges)


def _attributes() -> Iterable[tuple[str, ...]]:
    for a in c.ATTRIBUTES:
        label = f"`{a.label}`" if a.on_metrics else "never on metrics"
        yield f"`{a.name}`", label, ", ".join(a.values), _about(a)


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (heads, tuple("---" for _ in heads), *rows)
    escaped = ([cell.replace("|", "\\|") for cell in line] for line in lines)
    return "".join(f"| {' | '.join(line)} |\n" for line in escaped)
