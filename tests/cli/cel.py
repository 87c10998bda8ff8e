#!/usr/bin/env python3
"""redoubt cel: expressions on their own, and the conformance cases of the CEL specification through the real binary."""
import math

from lib import *

POLICY = """apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: least}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]
  validations: [{expression: "math.least(object.spec.replicas, 3) == 3"}]
"""


def stream(lines, *options):
    text = "".join(json.dumps(line) + "\n" for line in lines)
    r = run("cel", "--stream", *options, stdin=text)
    answers = [json.loads(line) for line in r.text.splitlines()]
    assert r.status == 0 and len(answers) == len(lines), r
    return answers


def test_a_value_and_its_exit_status():
    r = run("cel", "1 + 2")
    assert (r.status, r.text) == (0, "3\n"), r
    r = run("cel", "x / 0", "--var", "x=3")
    assert r.status == 1 and not r.out and "division by zero" in r.err, r
    r = run("cel", "1 + ''")
    assert r.status == 2 and not r.out and "expression:1:3" in r.err, r
    assert run("cel").status == 2 and run("cel", "1", "--stream").status == 2


def test_objects_are_seen_as_the_api_server_sees_them():
    with Folder({"pod.yaml": BAD}) as folder:
        path = os.path.join(folder, "pod.yaml")
        assert run("cel", "object.spec.restartPolicy", "--object", path).json == "Always"
        assert run("cel", "has(object.spec.restartPolicy)", "--object", path, "--as-submitted").json is False
        assert run("cel", "object == oldObject", "--object", path, "--old", path).json is True


def test_answers_say_type_and_cost():
    answer = run("cel", "-o", "json", "[1, 2].map(x, x + 1)").json
    assert answer["type"] == "list(int)" and answer["json"] == [2, 3] and answer["cost"] > 0, answer
    assert answer["value"] == {"listValue": {"values": [{"int64Value": "2"}, {"int64Value": "3"}]}}, answer


def test_values_of_every_kind():
    plain = {
        "null": None, "1.5": 1.5, "18446744073709551615u": 18446744073709551615, "'a\"'": "a\"", "b'abc'": "YWJj",
        "{'a': [true]}": {"a": [True]}, "duration('90s')": "90s", "timestamp(0)": "1970-01-01T00:00:00Z",
        "type(1)": "int", "optional.of(1)": 1, "optional.none()": None, "double('NaN')": "NaN", "-1.0 / 0.0": "-Infinity",
    }
    for expression, value in plain.items():
        assert run("cel", "--", expression).json == value, expression


def test_the_language_is_that_of_a_version():
    assert run("cel", "semver('1.2.3').major()", "--kube-version", "1.33").json == 1
    assert run("cel", "semver('1.2.3').major()", "--kube-version", "1.32").status == 2
    assert run("cel", "1", "--kube-version", "7").status == 2


def test_the_whole_language():
    full = {
        "math.greatest(1, 2u, 3.5)": 3.5, "cel.bind(x, 2, x * x)": 4, "base64.encode(b'hello')": "aGVsbG8=",
        "regex.replace('banana', 'a(n)', '<\\\\1>')": "b<n><n>a", "regex.extract('a1b2', '[0-9]')": "1",
        "regex.extractAll('a1b2', '[0-9]')": ["1", "2"], "{'a-b': 1}.`a-b`": 1, "[1, 'a', 2.5].size()": 3,
        "'%e'.format([2.71828])": "2.718280e+00", "math.sqrt(4)": 2,
    }
    for expression, value in full.items():
        assert run("cel", expression, "--cel-full").json == value, expression
        assert run("cel", expression).status == 2 or "%e" in expression, expression


def test_policies_may_use_the_whole_language_where_that_is_asked_for():
    objects = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 2}}
    with Folder({"policy.yaml": POLICY, "web.json": json.dumps(objects)}) as folder:
        policy, web = (os.path.join(folder, name) for name in ("policy.yaml", "web.json"))
        assert run("policy", "check", policy).status == 2
        assert run("policy", "check", policy, "--cel-full").status == 0
        assert run("policy", "eval", "--policy", policy, "--object", web).json["verdict"] == "invalid"
        assert run("policy", "eval", "--policy", policy, "--object", web, "--cel-full").json["verdict"] == "deny"


def test_a_stream_goes_on_after_what_is_wrong():
    text = '{"expr": "1"}\n\nno json\n{"expr": 3}\n{"variables": {}}\n{"expr": "x", "variables": {"x": [1]}}\n'
    r = run("cel", "--stream", stdin=text)
    answers = [json.loads(line) for line in r.text.splitlines()]
    assert [next(iter(a)) for a in answers] == ["type", "invalid", "invalid", "invalid", "type"], r
    assert answers[-1]["json"] == [1]


def same(a, b):
    """Whether two cel.expr.Values are the same. Protobuf leaves out what is empty; numbers may be written in several ways."""
    (kind, x), (other, y) = next(iter(a.items())), next(iter(b.items()))
    if kind != other:
        return False
    if kind == "doubleValue":
        x, y = float(x), float(y)
        return x == y or (math.isnan(x) and math.isnan(y))
    if kind == "listValue":
        x, y = x.get("values", []), y.get("values", [])
        return len(x) == len(y) and all(map(same, x, y))
    if kind == "mapValue":
        x, y = x.get("entries", []), y.get("entries", [])
        return len(x) == len(y) and all(any(same(p["key"], q["key"]) and same(p["value"], q["value"]) for q in y) for p in x)
    return x == y


def answered(case, answer, k8s):
    """Whether ANSWER is that of the specification, or of Kubernetes where K8S says what that does."""
    if k8s == "does-not-compile":
        return "invalid" in answer
    if k8s == "differs":
        return ("error" in answer) == (not case["k8sDetail"].startswith(("map[", "no error"))) and "invalid" not in answer
    if case["expect"] == "error":
        return "error" in answer or "invalid" in answer
    if case.get("checkOnly") or case["expect"] == "typed" and "value" not in answer:
        return "type" in answer
    wanted = case.get("value") or case.get("typed", {}).get("result") or {"boolValue": True}
    return "value" in answer and (case["expect"] == "typed" and "result" not in case["typed"] or same(answer["value"], wanted))


def conformance(full):
    cases = [json.loads(line) for line in open(need_data("cel", "conformance.jsonl"), encoding="utf-8")]
    cases = [case for case in cases if not case["needs"]]
    answers = stream(cases, *(["--cel-full"] if full else ["--kube-version", "1.36"]))
    wrong = [(c["section"], c["name"], c["expr"], a) for c, a in zip(cases, answers)
             if not answered(c, a, None if full else c["k8s"])]
    assert len(cases) == 1742 and not wrong, (len(cases), len(wrong), wrong[:10])


def test_conformance_cases_answer_as_in_kubernetes():
    conformance(False)


def test_conformance_cases_answer_as_specified():
    conformance(True)


main()
