"""
This module holds the panels on feedback, use, learning and optimization.
"""

from typing import Final

from otel_confidence import expressions
from otel_confidence.conventions import (
    ACTION,
    ACTION_RESULT,
    COMPONENT,
    COMPONENT_ACTION_DURATION,
    COMPONENT_ACTIONS,
    ERROR_RECOVERIES,
    ERROR_SEVERITY,
    ERRORS,
    FEEDBACK_RESPONSES,
    FEEDBACK_SCORES,
    FEEDBACK_SOURCE,
    FEEDBACK_TYPE,
    LEARNING_ACCURACY,
    LEARNING_CONFIDENCE,
    LEARNING_IMPROVEMENT,
    LEARNING_SAMPLES,
    LEARNING_TYPE,
    OPTIMIZATION_AFTER,
    OPTIMIZATION_BEFORE,
    OPTIMIZATION_CATEGORY,
    OPTIMIZATION_CHANGE,
    OPTIMIZATION_USER_IMPACT,
    PERFORMANCE_BOUND,
    PERFORMANCE_ESTIMATED,
    PERFORMANCE_METRIC,
    PERFORMANCE_VALUE,
    RECOVERY_SUCCESS,
    RESOURCE_NAME,
    RESOURCE_TYPE,
    RESOURCE_UTILIZATION,
    SERVICE_NAME,
    Attribute,
    Metric,
)
from otel_confidence.expressions import LE, PER_MODEL
from otel_confidence.generate import frames
from otel_confidence.generate.boards.choices import (
    CHOSEN,
    FAILING,
    PLAIN,
    RANGE,
    STEP,
    TRUTH,
    Sections,
    rate_by,
    small,
)
from otel_confidence.generate.panels import (
    COUNT,
    RATE,
    SCORE,
    SECONDS,
    SHARE,
    About,
    Panel,
    Query,
    buckets,
    lines,
    number,
)
from otel_confidence.generate.tables import Column, compared

_USED: Final = (f'{COMPONENT.label}=~"$component"', f'{SERVICE_NAME.label}=~"$service"')
"""What the variables choose of what belongs to a part of a program and to no model."""


def variables() -> list[frames.Variable]:
    """
    The model, its versions, the services, their parts, and how far to look back for judgements.
    """
    parts = expressions.selector(COMPONENT_ACTIONS)
    return [
        *frames.of_model(),
        frames.choice("component", "Component", parts, COMPONENT.label),
        frames.truth(),
    ]


def sections() -> Sections:
    """
    Titles of the dashboard's rows with their panels.
    """
    return [
        ("What people think of the model", [*summary(), *feedback()]),
        ("How parts of the program are used", usage()),
        ("Learning", learning()),
        ("Optimizations", [optimizations(), *impact()]),
        ("Performance that programs reported", performance()),
        ("Errors and resources", errors()),
    ]


def summary() -> list[Panel]:
    """
    Four numbers on judgements and use.
    """
    answers = expressions.selector(FEEDBACK_RESPONSES, "", *CHOSEN)
    used = expressions.selector(COMPONENT_ACTIONS, "", *_USED)
    mean = expressions.mean(FEEDBACK_SCORES, RANGE, PER_MODEL, *CHOSEN)
    failed = f'{ACTION_RESULT.label}="{ACTION_RESULT.values[1]}"'
    broken = expressions.share_of(COMPONENT_ACTIONS, failed, RANGE, (), among=", ".join(_USED))
    return [
        number(small("Judgements", FEEDBACK_RESPONSES.about, COUNT, width=6),
               expressions.total(answers, RANGE, PER_MODEL), PLAIN),
        number(small("Mean judgement", FEEDBACK_SCORES.about, SHARE, width=6), mean, PLAIN),
        number(small("Actions", COMPONENT_ACTIONS.about, COUNT, width=6),
               expressions.total(used, RANGE, ()), PLAIN),
        number(small("Failed actions", "Share of the actions that failed.", SHARE, width=6),
               broken, FAILING),
    ]  # fmt: skip


def feedback() -> list[Panel]:
    """
    Judgements over time, by what was judged and by whom.
    """
    scores = expressions.selector(FEEDBACK_SCORES, "bucket", *CHOSEN)
    mean = expressions.mean(FEEDBACK_SCORES, TRUTH, (FEEDBACK_TYPE,), *CHOSEN)
    return [
        lines(
            About("Judgements by what was judged", "Their mean over the chosen window.", SHARE,
                  width=8),
            [Query(mean, _legend(FEEDBACK_TYPE))],
            bounds=(0, 1),
        ),
        buckets(
            About("Judgements, distribution", "Judgements per second; a row is named by its upper "
                  "edge.", RATE, width=8),
            expressions.total(scores, STEP, (), function="rate", also=LE),
        ),
        lines(
            About("Judgements by who judged", FEEDBACK_RESPONSES.about, RATE, width=8),
            [rate_by(FEEDBACK_RESPONSES, FEEDBACK_SOURCE, *CHOSEN)],
        ),
    ]  # fmt: skip


