#!/usr/bin/env python3
"""Objects in the version of a rule: what a rule for the other served version sees is what the API server converts to.

Generated autoscalers and events are judged by a policy that demands exactly what the oracle's conversion gives. --objects=N
generates N objects (600), --seed=N others.
"""
import random

from differential import *

TARGET = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart"}
SELECTORS = [None, {"matchLabels": {"b": "c", "a": "d"}}, {"matchExpressions": [{"key": "k", "operator": "In", "values": ["v"]}]}]
PREFIX = "autoscaling.alpha.kubernetes.io/"


def some(**fields):
    return {key: value for key, value in fields.items() if value is not None}


def target(r, kinds):
    kind = r.choice(kinds)
    return {
        "Utilization": {"type": kind, "averageUtilization": r.randint(1, 99)},
        "AverageValue": {"type": kind, "averageValue": r.choice(["100Mi", "30", "1k", "0.5"])},
        "Value": {"type": kind, "value": r.choice(["10k", "7", "2500m"])},
    }[kind]


def metric(r):
    kind = r.choice(["Resource", "Resource", "ContainerResource", "Pods", "Object", "External"])
    name = some(name="requests", selector=r.choice(SELECTORS))
    source = {
        "Resource": lambda: {"name": r.choice(["cpu", "memory"]), "target": target(r, ["Utilization", "AverageValue"])},
        "ContainerResource": lambda: {
            "name": "cpu", "container": "cart", "target": target(r, ["Utilization", "AverageValue"])
        },
        "Pods": lambda: {"metric": name, "target": target(r, ["AverageValue"])},
        "Object": lambda: {
            "describedObject": {"apiVersion": "v1", "kind": "Service", "name": "cart"}, "metric": name,
            "target": target(r, ["Value", "AverageValue"])
        },
        "External": lambda: {"metric": name, "target": target(r, ["Value", "AverageValue"])},
    }[kind]()
    return {"type": kind, kind[0].lower() + kind[1:]: source}


def scaling(r):
    return r.choice([None, some(
        stabilizationWindowSeconds=r.choice([None, 0, 300]), selectPolicy=r.choice([None, "Min", "Disabled"]),
        tolerance=r.choice([None, "0.1"]), policies=r.choice([None, [{"type": "Pods", "value": 4, "periodSeconds": 60}]]))])


def current(r):
    """A metric of the status; now and then of more or less than one kind."""
    value = lambda: some(value=r.choice([None, "10k", "2500m"]), averageValue=r.choice([None, "100Mi", "0"]), averageUtilization=r.choice([None, 7]))
    name = some(name=r.choice(["requests", "a<b&c>\u2028"]), selector=r.choice(SELECTORS))
    sources = {
        "Resource": lambda: {"name": r.choice(["cpu", "memory"]), "current": value()},
        "ContainerResource": lambda: {"name": "cpu", "container": "cart", "current": value()},
        "Pods": lambda: {"metric": name, "current": value()},
        "Object": lambda: {"describedObject": {"apiVersion": "v1", "kind": "Service", "name": "cart"}, "metric": name, "current": value()},
        "External": lambda: {"metric": name, "current": value()},
    }
    kinds = r.sample(list(sources), r.choice([1] * 8 + [0, 2]))
    return {"type": kinds[0] if kinds else "Pods", **{kind[0].lower() + kind[1:]: sources[kind]() for kind in kinds}}


def condition(r):
    return some(type=r.choice(["AbleToScale", "ScalingActive"]), status=r.choice(["True", "False"]), reason=r.choice([None, "Ready"]),
                lastTransitionTime=r.choice([None, "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.9+01:00"]),
                message=r.choice([None, "recommended \"size\" <matches> & so\non, é\u2029\u007f\b\f\\u007f"]))


def status(r, version):
    made = some(observedGeneration=r.choice([None, 3]), lastScaleTime=r.choice([None, "2026-01-02T03:04:05Z"]), currentReplicas=r.choice([None, 0, 2]), desiredReplicas=r.choice([None, 3]))
    if version == "v1":
        return made | some(currentCPUUtilizationPercentage=r.choice([None, 0, 40]))
    return made | some(currentMetrics=r.choice([None, [], [current(r) for _ in range(r.randint(1, 3))]]),
                       conditions=r.choice([None, [condition(r) for _ in range(r.randint(1, 2))]]))


