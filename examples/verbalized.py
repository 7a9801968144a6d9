"""
This module tracks a confidence that a language model puts into words.

    python examples/verbalized.py

Words stand for numbers that are declared; what is none of them is counted, never guessed. Where
OTEL_EXPORTER_OTLP_ENDPOINT is set, as ``otel-confidence up`` says, it is sent there.
"""

import json
import os
from typing import Any

import otel_confidence as oc
from otel_confidence.sdk.extract import Verbalized, extractor

DECLARED = Verbalized("confidence", words={"certain": 0.97, "high": 0.85, "low": 0.3})
# Structured output of a model that was asked for {"answer": ..., "confidence": ...}.
REPLIES = {
    "Is 91 prime?": '{"answer": "no", "confidence": "high"}',
    "Is 97 prime?": '{"answer": "yes", "confidence": "Certain."}',
    "Is 1001 prime?": '{"answer": "no", "confidence": "85 %"}',
    "Is 1003 prime?": '{"answer": "yes", "confidence": 40}',
    "Is 2027 prime?": '{"answer": "yes", "confidence": "who knows"}',
}


@oc.track_confidence(
    model="primes", version="recorded", confidence=DECLARED, label="answer", threshold=0.5
)
def ask(question: str) -> Any:
    """
    The model's structured output.
    """
    return json.loads(REPLIES[question])


def main() -> None:
    """
    Ask everything, and show how each statement was read.
    """
    for question in REPLIES:
        answer = ask(question)
        found = extractor(DECLARED)(answer)
        read = f"{found.confidence:.2f}" if found.confidence is not None else str(found.rejected)
        print(f"{question:16} {answer['answer']:4} {answer['confidence']!r:12} {read}")


if __name__ == "__main__":
    if "OTEL_EXPORTER_OTLP_ENDPOINT" in os.environ:
        oc.configure(service_name="example-verbalized")
    main()
