"""
This module lays out the Grafana dashboards, in the classic format that file provisioning reads.
"""

from typing import Final

from grafana_foundation_sdk.builders import dashboard, prometheus
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as dashboard_model

from otel_confidence.conventions import (
    BIN,
    CALIBRATION_CONFIDENCE,
    CALIBRATION_CORRECT,
    CALIBRATION_PREDICTIONS,
    CONFIDENCE,
    DECISION,
    ERROR_TYPE,
    ERRORS,
    EVENT_NAME,
    HIGH_CONFIDENCE,
    LOW_CONFIDENCE,
    LOW_CONFIDENCE_RESULT,
    MODEL_NAME,
    MODEL_VERSION,
    OUTCOME,
    OUTCOMES,
    PREDICTION_CONFIDENCE,
    PREDICTION_DURATION,
    PREDICTION_LABEL_DELAY,
    PREDICTIONS,
    PREDICTIONS_ACTIVE,
    SERVICE_NAME,
    TIER,
    Attribute,
)
from otel_confidence.generate import queries
from otel_confidence.generate.panels import (
    COUNT,
    PROMETHEUS,
    RATE,
    SECONDS,
    SHARE,
    About,
    Panel,
    Query,
    Step,
    bars,
    buckets,
    lines,
    number,
    records,
    traces,
)
from otel_confidence.generate.queries import PER_VERSION
from otel_confidence.generate.rules import OVERCONFIDENCE

MODEL_UID: Final = "otel-confidence-model"

_STEP: Final = "$__rate_interval"
_RANGE: Final = "$__range"
_TRUTH: Final = "$truth"
_CHOSEN: Final = (f'{MODEL_NAME.label}="$model"', f'{MODEL_VERSION.label}=~"$version"')
_VERSION: Final = f"{{{{{MODEL_VERSION.label}}}}}"
_TIERS: Final = (
    Step("red"),
    Step("orange", LOW_CONFIDENCE),
    Step("green", HIGH_CONFIDENCE),
)
_GAP: Final = (Step("green"), Step("orange", OVERCONFIDENCE / 2), Step("red", OVERCONFIDENCE))
_PLAIN: Final = (Step("blue"),)


def model_dashboard(command: str) -> str:
    """
    The dashboard of one model, as JSON; ``command`` is what writes it.
    """
    board = _frame(command)
    sections = (
        ("Over the shown range", summary()),
        ("Confidence", confidence()),
        ("Truth and calibration", truth()),
        ("Traffic, latency and errors", traffic()),
        ("Unsure predictions", unsure()),
    )
    number_of = iter(range(1, 1000))
    for title, panels in sections:
        board.with_row(dashboard.Row(title).id(next(number_of)))
        for panel in panels:
            board.with_panel(panel.id(next(number_of)))
    encoded: str = JSONEncoder(sort_keys=True, indent=2).encode(board.build())
    return f"{encoded}\n"


def summary() -> list[Panel]:
    """
    Six numbers that say whether the model needs a look.
    """
    by = (MODEL_NAME,)
    sure = queries.labeled_confidence(_RANGE, by, *_CHOSEN)
    right = queries.accuracy(_RANGE, by, *_CHOSEN)
    made = queries.selector(PREDICTIONS, "", *_CHOSEN)
    return [
        number(
            _small("Predictions", PREDICTIONS.about, COUNT),
            queries.total(made, _RANGE, by),
            _PLAIN,
        ),
        number(
            _small("Mean confidence", "Of all predictions, with or without known truth.", SHARE),
            queries.mean(PREDICTION_CONFIDENCE, _RANGE, by, *_CHOSEN),
            _TIERS,
        ),
        number(
            _small("Accuracy", "Of the predictions whose truth is known.", SHARE), right, _PLAIN
        ),
        number(
            _small(
                "Overconfidence",
                "Mean confidence less accuracy, where the truth is known; below zero the model "
                "is better than it claims.",
                SHARE,
            ),
            f"({sure})\n- ({right})",
            _GAP,
        ),
        number(
            _small(
                "Calibration error",
                "Expected calibration error: mean distance of confidence from accuracy over the "
                "bins, weighted by their predictions.",
                SHARE,
            ),
            queries.ece(_RANGE, by, *_CHOSEN),
            _GAP,
        ),
        number(
            _small("Latency p95", "Ninety-five of a hundred calls were faster.", SECONDS),
            queries.quantile(0.95, PREDICTION_DURATION, _RANGE, by, *_CHOSEN),
            _PLAIN,
        ),
    ]


