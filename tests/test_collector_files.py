"""
This module checks the Collector's files as it reads them: each laid over those before it.
"""

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from otel_confidence.conventions import ATTRIBUTES, METRICS

FOLDER = Path(__file__).parent.parent / "collector"
STACKS = {
    "gateway": ("gateway", "extras"),
    "secure gateway": ("gateway", "secure", "extras"),
    "scaled gateway": ("gateway", "scale", "extras"),
    "watched gateway": ("gateway", "debug", "extras"),
    "secure and scaled gateway": ("gateway", "secure", "scale"),
    "agent": ("agent", "extras"),
    "secure agent": ("agent", "agent-secure", "extras"),
}
CONTRIB_ONLY = {"awss3"}
"""Types of components that the contrib image has and our small distribution has not."""
UNUSED = {
    "fileexporter": "tests read what leaves a Collector",
    "prometheusexporter": "tests compare its names with those of Prometheus's own OTLP door",
}
"""Modules of the small distribution that no file uses, and why they are there."""
TYPES = {
    "bearertokenauth": "bearertokenauthextension",
    "health_check": "healthcheckextension",
    "file_storage": "filestorage",
    "otlp_grpc": "otlpexporter",
    "otlp_http": "otlphttpexporter",
    "otlp": "otlpreceiver",
}
"""The modules of types whose names do not tell."""


def merged(*names: str) -> dict[str, Any]:
    """
    Files laid over each other as the Collector does: maps merged, everything else replaced.
    """
    whole: dict[str, Any] = {}
    for name in names:
        lay(yaml.safe_load((FOLDER / f"{name}.yaml").read_text()), whole)
    return whole


def lay(over: dict[str, Any], base: dict[str, Any]) -> None:
    for key, value in over.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            lay(value, base[key])
        else:
            base[key] = deepcopy(value)


def kinds(whole: dict[str, Any]) -> set[str]:
    """
    The types of all components that are configured.
    """
    rooms = ("extensions", "receivers", "processors", "connectors", "exporters")

    return {name.partition("/")[0] for room in rooms for name in whole.get(room) or {}}


@pytest.mark.parametrize("names", STACKS.values(), ids=STACKS)
def test_pipelines_use_what_is_configured_and_all_of_it(names: tuple[str, ...]) -> None:
    """
    Whatever is laid over a file, pipelines use what is configured, and all of it.
    """
    whole = merged(*names)
    used: dict[str, set[str]] = {"receivers": set(), "processors": set(), "exporters": set()}
    for pipeline in whole["service"]["pipelines"].values():
        for room, components in pipeline.items():
            used[room] |= set(components)
    connectors = set(whole.get("connectors") or {})

    assert set(whole["receivers"]) == used["receivers"] - connectors
    assert set(whole["exporters"]) == used["exporters"] - connectors
    assert set(whole["processors"]) == used["processors"]
    assert connectors <= used["receivers"] & used["exporters"]
    assert set(whole["extensions"]) == set(whole["service"]["extensions"])


@pytest.mark.parametrize("overlay", ["secure", "scale", "debug"])
def test_an_overlay_of_the_gateway_takes_nothing_away(overlay: str) -> None:
    """
    The lists that an overlay replaces hold what they held, and more behind it.
    """
    base, whole = merged("gateway"), merged("gateway", overlay)
    before, after = base["service"]["pipelines"], whole["service"]["pipelines"]
    shortened = [
        (name, room)
        for name, pipeline in before.items()
        for room, components in pipeline.items()
        if after[name][room][: len(components)] != components
    ]
    extensions = base["service"]["extensions"]

    assert [] == shortened
    assert extensions == whole["service"]["extensions"][: len(extensions)]


def test_extras_change_nothing() -> None:
    """
    The file for one's own is empty.
    """
    assert merged("gateway") == merged("gateway", "extras")


def test_only_scale_needs_the_contrib_image() -> None:
    """
    Every file but one is made of what the small distribution has; that one says what it needs.
    """
    small, whole = kinds(merged("gateway", "secure", "debug")), kinds(merged("gateway", "scale"))

    assert set() == small & CONTRIB_ONLY
    assert CONTRIB_ONLY == whole & CONTRIB_ONLY
    assert whole - CONTRIB_ONLY - small == {"batch", "clickhouse", "interval"}


