"""This package times PromQL over the store beside a real Prometheus with the same samples."""
