"""
This module makes a past in which alerts fired, were silenced, and budgets burned.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml
from tests.alerting.storing import MemoryStore
from tests.model_history import History

from otel_confidence.alerting.evaluator import Evaluator
from otel_confidence.alerting.groups import Surroundings
from otel_confidence.alerting.notifying.book import Book
from otel_confidence.alerting.notifying.channels import channel_of
from otel_confidence.alerting.notifying.notifier import Inhibition, Notifier
from otel_confidence.alerting.notifying.routes import Pace
from otel_confidence.alerting.rulefiles import read_text
from otel_confidence.alerting.service import Alerting, Listeners
from otel_confidence.generate import slos
from otel_confidence.objectives import read_text as read_objectives

HOSTILE = "<script>window.attacked=1</script><img src=x onerror=window.attacked=1>"
OBJECTIVES = """
objectives:
  - {name: accuracy, kind: accuracy, model: digits, target: 90%, min_events: 20, window: 28d}
  - {name: availability, kind: availability, model: digits, target: 99%, window: 7d}
"""
RULES = """
groups:
  - name: digits
    interval: 1m
    rules:
      - record: digits:predictions:rate5m
        expr: sum by (ml_model_name) (rate(ml_predictions_total[5m]))
      - alert: ModelIsBusy
        expr: digits:predictions:rate5m > 0.1
        labels: {severity: critical, team: vision}
        annotations:
          summary: '{{ $labels.ml_model_name }} makes {{ $value | humanize }} predictions a second'
          description: Nothing is wrong with that.
          runbook_url: https://runbooks.example.org/busy
          dashboard_url: '{{ externalURL }}/models/?name={{ $labels.ml_model_name | urlquery }}'
      - alert: ModelStaysBusy
        expr: digits:predictions:rate5m > 0.1
        for: 10h
        labels: {severity: warning}
        annotations: {summary: HOSTILE, runbook_url: 'javascript:window.attacked=1'}
      - alert: ModelWasBusyOnce
        expr: digits:predictions:rate5m > 0.1 and on () vector(time()) % 600 < 300
        labels: {severity: info}
      - record: digits:broken
        expr: ml_predictions_total * on (ml_model_name) group_left () {__name__=~"ml_calib.*"}
""".replace("HOSTILE", repr(HOSTILE))


class WatchedStore(MemoryStore):
    """
    Series in memory, without any event or span.
    """

    def sql(self, statement: str, parameters: Mapping[str, Any]) -> pa.Table:
        """
        No rows.
        """
        assert statement
        assert parameters
        return pa.table({})


@contextmanager
def watched(
    folder: Path,
    now: float,
    *,
    minutes: int = 30,
    notify: Sequence[str] = (),
    inhibitions: Sequence[Inhibition] = (),
) -> Iterator[tuple[WatchedStore, Alerting]]:
    """
    A store and the alerting over it, after so many minutes.

    Args:
        folder: Where the book of alerts is kept.
        now: The end of the past, epoch seconds.
        minutes: How long rules were evaluated.
        notify: Channels.
        inhibitions: Alerts that make others not worth telling.
    """
    began = now - 60 * minutes
    store = WatchedStore()
    wrong = History(
        "digits", began, now, per_second=1, report_s=30, failing=0.004,
        rightness=lambda t: np.where(t > 0.6 * 60 * minutes, 0.3, 0.97),
    )  # fmt: skip
    store.write(wrong.batch())
    promised = slos.rule_file(read_objectives(OBJECTIVES))
    groups = [
        *read_text(RULES, "rules/digits.yml"),
        *read_text(yaml.safe_dump(promised), "otel-confidence.yaml"),
    ]
    with ExitStack() as stack:
        book = Book.open(folder / "alerts.sqlite")
        stack.callback(book.close)
        channels = [channel_of(each) for each in notify]
        pace = Pace(wait_ms=0)
        notifier = Notifier(
            book, channels, now_ms=int(began * 1000), pace=pace, inhibitions=inhibitions
        )
        listeners = Listeners(notifier)
        shared = Surroundings(store, tell=listeners.tell, external_url="http://127.0.0.1:8050")
        evaluator = Evaluator(groups, shared, now_ms=int(began * 1000), restored=True)
        evaluator.advance(int(now * 1000))
        for desk, channel in notifier.desks:
            notifier.deliver(desk, channel, int(now * 1000))
        yield store, Alerting(evaluator, listeners)