def test_the_small_distribution_has_just_what_the_files_use() -> None:
    """
    Each module of the manifest is one that a file uses, or has a reason of its own.
    """
    manifest = yaml.safe_load((FOLDER / "builder.yaml").read_text())
    rooms = ("extensions", "receivers", "processors", "connectors", "exporters")
    found = {
        re.split(r"[/ ]", each["gomod"])[-2] for room in rooms for each in manifest[room]
    }  # fmt: skip
    used = {
        modules_of(kind, room)
        for names in STACKS.values()
        for room in rooms
        for kind in kinds({room: merged(*names).get(room)}) - CONTRIB_ONLY
    }

    assert found == used | set(UNUSED)


def modules_of(kind: str, room: str) -> str:
    """
    The Go module of a type of component.
    """
    return TYPES.get(kind, f"{kind.replace('_', '')}{room[:-1]}")


@pytest.mark.parametrize("names", STACKS.values(), ids=STACKS)
def test_exporters_keep_on_disk(names: tuple[str, ...]) -> None:
    """
    Whatever leaves by the network waits in a queue on disk, the same for every tier.
    """
    whole = merged(*names)
    remote = {n: e for n, e in whole["exporters"].items() if n.partition("/")[0] != "debug"}
    stores = {e["sending_queue"]["storage"] for e in remote.values()}
    given_up = [
        name
        for name, each in remote.items()
        if each["retry_on_failure"]["max_elapsed_time"] != "0s"
    ]

    assert stores <= set(whole["service"]["extensions"])
    assert [] == given_up


def test_agent_and_gateway_treat_statsd_alike() -> None:
    """
    The edges of StatsD's histograms are the same wherever it arrives.
    """
    agent, gateway = merged("agent")["receivers"], merged("gateway")["receivers"]
    mapping = "timer_histogram_mapping"

    assert gateway["statsd"][mapping] == agent["statsd"][mapping]


def test_the_agent_keeps_traces_whole_and_fits_the_gateways_door() -> None:
    """
    Traces are routed by their id, and no batch is larger than what a gateway takes at once.
    """
    agent, gateway = merged("agent"), merged("gateway")
    door = gateway["receivers"]["otlp"]["protocols"]["grpc"]["max_recv_msg_size_mib"] * 2**20
    balanced, direct = (
        agent["exporters"][n] for n in ("load_balancing/traces", "otlp_grpc/gateway")
    )
    batches = [each["sending_queue"]["batch"] for each in (balanced, direct)]

    assert "traceID" == balanced["routing_key"]
    assert "5s" == balanced["retry_on_failure"]["initial_interval"]
    assert ["load_balancing/traces"] == agent["service"]["pipelines"]["traces"]["exporters"]
    assert {"bytes"} == {each["sizer"] for each in batches}
    assert all(each["max_size"] < door for each in batches)


def test_the_secure_gateway_opens_no_door_without_a_lock() -> None:
    """
    Every door that other hosts reach asks for the token and is encrypted; StatsD is out of reach.
    """
    receivers = merged("gateway", "secure")["receivers"]
    doors = receivers["otlp"]["protocols"].values()

    assert [{"authenticator": "bearertokenauth"}] * 2 == [door["auth"] for door in doors]
    assert all({"cert_file", "key_file"} <= set(door["tls"]) for door in doors)
    assert receivers["statsd"]["endpoint"].startswith("127.0.0.1:")


def test_every_signal_name_in_the_files_exists() -> None:
    """
    Each dotted name of ours or OpenTelemetry's in any of the files is known.
    """
    text = "".join(path.read_text() for path in FOLDER.glob("*.yaml"))
    named = set(re.findall(r"\b(?:ml|service|otel_confidence)\.[a-z_.]*[a-z]", text))
    known = {each.name for each in ATTRIBUTES} | {each.name for each in METRICS}

    assert named <= known | {"service.namespace", "service.version", "service.instance.id"}
