"""This module checks that the rendering of charts finds what is wrong with what they make."""

from typing import Any

from tests.campaigns import charts

RULE: charts.Object = {
    "type": "object",
    "properties": {
        "apiVersion": {},
        "kind": {},
        "metadata": {"type": "object", "properties": {}},
        "spec": {
            "type": "object",
            "properties": {
                "expr": {"x-kubernetes-int-or-string": True},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            },
        },
    },
}


def rule(**spec: Any) -> charts.Object:
    return {"apiVersion": "v", "kind": "Rule", "metadata": {"name": "r"}, "spec": spec}


def found(each: charts.Object) -> list[str]:
    schema = charts._strict(RULE, top=True)
    return list(charts._wrong(each, {("v", "Rule"): schema}))


def test_unknown_fields_are_found_where_they_stand() -> None:
    """
    A field that the operator's definition lacks is named, unless anything may stand there.
    """
    assert [] == found(rule(expr="up", free={"any": 1}))
    assert [] == found(rule(expr=1))
    assert ["Rule r: spec: Additional properties are not allowed ('exp' was unexpected)"] == found(
        rule(exp="up")
    )
    assert "spec.expr: 1.5 is not of type" in found(rule(expr=1.5))[0]


def test_unknown_fields_of_kubernetes_itself_are_found() -> None:
    """
    A field that Kubernetes lacks is named.
    """
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "dat": {}}

    (fault,) = charts._wrong(config, {})

    assert "ConfigMap c: : Additional properties are not allowed ('dat' was unexpected)" == fault


def test_values_lie_over_others_as_helm_lays_them() -> None:
    """
    Mappings are merged, lists and all else are replaced.
    """
    below = {"a": {"b": 1, "c": [1, 2]}, "d": {"e": 1}}
    above = {"a": {"c": [3]}, "d": None, "f": 1}

    assert {"a": {"b": 1, "c": [3]}, "d": None, "f": 1} == charts._laid_over(below, above)


def test_what_nothing_makes_is_named() -> None:
    """
    A pod that mounts a ConfigMap which is not there would wait for it for ever.
    """
    volumes = [{"configMap": {"name": "there"}}, {"configMap": {"name": "lost"}}, {"emptyDir": {}}]
    pod = {"spec": {"template": {"spec": {"volumes": volumes}}}}
    objects = [
        {"kind": "StatefulSet", "metadata": {"name": "gateway"}, **pod},
        {"kind": "ConfigMap", "metadata": {"name": "there"}},
        {"kind": "Service", "metadata": {"name": "otel-gateway"}},
    ]

    missing = sorted(charts._unresolved(objects))

    assert ["gateway: no ConfigMap lost", "no Service kube-prometheus-stack-prometheus"] == missing
