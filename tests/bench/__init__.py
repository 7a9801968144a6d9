"""This module makes the benchmarks a package: ``python -m tests.bench`` runs them."""