def confidence() -> list[Panel]:
    """
    How sure the model was, and what was done about it.
    """
    series = queries.selector(PREDICTION_CONFIDENCE, "bucket", *_CHOSEN)
    return [
        buckets(
            About(
                "Confidence distribution",
                "Predictions per second by confidence; a row is named by its upper edge.",
                RATE,
                height=9,
            ),
            queries.total(series, _STEP, (), function="rate", also="le"),
        ),
        lines(
            About(
                "Mean confidence by version",
                "Lines mark where the tiers low and high begin and end.",
                SHARE,
                height=9,
            ),
            [
                Query(
                    queries.mean(PREDICTION_CONFIDENCE, _STEP, PER_VERSION, *_CHOSEN),
                    _VERSION,
                    exemplars=True,
                )
            ],
            bounds=(0, 1),
            steps=_TIERS,
        ),
        _shares("Confidence tiers", "Share of predictions in each confidence tier.", TIER),
        _shares("Decisions", "Share of predictions by what was done with them.", DECISION),
    ]


def truth() -> list[Panel]:
    """
    Whether the model was right to be sure.
    """
    return [
        lines(
            About(
                "Accuracy beside confidence",
                "Both over the predictions whose truth became known within the chosen window. "
                "Confidence above accuracy: the model is surer than it is right.",
                SHARE,
            ),
            [
                Query(queries.labeled_confidence(_TRUTH, PER_VERSION, *_CHOSEN), _said("sure")),
                Query(queries.accuracy(_TRUTH, PER_VERSION, *_CHOSEN), _said("right")),
            ],
            bounds=(0, 1),
        ),
        reliability(),
        lines(
            About(
                "Calibration error and Brier score",
                "Expected calibration error and mean squared error of confidence over the chosen "
                "window; zero is best.",
                SHARE,
            ),
            [
                Query(queries.ece(_TRUTH, PER_VERSION, *_CHOSEN), _said("ECE")),
                Query(queries.brier(_TRUTH, PER_VERSION, *_CHOSEN), _said("Brier")),
            ],
            steps=_GAP,
        ),
        lines(
            About("Truths arriving", f"{OUTCOMES.about} By how they turned out.", RATE, width=6),
            [_rate_by(queries.selector(OUTCOMES, "", *_CHOSEN), OUTCOME)],
        ),
        lines(
            About("Label delay", f"{PREDICTION_LABEL_DELAY.about}", SECONDS, width=6),
            [
                Query(
                    queries.quantile(q, PREDICTION_LABEL_DELAY, _TRUTH, (), *_CHOSEN),
                    f"p{q * 100:.0f}",
                )
                for q in (0.5, 0.95)
            ],
        ),
    ]


def reliability() -> Panel:
    """
    The reliability diagram: confidence and accuracy of each calibration bin.
    """
    whole = queries.total(queries.selector(CALIBRATION_PREDICTIONS, "", *_CHOSEN), _RANGE, (BIN,))
    measures = ((CALIBRATION_CONFIDENCE, "mean confidence"), (CALIBRATION_CORRECT, "accuracy"))
    return bars(
        About(
            "Reliability diagram",
            "Mean confidence beside accuracy in each confidence bin, named by its upper edge, over "
            "the shown range. A calibrated model has bars of equal height.",
            SHARE,
        ),
        [
            Query(
                queries.ratio(
                    queries.total(queries.selector(metric, "", *_CHOSEN), _RANGE, (BIN,)), whole
                ),
                legend,
            )
            for metric, legend in measures
        ],
        BIN.label,
    )


