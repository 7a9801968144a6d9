"""
This module is the service under observation: a FastAPI application around a small neural network.

Run it by itself with ``uvicorn --factory examples.digits.service:create_app``.
"""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel, Field
from sklearn.neural_network import MLPClassifier

import otel_confidence as oc
from examples.digits import images

Classify = Callable[[list[float]], dict[str, Any]]


class Image(BaseModel):
    """
    One image to classify.
    """

    pixels: list[float] = Field(min_length=64, max_length=64)


class Truth(BaseModel):
    """
    The digit that an image really showed.
    """

    receipt: str
    label: int


def create_app() -> FastAPI:
    """
    The application; its model is trained when it starts.
    """
    app = FastAPI(title="digits", lifespan=_lifespan)

    @app.post("/classify")
    def classify(image: Image) -> dict[str, Any]:
        answer: dict[str, Any] = app.state.classify(image.pixels)
        return answer | {"receipt": oc.last_receipt()}

    @app.post("/truth")
    def truth(truth: Truth) -> None:
        oc.record_outcome(truth.receipt, label=truth.label)

    @app.get("/ready")
    def ready() -> dict[str, float]:
        return {"accuracy": app.state.accuracy}

    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    oc.configure(service_name="digits")
    model, app.state.accuracy = train()
    app.state.classify = tracked(model)
    yield
    oc.shutdown()


def train() -> tuple[MLPClassifier, float]:
    """
    A network of 64 hidden units and its accuracy on the held-out images.
    """
    trained, held_out = images.split()
    model = MLPClassifier((64,), learning_rate_init=0.003, max_iter=300, random_state=0)
    model.fit(trained.pixels / 16, trained.labels)
    return model, float(model.score(held_out.pixels / 16, held_out.labels))


def normal(model: MLPClassifier) -> oc.Reference:
    """
    How ink and confidence are distributed over the held-out images, intact.
    """
    _, held_out = images.split()
    proba = model.predict_proba(held_out.pixels / 16)
    return oc.Reference.from_data(
        features=images.features(held_out.pixels),
        confidences=proba.max(axis=1),
        labels=proba.argmax(axis=1),
    )


def tracked(model: MLPClassifier) -> Classify:
    """
    The predicting function, its confidence on record and its input compared with what is normal.
    """

    @oc.track_confidence(
        model="digits",
        version="1",
        confidence="proba.max",
        label="label",
        threshold=0.7,
        reference=normal(model),
        features=images.features,
    )
    def classify(pixels: list[float]) -> dict[str, Any]:
        proba = model.predict_proba(np.array([pixels]) / 16)[0]
        time.sleep(0.002)  # a forward pass of a larger network
        return {"label": int(proba.argmax()), "proba": proba.tolist()}

    return classify
