"""
This module checks how a Collector's files are read, whatever they hold.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import yaml
from tests.collector.configurations import GOOD, found

from otel_confidence.collector import check
from otel_confidence.conventions import EVENT_NAME, METRICS


def line_of(text: str, part: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), 1) if part in line)


def test_a_whole_configuration_has_no_fault(tmp_path: Path) -> None:
    """
    Nothing is found where everything is as it should be.
    """
    assert [] == found(tmp_path, GOOD)


def test_lines_are_those_of_the_file_that_said_it_last(tmp_path: Path) -> None:
    """
    What an overlay changed is told with the overlay's file and line, the rest with the base's.
    """
    overlay = "service:\n  pipelines:\n    logs:\n      processors: [transform, redaction]\n"
    clash = "exporters:\n  otlp_http/loki: {retry_on_failure: {max_elapsed_time: 9s}}\n"
    told = {f.path: (Path(f.file).name, f.line) for f in found(tmp_path, GOOD, overlay + clash)}
    of_logs = line_of(GOOD, "processors: [memory_limiter, transform") - 1

    assert {
        "service.pipelines.logs": ("0.yaml", of_logs),
        "exporters.otlp_http/loki.retry_on_failure.max_elapsed_time": ("1.yaml", 6),
    } == told


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("receivers: [\n", "no YAML"),
        ("- receivers\n", "is no mapping"),
        ("service: {}\nservice: {}\n", "is given twice"),
        ("service: {}\n", "there is no pipeline"),
    ],
    ids=["no YAML", "a list", "a key twice", "no pipelines"],
)
def test_a_file_that_is_none_is_told_of(tmp_path: Path, text: str, message: str) -> None:
    """
    What cannot be read, or holds nothing to check, is one error.
    """
    (told,) = found(tmp_path, text)

    assert "error" == told.level
    assert message in told.message


def test_a_missing_file_is_told_of(tmp_path: Path) -> None:
    """
    A file that does not exist is an error of its own.
    """
    (told,) = check([tmp_path / "absent.yaml"], {})

    assert "cannot be read: No such file or directory" == told.message


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    """
    The seam for one's own settings may hold comments only.
    """
    assert [] == found(tmp_path, GOOD, "# nothing yet\n")


def nodes(tree: object, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    """
    The way to every value of a document.
    """
    below: Iterable[tuple[str | int, object]] = ()
    if isinstance(tree, dict):
        below = tree.items()
    elif isinstance(tree, list):
        below = enumerate(tree)
    for key, value in below:
        yield (*path, key)
        yield from nodes(value, *path, key)


RICH = (
    GOOD.replace(
        "  delta_to_cumulative:\n",
        """\
  delta_to_cumulative:
  batch: {timeout: 1s}
  attributes: {actions: [{key: ml.model.name, action: delete}]}
  probabilistic_sampler: {sampling_percentage: 10}
  filter:
    metrics:
      metric: ['name == "a"']
      exclude: {match_type: regexp, metric_names: [a]}
    metric_conditions: [{context: metric, conditions: ['IsMatch(name, "a")']}]
    log_conditions: [severity_number < SEVERITY_NUMBER_WARN]
""",
    )
    .replace("    policies:\n", """\
    policies:
      - {name: n, type: numeric_attribute, numeric_attribute: {key: ml.prediction.confidence}}
      - {name: s, type: string_attribute, string_attribute: {key: a, values: [low]}}
      - {name: p, type: probabilistic, probabilistic: {sampling_percentage: 100}}
      - {name: a, type: and, and: {and_sub_policy: [{name: b, type: always_sample}]}}
      - {name: d, type: drop, drop: {drop_sub_policy: [{name: b, type: always_sample}]}}
""")
    .replace("[memory_limiter, ", "[memory_limiter, filter, attributes, batch, ")
    .replace("[tail_sampling]", "[probabilistic_sampler, tail_sampling]")
    .replace("  statsd:\n", "  jaeger: {protocols: {grpc: {endpoint: 'a:1'}}}\n  statsd:\n")
    .replace("otlp, statsd", "otlp, jaeger, statsd")
)  # fmt: skip
"""With a component of each kind that is looked into."""


def test_any_value_in_any_place_is_survived(tmp_path: Path) -> None:
    """
    Whatever stands where something else belongs, the check says what it finds and never fails.
    """
    odd: tuple[object, ...] = (
        None,
        "x",
        3,
        [],
        {},
        [None],
        [[1]],
        {"a": {"b": None}},
        "${env:",
        "${env:A}:${}",
    )
    file = tmp_path / "odd.yaml"
    ways = list(nodes(yaml.safe_load(RICH)))[::2]
    for number, (*way, last) in enumerate(ways):
        place = whole = yaml.safe_load(RICH)
        for key in way:
            place = place[key]
        place[last] = odd[number % len(odd)]
        file.write_text(yaml.safe_dump(whole))
        check([file], {})

    assert len(ways) > 80


def test_the_check_speaks_of_names_that_exist() -> None:
    """
    The names in this module's cases are those of the table of signals.
    """
    assert "event.name" == EVENT_NAME.name
    assert "ml.prediction.confidence" == next(m.name for m in METRICS if m.kind == "histogram")