def spoilt(r, annotations):
    """ANNOTATIONS that somebody else has written."""
    kept = {PREFIX + name: texts for name, texts in {
        "metrics": ['[{"type":"Pods","pods":{"metricName":"m"}}]', '[{"type":"Object","object":{"target":{"kind":"K","name":"n"},"metricName":"m","averageValue":"1","targetValue":"0.0"}}]',
                    '[{"type":"Resource","resource":{"name":"memory","targetAverageUtilization":"5"}}]', '[{"type":"External","external":{"metricName":"m"}}]',
                    '[{"type":"Resource","resource":{"name":"cpu","targetAverageUtilization":5}}]', '[{"type":"Resource","resource":{"name":"cpu"}}, {"type":"Object","object":{}}]',
                    '[{"type":"Pods","pods":{"metricName":"m","targetAverageValue":"x"}}]', '[{"type":"Pods","pods":3}]', "[1]", "{}", "null", "[]", "[null]", "no JSON", ""],
        "current-metrics": ['[{"type":"Resource","resource":{"name":"cpu","currentAverageUtilization":5}}]', '[{"type":"Pods","pods":{"metricName":"m","currentAverageValue":1500}}]',
                            '[{"type":"External","external":{"metricName":"m","currentAverageValue":"2k"}}]', '[{"type":"Pods","more":1}]', "[{]", '["x"]'],
        "behavior": ['{"ScaleUp":{"StabilizationWindowSeconds":5}}', '{"ScaleDown":{"Policies":[{"Type":"Pods","Value":"1"}]}}', '{"ScaleUp":null}', '{"ScaleUp":{}}', "{}", "[]", "null",
                     '{"ScaleDown":{"SelectPolicy":"Min","Policies":[{"Type":"Pods","Value":1,"PeriodSeconds":2}],"Tolerance":"0.05"}}'],
        "conditions": ['[{"type":"A","status":"True","lastTransitionTime":null}]', '[{"type":"A","lastTransitionTime":"yesterday"}]', '[{"type":1}]', "[{}]", "[]", "{}",
                       '[{"type":"A","status":"True","lastTransitionTime":"2026-01-02T03:04:05+01:00","reason":"","message":"m"}]'],
        "scale-up-tolerance": ["0.1"],
    }.items()}
    for name in r.sample(list(kept), r.randint(1, 3)):
        annotations = {**(annotations or {}), name: r.choice(kept[name])}
    return annotations


def autoscaler(r, version):
    spec = some(scaleTargetRef=TARGET, maxReplicas=5, minReplicas=r.choice([None, 2]))
    annotations = r.choice([None, {"team": "shop"}])
    if version == "v2":
        spec |= some(metrics=r.choice([None, [metric(r) for _ in range(r.randint(1, 4))]]),
                     behavior=r.choice([None, some(scaleUp=scaling(r), scaleDown=scaling(r))]))
    else:
        spec |= some(targetCPUUtilizationPercentage=r.choice([None, 60]))
        if r.random() < 0.5:
            old = ask_conversion([autoscaler(r, "v2")], "autoscaling/v1")[0]
            annotations = {**(annotations or {}), **old["metadata"].get("annotations", {})}
    if r.random() < 0.4:
        annotations = spoilt(r, annotations)
    return {"apiVersion": f"autoscaling/{version}", "kind": "HorizontalPodAutoscaler",
            "metadata": some(name="cart", namespace="shop", annotations=annotations), "spec": spec, **some(status=r.choice([None, status(r, version), status(r, version)]))}


def settled(r, version):
    """An autoscaler of v1 whose annotations, where they are not the server's, do not stand beside what v1 has a field for: of both, redoubt keeps
    what v1 can say."""
    obj = autoscaler(r, version)
    kept = obj["metadata"].get("annotations", {})
    if any(PREFIX + name in kept for name in ("metrics", "current-metrics")):
        obj["spec"].pop("targetCPUUtilizationPercentage", None)
        obj.get("status", {}).pop("currentCPUUtilizationPercentage", None)
    return obj


