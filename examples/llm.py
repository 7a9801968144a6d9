"""
This module tracks a language model's answers by the log-probabilities of their tokens.

    python examples/llm.py

The reply is recorded in ``llm_reply.json``, in the shape of OpenAI's chat completions, so that no
key is needed; with their client it is an object of the same names, and is read alike. Where
OTEL_EXPORTER_OTLP_ENDPOINT is set, as ``otel-confidence up`` says, it is sent there.
"""

import json
import os
from pathlib import Path
from typing import Any

import otel_confidence as oc
from otel_confidence.sdk.extract import extractor

REPLY = Path(__file__).with_name("llm_reply.json")
TOKENS = "choices[0].logprobs"


@oc.track_confidence(
    model="capitals",
    version="recorded",
    confidence=f"{TOKENS}.mean",
    uncertainty=f"{TOKENS}.entropy",
    label="choices[0].message.content",
    threshold=0.9,
)
def ask(question: str) -> Any:
    """
    The whole reply: ``client.chat.completions.create(..., logprobs=True, top_logprobs=2)``.
    """
    if not question:
        raise ValueError("nothing was asked")
    return json.loads(REPLY.read_text(encoding="utf-8"))


def main() -> None:
    """
    Ask once, and show what each reduction makes of the same tokens.
    """
    reply = ask("What is the capital of Australia?")
    print(reply["choices"][0]["message"]["content"])
    for reduction in ("mean", "min", "joint", "first", "entropy"):
        found = extractor(f"{TOKENS}.{reduction}")(reply)
        print(f"  {reduction:8} {found.confidence:.4f}")


if __name__ == "__main__":
    if "OTEL_EXPORTER_OTLP_ENDPOINT" in os.environ:
        oc.configure(service_name="example-llm")
    main()
