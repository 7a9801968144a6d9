"""This module checks tracked functions inside web services that strangers send requests to."""

import os
import random
import string
from collections.abc import Callable
from typing import Any

import flask
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.documents import ROOT, blocks

from otel_confidence import conventions as c
from otel_confidence.testing import Capture

REQUESTS = int(os.environ.get("REQUESTS", "500"))
"""How many requests each service gets; ``REQUESTS=10000`` is the long run."""
Predict = Callable[[], dict[str, float]]


def _fastapi(predict: Predict) -> Callable[[str, str, dict[str, str]], int]:
    app = FastAPI()
    app.api_route("/{path:path}", methods=["GET", "POST", "PUT", "DELETE"])(predict)
    client = TestClient(app)
    return lambda method, path, headers: client.request(method, path, headers=headers).status_code


def _flask(predict: Predict) -> Callable[[str, str, dict[str, str]], int]:
    app = flask.Flask("service")
    methods = ["GET", "POST", "PUT", "DELETE"]
    app.add_url_rule("/<path:path>", view_func=lambda **_: predict(), methods=methods)
    client = app.test_client()
    return lambda method, path, headers: (
        client.open(path, method=method, headers=headers).status_code
    )


@pytest.mark.parametrize("service", [_fastapi, _flask], ids=["FastAPI", "Flask"])
def test_requests_of_strangers_make_no_series(
    service: Callable[[Predict], Callable[[str, str, dict[str, str]], int]], telemetry: Capture
) -> None:
    """
    Random hosts, methods, paths and user agents leave as many series as one request does.
    """
    draw = random.Random(0)

    @telemetry.track_confidence(model="m", confidence="confidence", threshold=0.5)
    def predict() -> dict[str, float]:
        return {"confidence": 0.9}

    def word() -> str:
        return "".join(draw.choices(string.ascii_lowercase, k=12))

    def series() -> int:
        return sum(len(telemetry.points(metric.name)) for metric in c.METRICS)

    request = service(predict)
    statuses = {request("GET", "/first", {})}
    after_one = series()
    for _ in range(REQUESTS):
        method = draw.choice(["GET", "POST", "PUT", "DELETE"])
        headers = {"Host": f"{word()}.example", "User-Agent": word()}
        statuses.add(request(method, f"/{word()}", headers))

    assert {200} == statuses
    assert 1 + REQUESTS == telemetry.value("ml.predictions")
    assert after_one == series()


def shown() -> dict[str, Any]:
    """
    What the page about web services defines, apart from configuring.
    """
    code = "\n".join(block.code for block in blocks(ROOT / "docs/how-to/web.md"))
    names: dict[str, Any] = {"__name__": "page"}
    exec(code.replace('oc.configure(service_name="shop")', "pass"), names)
    return names


def test_the_test_of_the_page_passes(telemetry: Capture) -> None:
    """
    What the page about web services shows as a test is one, over its application of FastAPI.
    """
    shown()["test_a_truth_comes_back"](telemetry)

    assert 1 == telemetry.value("ml.predictions")


def test_flask_takes_the_truth_as_the_page_shows(telemetry: Capture) -> None:
    """
    The page's application of Flask gives out a receipt and takes it back with the truth.
    """
    page = shown()

    assert 204 == page["ask"](page["create_app"]().test_client(), text="fine", label="positive")
    assert 1 == telemetry.value("ml.prediction.outcomes", ml_prediction_outcome="correct")
