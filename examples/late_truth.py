"""
This module tells the truth in another process than the one that predicted, with receipts in a file.

    python examples/late_truth.py                        # both, one after the other
    python examples/late_truth.py predict receipts.csv
    python examples/late_truth.py truth receipts.csv     # days later, on another machine

Where OTEL_EXPORTER_OTLP_ENDPOINT is set, as ``otel-confidence up`` says, it is sent there.
"""

import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import otel_confidence as oc

# What a customer was predicted to do, and what the customer did in the end.
CUSTOMERS = {
    "c-101": (0.92, "stays", "stays"),
    "c-102": (0.81, "stays", "leaves"),
    "c-103": (0.67, "leaves", "leaves"),
    "c-104": (0.95, "stays", "stays"),
    "c-105": (0.74, "leaves", "stays"),
    "c-106": (0.88, "stays", "stays"),
}


@oc.track_confidence(model="churn", version="1")
def predict(customer: str) -> tuple[str, float]:
    """
    A label and how sure of it: what is returned so needs no declaration.
    """
    confidence, label, _ = CUSTOMERS[customer]
    return label, confidence


def write_receipts(path: Path) -> None:
    """
    Predict, and keep a receipt for each customer.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["customer", "receipt"])
        for customer in CUSTOMERS:
            predict(customer)
            rows.writerow([customer, oc.last_receipt()])
    print(f"{len(CUSTOMERS)} predictions, each with a receipt")


def tell_truths(path: Path) -> None:
    """
    Tell what each customer did; this process has predicted nothing and asks nobody.
    """
    with path.open(newline="", encoding="utf-8") as file:
        receipts = {row["customer"]: row["receipt"] for row in csv.DictReader(file)}
    for customer, receipt in receipts.items():
        oc.record_outcome(receipt, label=CUSTOMERS[customer][2])
    print(
        f"{len(receipts)} truths told, the longest receipt {max(map(len, receipts.values()))} bytes"
    )


def main(arguments: list[str]) -> None:
    """
    Do one part, or each in a process of its own.
    """
    if arguments:
        part, path = arguments
        (write_receipts if part == "predict" else tell_truths)(Path(path))
        return
    with tempfile.TemporaryDirectory() as folder:
        for part in ("predict", "truth"):
            command = [sys.executable, __file__, part, str(Path(folder, "receipts.csv"))]
            subprocess.run(command, check=True)  # noqa: S603  this very file


if __name__ == "__main__":
    if "OTEL_EXPORTER_OTLP_ENDPOINT" in os.environ:
        oc.configure(service_name="example-late-truth")
    main(sys.argv[1:])
