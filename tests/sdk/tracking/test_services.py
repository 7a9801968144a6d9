"""This module checks tracked functions inside web services that strangers send requests to."""

import os
import random
import string
from collections.abc import Callable

import flask
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

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
