"""This module checks how files written for containers are made to hold natively."""

from pathlib import Path

import pytest
import yaml
from tools.stack import StackError, compose
from tools.stack.rendering import Translation, render

COMPOSE = """
services:
  prometheus:
    image: prom/prometheus:1.0.0
    volumes: ["./prometheus:/etc/prometheus:ro", "data:/prometheus"]
    secrets: [token]
    ports: ["127.0.0.1:9090:9090"]
  loki: {image: "grafana/loki:1.0.0", expose: ["3100"]}
  grafana: {image: "grafana/grafana:1.0.0", ports: ["127.0.0.1:3000:3000"]}
secrets: {token: {file: ./secrets/token}}
"""
ADDRESSES = {"prometheus": "127.0.9.2", "loki": "127.0.9.3", "grafana": "127.0.9.4"}


@pytest.fixture
def translation(tmp_path: Path) -> Translation:
    path = tmp_path / "docker-compose.yml"
    path.write_text(COMPOSE)
    (tmp_path / "prometheus").mkdir()
    service = compose.read([path], {}).services["prometheus"]
    return Translation(service, tmp_path / "run", ADDRESSES, {3000: "127.0.9.4:3000"})


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (
            "--config.file=/etc/prometheus/prometheus.yml",
            "--config.file={}/etc/prometheus/prometheus.yml",
        ),
        ("--storage.tsdb.path=/prometheus", "--storage.tsdb.path={}/prometheus"),
        ("/etc/prometheus-other/x", "/etc/prometheus-other/x"),
        ("${env:Q:-/prometheus/queue}", "${{env:Q:-{}/prometheus/queue}}"),
        ("otlp_http/prometheus:", "otlp_http/prometheus:"),
        ("http://prometheus:9090/api/v1/otlp", "http://127.0.9.2:9090/api/v1/otlp"),
        ("[loki:3100, promtail-loki:1]", "[127.0.9.3:3100, promtail-loki:1]"),
        ("prometheus: {host: 0.0.0.0, port: 8888}", "prometheus: {{host: 127.0.9.2, port: 8888}}"),
        ("10.0.0.0 and 0.0.0.0.1", "10.0.0.0 and 0.0.0.0.1"),
        ("http://localhost:9090/-/ready", "http://127.0.9.2:9090/-/ready"),
        ("http://localhost:3000/d/fleet", "http://127.0.9.4:3000/d/fleet"),
        ("localhost", "127.0.9.2"),
        ("token_file: /run/secrets/token", "token_file: {}/run/secrets/token"),
    ],
)
def test_words_are_translated(translation: Translation, written: str, meant: str) -> None:
    """
    Paths lead into the run's folder, names to addresses; what only resembles them stays.
    """
    assert meant.format(translation.folder) == translation(written)


def test_copies_are_translated_overridden_and_pruned(translation: Translation) -> None:
    """
    A mounted file is copied with its addresses, without absent services, with other settings.

    Those that hold natively stay as they are.
    """
    source = translation.service.mounts[0].source
    assert source
    (source / "prometheus.yml").write_text(
        "global: {scrape_interval: 15s}\n"
        "scrape_configs: [{targets: [localhost:9090, tempo:3200, loki:3100]}]\n"
        "groups: [{rules: [{record: a}, {alert: b, for: 5m}]}]\n"
    )
    (source / "image.png").write_bytes(b"\x89PNG localhost:9090")
    render(
        translation,
        secrets={"token": "x"},
        absent=["tempo"],
        overrides={
            "/etc/prometheus/prometheus.yml": {
                "global.scrape_interval": "1s", "groups.*.rules.*.for": "0s",
                "+global.new": "127.0.0.1",
            }
        },
        settings={"/etc/prometheus/prometheus.yml": {"+global.kept": "127.0.0.1"}},
    )  # fmt: skip
    copy = translation.path("/etc/prometheus/prometheus.yml")

    assert {
        "global": {"scrape_interval": "1s", "new": "127.0.9.2", "kept": "127.0.0.1"},
        "scrape_configs": [{"targets": ["127.0.9.2:9090", "127.0.9.3:3100"]}],
        "groups": [{"rules": [{"record": "a"}, {"alert": "b", "for": "0s"}]}],
    } == yaml.safe_load(copy.read_text())
    assert b"\x89PNG localhost:9090" == copy.with_name("image.png").read_bytes()
    assert "x" == translation.path("/run/secrets/token").read_text()
    assert translation.path("/prometheus").is_dir()


def test_an_override_of_nothing_is_refused(translation: Translation) -> None:
    """
    A setting that is not there cannot be overridden by mistake.
    """
    source = translation.service.mounts[0].source
    assert source
    (source / "prometheus.yml").write_text("global: {scrape_interval: 15s}\n")

    with pytest.raises(StackError, match=r"has no setting global\.scrape to override"):
        render(
            translation,
            secrets={"token": "x"},
            absent=[],
            overrides={"/etc/prometheus/prometheus.yml": {"global.scrape": "1s"}},
        )


def test_a_mount_of_nothing_is_refused(translation: Translation) -> None:
    """
    A mounted path that does not exist is an error, not an empty folder as Docker makes it.
    """
    source = translation.service.mounts[0].source
    assert source
    source.rmdir()

    with pytest.raises(StackError, match=r"mounts .*prometheus, which does not exist"):
        render(translation, secrets={}, absent=[], overrides={})