def traffic() -> list[Panel]:
    """
    How much the model does, how fast, and what fails.
    """
    active = queries.selector(PREDICTIONS_ACTIVE, "", *_CHOSEN)
    return [
        lines(
            About("Latency", f"{PREDICTION_DURATION.about} Exemplars open a trace.", SECONDS),
            [
                Query(
                    queries.quantile(q, PREDICTION_DURATION, _STEP, (), *_CHOSEN),
                    f"p{q * 100:.0f}",
                    exemplars=True,
                )
                for q in (0.5, 0.95, 0.99)
            ],
        ),
        lines(
            About("Predictions by version", "Predictions per second.", RATE),
            [_rate_by(queries.selector(PREDICTIONS, "", *_CHOSEN), MODEL_VERSION)],
        ),
        lines(
            About("Errors by type", "Calls per second that raised an exception.", RATE),
            [_rate_by(queries.selector(ERRORS, "", *_CHOSEN), ERROR_TYPE)],
        ),
        lines(
            About("Predictions under way", "Calls that have not returned yet.", COUNT),
            [Query(f"sum by ({MODEL_VERSION.label}) ({active})", _VERSION)],
        ),
    ]


def unsure() -> list[Panel]:
    """
    The predictions to look at one by one.
    """
    chosen = f'{MODEL_NAME.label}="$model", {MODEL_VERSION.label}=~"$version"'.split(", ")
    return [
        records(
            About(
                "Low-confidence events",
                "Predictions below their threshold, the latest first; the trace id opens the "
                "trace.",
            ),
            f'{{{SERVICE_NAME.label}=~".+"}} | {EVENT_NAME.label}="{LOW_CONFIDENCE_RESULT.name}"'
            + "".join(f" | {condition}" for condition in chosen),
        ),
        traces(
            About(
                "Low-confidence spans",
                f"Spans of predictions with a confidence below {LOW_CONFIDENCE}; the Collector "
                "keeps all of them.",
            ),
            f'{{ span.{MODEL_NAME.name} = "$model" && span.{CONFIDENCE.name} < {LOW_CONFIDENCE} }}'
            f" | select(span.{CONFIDENCE.name}, span.{MODEL_VERSION.name})",
        ),
    ]


def _frame(command: str) -> dashboard.Dashboard:
    known = queries.selector(PREDICTIONS, "", _CHOSEN[0])
    return (
        dashboard.Dashboard("Model")
        .uid(MODEL_UID)
        .description(f"How sure a model is and whether it is right to be. Written by `{command}`.")
        .tags(["otel-confidence"])
        .readonly()
        .refresh("10s")
        .time("now-1h", "now")
        .timezone("browser")
        .tooltip(dashboard_model.DashboardCursorSync.CROSSHAIR)
        .with_variable(
            _choice("model", "Model").query(
                f"label_values({queries.selector(PREDICTIONS)}, {MODEL_NAME.label})"
            )
        )
        .with_variable(
            _choice("version", "Version")
            .query(f"label_values({known}, {MODEL_VERSION.label})")
            .multi(True)
            .include_all(True)
            .all_value(".*")
        )
        .with_variable(
            dashboard.IntervalVariable("truth")
            .label("Truth over")
            .values("5m,15m,1h,6h,1d")
            .current(dashboard_model.VariableOption(text="15m", value="15m"))
        )
        .annotation(_alerts())
    )


def _choice(name: str, label: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(PROMETHEUS)
        .refresh(dashboard_model.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(dashboard_model.VariableSort.ALPHABETICAL_ASC)
    )


def _alerts() -> dashboard.AnnotationQuery:
    expression = f'ALERTS{{alertstate="firing", {_CHOSEN[0]}}}'
    return (
        dashboard.AnnotationQuery()
        .name("Alerts")
        .datasource(PROMETHEUS)
        .enable(True)
        .icon_color("red")
        .title_format("{{alertname}}")
        .text_format("{{severity}}")
        .expr(expression)
        .target(prometheus.Dataquery().ref_id("A").datasource(PROMETHEUS).expr(expression))
    )


def _small(title: str, description: str, unit: str) -> About:
    return About(title, description, unit, width=4, height=4)


def _shares(title: str, description: str, attribute: Attribute) -> Panel:
    made = queries.selector(PREDICTIONS, "", *_CHOSEN)
    return lines(About(title, description, RATE), [_rate_by(made, attribute)], stacked=True)


def _rate_by(series: str, attribute: Attribute) -> Query:
    total = queries.total(series, _STEP, (attribute,), function="rate")
    return Query(total, f"{{{{{attribute.label}}}}}")


def _said(measure: str) -> str:
    return f"{measure} {_VERSION}"