def event(r, version):
    thing = {"apiVersion": "v1", "kind": "Pod", "name": "cart", "namespace": "shop"}
    time = "2026-01-02T03:04:05Z"
    head = {"kind": "Event", "metadata": {"name": "cart", "namespace": "shop"}, "type": "Normal", "reason": "Started",
            "action": "Start", "reportingInstance": "one", "eventTime": "2026-01-02T03:04:05.000006Z"}
    if version == "v1":
        return {"apiVersion": "v1", **head, "involvedObject": thing, "message": "started", "reportingComponent": "kubelet",
                **some(source=r.choice([None, {"component": "kubelet"}]), count=r.choice([None, 3]), lastTimestamp=r.choice([None, time]))}
    return {"apiVersion": "events.k8s.io/v1", **head, "regarding": thing, "note": "started", "reportingController": "kubelet",
            **some(deprecatedSource=r.choice([None, {"component": "kubelet"}]), deprecatedCount=r.choice([None, 3]))}


def ask_conversion(objects, to):
    return [answer["object"] for answer in ask([{"decode": {"object": obj, "to": to}} for obj in objects])]


def cel(value):
    """VALUE as an expression; of no type, because lists of several types do not compile."""
    if isinstance(value, dict):
        return "dyn({" + ", ".join(f"{json.dumps(key)}: {cel(inner)}" for key, inner in value.items()) + "})"
    if isinstance(value, list):
        return "dyn([" + ", ".join(cel(inner) for inner in value) + "])"
    return f"dyn({json.dumps(value)})"


def policy(group, version, resource, wanted):
    """Demands what WANTED has."""
    fields = {key: value for key, value in wanted.items() if key != "metadata"}
    demands = [f"object.{key} == {cel(value)}" for key, value in fields.items()]
    demands.append(f"object.metadata.?annotations.orValue({{}}) == {cel(wanted['metadata'].get('annotations', {}))}")
    demands.append(f"request.kind.version == '{version}' && request.kind.group == '{group}'")
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "same"},
            "spec": {"matchConstraints": {"resourceRules": [{"apiGroups": [group], "apiVersions": [version],
                                                             "operations": ["*"], "resources": [resource]}]},
                     "validations": [{"expression": demand} for demand in demands]}}


def compare(objects, group, version, resource):
    wanted = ask_conversion(objects, f"{group}/{version}".removeprefix("/"))
    lines = "".join(json.dumps({"policy": policy(group, version, resource, want), "object": obj}) + "\n"
                    for obj, want in zip(objects, wanted))
    result = run("policy", "eval", "--stream", stdin=lines, timeout=TIME_LIMIT)
    answers = [json.loads(line) for line in result.out.splitlines()]
    assert len(answers) == len(objects), result
    wrong = [f"{json.dumps(obj)}\n  {[v['message'] for v in answer.get('violations', [])] or answer}"
             for obj, answer in zip(objects, answers) if answer.get("verdict") != "allow"]
    if wrong:
        raise Disagreement("\n".join([f"{len(wrong)} of {len(objects)} differ"] + wrong[:SHOWN]))


def generated(make, version):
    r = random.Random(argument("seed", 1))
    return [make(r, version) for _ in range(argument("objects", 600) // 6)]


def test_autoscalers_for_rules_of_v1():
    compare(generated(autoscaler, "v2"), "autoscaling", "v1", "horizontalpodautoscalers")


def test_autoscalers_for_rules_of_v2():
    compare(generated(settled, "v1"), "autoscaling", "v2", "horizontalpodautoscalers")


def test_autoscalers_of_v1_are_written_anew():
    compare(generated(autoscaler, "v1"), "autoscaling", "v1", "horizontalpodautoscalers")


def test_autoscalers_of_v2_are_written_anew():
    compare(generated(autoscaler, "v2"), "autoscaling", "v2", "horizontalpodautoscalers")


def test_events_for_rules_of_their_own_group():
    compare(generated(event, "v1"), "events.k8s.io", "v1", "events")


def test_events_for_rules_of_the_core_group():
    compare(generated(event, "events"), "", "v1", "events")


main()