def usage() -> list[Panel]:
    """
    What people did with the parts of the program.
    """
    by = (COMPONENT, ACTION)
    series = expressions.selector(COMPONENT_ACTIONS, "", *_USED)
    slow = expressions.quantile(0.95, COMPONENT_ACTION_DURATION, TRUTH, by, *_USED)
    return [
        lines(
            About("Actions by component", COMPONENT_ACTIONS.about, RATE, width=8),
            [Query(expressions.total(series, STEP, by, function="rate"), _legend(*by))],
        ),
        lines(
            About("Results", "Share of the actions by how they ended.", RATE, width=8),
            [rate_by(COMPONENT_ACTIONS, ACTION_RESULT, *_USED)],
            stacked=True,
        ),
        lines(
            About("Action duration p95", "95 of 100 actions were faster.", SECONDS, width=8),
            [Query(slow, _legend(*by), exemplars=True)],
        ),
    ]


def learning() -> list[Panel]:
    """
    What the parts of the program learnt.
    """
    by = (COMPONENT, LEARNING_TYPE)
    learnt = expressions.selector(LEARNING_SAMPLES, "", *_USED)
    return [
        _gauge("Accuracy reached", LEARNING_ACCURACY, SHARE, by, *_USED),
        _gauge("Confidence reached", LEARNING_CONFIDENCE, SHARE, by, *_USED),
        _gauge("Accuracy gained", LEARNING_IMPROVEMENT, SHARE, by, *_USED),
        lines(
            About("Samples learnt from", LEARNING_SAMPLES.about, RATE, width=6),
            [Query(expressions.total(learnt, STEP, by, function="rate"), _legend(*by))],
        ),
    ]


def optimizations() -> Panel:
    """
    The latest optimization of each part and category.
    """
    names = {COMPONENT.label: "Component", OPTIMIZATION_CATEGORY.label: "Category"}
    by = (COMPONENT, OPTIMIZATION_CATEGORY)
    about = About(
        "Optimizations",
        "The measure before and after the latest optimization of each component and category, and "
        "what users noticed, from -1 to 1.",
        width=24,
        height=6,
    )
    return compared(
        about,
        names,
        [
            Column("Before", _latest(OPTIMIZATION_BEFORE, by, *_USED)),
            Column("After", _latest(OPTIMIZATION_AFTER, by, *_USED)),
            Column("Change", _latest(OPTIMIZATION_CHANGE, by, *_USED), SHARE),
            Column("User impact", _latest(OPTIMIZATION_USER_IMPACT, by, *_USED)),
        ],
    )


def impact() -> list[Panel]:
    """
    What optimizations brought, over time.
    """
    by = (COMPONENT, OPTIMIZATION_CATEGORY)
    return [
        _gauge("Change over time", OPTIMIZATION_CHANGE, SHARE, by, *_USED, width=12),
        _gauge("User impact", OPTIMIZATION_USER_IMPACT, SCORE, by, *_USED, width=12),
    ]


def performance() -> list[Panel]:
    """
    Measures that programs computed by themselves, with the truth and without.
    """
    estimated = (PERFORMANCE_METRIC, PERFORMANCE_BOUND)
    return [
        _gauge("Measured", PERFORMANCE_VALUE, SCORE, (PERFORMANCE_METRIC,), *CHOSEN, width=12),
        _gauge("Estimated", PERFORMANCE_ESTIMATED, SCORE, estimated, *CHOSEN, width=12),
    ]


def errors() -> list[Panel]:
    """
    Errors of the parts, whether they recovered, and what the machine has left.
    """
    by = (RESOURCE_TYPE, RESOURCE_NAME)
    return [
        lines(
            About("Errors by severity", f"{ERRORS.about} Per second, of the model's service.", RATE,
                  width=8),
            [rate_by(ERRORS, ERROR_SEVERITY, _USED[1])],
        ),
        lines(
            About("Recoveries", f"{ERROR_RECOVERIES.about} By whether they succeeded.", RATE,
                  width=8),
            [rate_by(ERROR_RECOVERIES, RECOVERY_SUCCESS, _USED[1])],
        ),
        _gauge("Resources", RESOURCE_UTILIZATION, SHARE, by, _USED[1], width=8),
    ]  # fmt: skip


def _gauge(
    title: str,
    metric: Metric,
    unit: str,
    by: tuple[Attribute, ...],
    *conditions: str,
    width: int = 6,
) -> Panel:
    about = About(title, metric.about, unit, width=width)
    return lines(about, [Query(_latest(metric, by, *conditions), _legend(*by))])


def _latest(metric: Metric, by: tuple[Attribute, ...], *conditions: str) -> str:
    """
    A gauge that every replica reports alike.
    """
    labels = ", ".join(attribute.label for attribute in by)
    return f"avg by ({labels}) ({expressions.selector(metric, '', *conditions)})"


def _legend(*by: Attribute) -> str:
    return " ".join(f"{{{{{attribute.label}}}}}" for attribute in by)
