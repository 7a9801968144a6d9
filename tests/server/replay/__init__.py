"""This package asks a real Prometheus and this server the same, as Grafana and other clients do."""
