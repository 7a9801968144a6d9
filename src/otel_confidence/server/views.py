"""
This module composes what the pages show: it asks for the figures and fills the templates' parts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from otel_confidence import figures
from otel_confidence.query import predictions, reports, summaries
from otel_confidence.query.answers import Metrics
from otel_confidence.query.calibration import no_truth
from otel_confidence.query.predictions import Sql
from otel_confidence.query.questions import Question, Scope, Values, Window, window
from otel_confidence.query.summaries import ModelSummary
from otel_confidence.server import formats
from otel_confidence.server.rendering import Templates

WINDOWS: Final = {"15m": 900, "1h": 3600, "6h": 21_600, "24h": 86_400}
"""The times a page can show, seconds; the first unless asked otherwise."""

Figures = Mapping[str, go.Figure | None]


@dataclass(frozen=True, slots=True)
class View:
    """
    What a page shows now.
    """

    parts: Mapping[str, str]
    """HTML by the name of its place."""
    draw: Callable[[], Figures] = dict
    """Draws the figures; None for one that has nothing to show."""
    state: str = "filled"
    """``empty`` when nothing at all was reported."""
    unknown: Callable[[], str] = str
    """Says why there can be no such page, where nothing ever was reported; else ''."""


class Views:
    """
    One method a page; all of them block.
    """

    def __init__(
        self, metrics: Metrics, store: Sql, templates: Templates, now: Callable[[], float]
    ) -> None:
        self._metrics = metrics
        self._store = store
        self._templates = templates
        self._now = now

    def models(self, length: str) -> View:
        """
        All models with their key figures.
        """
        question = self._question(Scope(), length)
        found = summaries.summaries(question)
        part = self._render(
            "part_models", question.within, models=found, window=length,
            empty_title="No model has reported yet",
            empty_reason=f"Nothing arrived in the last {length}.",
        )  # fmt: skip
        return View({"models": part}, state="filled" if found else "empty")

    def model(self, scope: Scope, length: str) -> View:
        """
        One model or version: key figures, figures, latest low-confidence predictions.
        """
        question = self._question(scope, length)
        found = next(iter(summaries.summaries(question)), None)
        parts = {
            "versions": self._versions(question, length, found),
            "summary": self._render(
                "part_summary", question.within, m=found,
                version=scope.version, window=length, empty_title="Nothing from this model",
                empty_reason=f"It did not report in the last {length}; a longer time may show it.",
            ),
            "predictions": self._predictions(question, length),
        }  # fmt: skip
        return View(
            parts,
            draw=lambda: _draw_model(question, found),
            state="filled" if found else "empty",
            unknown=lambda: self._unknown(scope),
        )

    def trace(self, trace_id: str) -> View:
        """
        One trace: the prediction, its spans and its events.
        """
        spans = predictions.spans_of_trace(self._store, trace_id)
        events = predictions.events_of_trace(self._store, trace_id)
        found = bool(spans or events)
        prediction = predictions.as_prediction(events)
        render = self._templates.render
        parts = {
            "facts": render("part_facts", found=found, prediction=prediction),
            "spans": render("part_spans", spans=figures.in_tree_order(spans)),
            "events": render("part_events", events=events),
        }
        return View(
            parts,
            draw=lambda: {"waterfall": figures.waterfall(spans, figures.CSS) if spans else None},
            state="filled" if found else "empty",
        )

    def _question(self, scope: Scope, length: str) -> Question:
        within = window(self._metrics, WINDOWS[length], end=self._now(), scope=scope)
        return Question(self._metrics, scope, within)

    def _render(self, name: str, within: Window, **values: Any) -> str:
        return self._templates.render(name, now=within.end, **values)

    def _unknown(self, scope: Scope) -> str:
        model = scope.model or ""
        if predictions.is_known(self._store, model, scope.version):
            return ""
        of_version = f" in version {formats.shortened(scope.version)}" if scope.version else ""
        return f"No model {formats.shortened(model)} has reported{of_version}."

    def _versions(self, question: Question, length: str, found: ModelSummary | None) -> str:
        scope = question.scope
        known = found.versions if found else ()
        if scope.version:
            of_model = replace(question, scope=Scope(scope.model))
            known = summaries.reported(of_model).get(scope.model or "", ())
        return self._templates.render(
            "part_versions", model=scope.model, version=scope.version, window=length,
            versions=sorted({*known, scope.version} - {""}),
            in_path=formats.fits_path(scope.model or ""),
        )  # fmt: skip

    def _predictions(self, question: Question, length: str) -> str:
        found = predictions.latest_low_confidence(
            self._store,
            question.scope.model or "",
            version=question.scope.version,
            after_s=question.within.start,
        )
        return self._templates.render("part_predictions", predictions=found, window=length)


def _draw_model(question: Question, found: ModelSummary | None) -> Figures:
    bins = found.calibration if found else no_truth()
    question = _since_it_began(question, found)
    truth = reports.truth(question)
    confidence = reports.confidence_over_time(question)
    latency = reports.latency(question)
    traffic = reports.traffic(question)
    made = confidence.counts[confidence.counts > 0]
    css = figures.CSS
    return {
        "truth": _if(truth.accuracy, lambda: figures.truth_lines(truth, css)),
        "confidence": _if(made, lambda: figures.confidence_heatmap(confidence, css)),
        "reliability": figures.reliability_diagram(bins, css) if bins.total else None,
        "latency": _if(latency.p50_s, lambda: figures.latency_lines(latency, css)),
        "traffic": _if(traffic.predictions, lambda: figures.traffic_lines(traffic, css)),
    }


def _since_it_began(question: Question, found: ModelSummary | None) -> Question:
    if found is None or not found.predictions:
        return question
    times = question.within.times_s
    reported = times[np.isfinite(found.traffic)]
    # A long window has no point yet for a model that began after the last one.
    first = reported[0] if len(reported) else times[-1]
    return replace(question, within=question.within.since(float(first) - question.within.range_s))


def _if(values: Values, draw: Callable[[], go.Figure]) -> go.Figure | None:
    return draw() if np.isfinite(values).any() else None
