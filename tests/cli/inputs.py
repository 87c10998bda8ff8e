#!/usr/bin/env python3
"""What is read, and how: files, folders, encodings, lists, templates."""
from lib import *


def test_folders_are_searched_and_hidden_ones_are_not():
    with Folder({"a.yaml": BAD, "sub/b.yml": BAD, "sub/c.json": json.dumps({"apiVersion": "v1", "kind": "Service", "metadata": {
            "name": "s"}}), ".hidden/d.yaml": BAD, ".e.yaml": BAD, "f.txt": BAD}) as path:
        assert run("scan", path, "-o", "json").json["coverage"]["files"] == 3
        assert run("scan", os.path.join(path, "f.txt"), "-o", "json").json["coverage"]["objects"] == 1


def test_redoubtignore():
    with Folder({".redoubtignore": "# comment\nvendor/\n*.gen.yaml\n!keep.gen.yaml\n", "a.yaml": GOOD, "vendor/b.yaml": BAD,
                 "x.gen.yaml": BAD, "keep.gen.yaml": GOOD}) as path:
        assert run("scan", path, "-o", "json").json["coverage"]["files"] == 2


def test_lists_are_expanded():
    text = ("apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pod\n  metadata: {name: a}\n  spec:\n    hostPID: true\n"
            "    containers: []\n- apiVersion: v1\n  kind: PodList\n  items:\n  - metadata: {name: b}\n    spec:\n"
            "      hostPID: true\n      containers: []\n")
    report = scan_json(text, "--rule", "pods/host-pid")
    assert report["coverage"]["objects"] == 2, report
    found = [(f["resource"]["name"], f["location"]["line"], f["location"]["path"]) for f in report["findings"]]
    assert found == [("a", 8, "spec.hostPID"), ("b", 15, "spec.hostPID")], found


def test_pod_templates_are_judged_where_they_are():
    pod = "{containers: [{name: c, image: i, securityContext: {privileged: true}}]}"
    cases = {
        "apps/v1 Deployment": f"spec:\n  template:\n    spec: {pod}\n",
        "apps/v1 StatefulSet": f"spec:\n  template:\n    spec: {pod}\n",
        "apps/v1 DaemonSet": f"spec:\n  template:\n    spec: {pod}\n",
        "apps/v1 ReplicaSet": f"spec:\n  template:\n    spec: {pod}\n",
        "batch/v1 Job": f"spec:\n  template:\n    spec: {pod}\n",
        "v1 ReplicationController": f"spec:\n  template:\n    spec: {pod}\n",
        "batch/v1 CronJob": f"spec:\n  jobTemplate:\n    spec:\n      template:\n        spec: {pod}\n",
        "argoproj.io/v1alpha1 Rollout": f"spec:\n  template:\n    spec: {pod}\n",
        "serving.knative.dev/v1 Service": f"spec:\n  template:\n    spec: {pod}\n",
    }
    for kind, spec in cases.items():
        version, kind = kind.split()
        report = scan_json(f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: x}}\n{spec}", "--rule", "pods/privileged")
        assert len(report["findings"]) == 1, (kind, report)
        path = report["findings"][0]["location"]["path"]
        assert path.endswith("template.spec.containers[0].securityContext.privileged"), path


def test_helm_templates_are_not_judged_and_said_so():
    with Folder({"chart/Chart.yaml": "apiVersion: v2\nname: c\n", "chart/values.yaml": "a: 1\n",
                 "chart/templates/d.yaml": "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Release.Name }}\n",
                 "ok.yaml": GOOD}) as path:
        r = run("scan", path, "-o", "json")
        assert r.status == 3 and r.json["coverage"]["notJudged"] == 1, r
        assert "Helm" in r.json["diagnostics"][0]["message"], r


def test_braces_of_other_tools_are_no_helm_template():
    rule = ("apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: {name: p}\nspec:\n  groups:\n  - rules:\n"
            "    - annotations:\n        text: '{{ $labels.pod }} has {{ $value }}'\n")
    assert scan(rule).status == 0


def test_yaml_that_is_not_kubernetes_is_counted_and_skipped():
    r = scan("on: [push]\njobs: {}\n---\n" + GOOD, "-o", "json")
    assert r.status == 0 and r.json["coverage"]["objects"] == 1 and not r.json["diagnostics"], r


def test_an_object_without_apiversion_is_told():
    r = scan("kind: Pod\nmetadata: {name: p}\n", "-o", "json")
    assert r.status == 3 and "apiVersion" in r.json["diagnostics"][0]["message"], r


def test_encodings():
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"):
        text = BAD.replace("name: bad", "name: bäd").encode(encoding)
        if encoding in ("utf-16-le", "utf-16-be"):
            text = "\ufeff".encode(encoding) + text
        report = scan_json(text, "--rule", "pods/privileged")
        assert places(report) == [(11, 21)], (encoding, report)
    assert places(scan_json(BAD.replace("\n", "\r\n"), "--rule", "pods/privileged")) == [(11, 21)]


def test_columns_count_characters():
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: 'ä€😀', image: i, securityContext: {privileged: true}}]}\n"
    column = text.split("\n")[3].index("true") + 1
    assert places(scan_json(text, "--rule", "pods/privileged")) == [(4, column)]


def test_yaml_1_1_scalars_mean_what_they_mean_to_the_api_server():
    for word, privileged in (("yes", 1), ("on", 1), ("True", 1), ("y", 1), ("YES", 1), ("no", 0), ("off", 0), ("n", 0), ("~", 0)):
        text = BAD.replace("privileged: true", f"privileged: {word}")
        found = places(scan_json(text, "--rule", "pods/privileged"))
        assert len(found) == privileged, (word, found)


def test_aliases_and_merge_keys():
    text = ("apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - &a\n    name: a\n    image: i\n"
            "    securityContext: {privileged: true}\n  - <<: *a\n    name: b\n")
    report = scan_json(text, "--rule", "pods/privileged")
    assert places(report) == [(9, 35)] and "\"a\"" in report["findings"][0]["message"] and "\"b\"" in report["findings"][0]["message"], report


def test_duplicate_keys_are_told_with_both_places_and_the_last_wins():
    text = BAD.replace("        privileged: true\n", "        privileged: false\n        privileged: true\n")
    r = scan(text, "-o", "json", "--rule", "pods/privileged")
    diagnostic = r.json["diagnostics"][0]
    assert places(r.json) == [(12, 21)] and "privileged" in diagnostic["message"], r
    assert diagnostic["line"] == 12 and "11" in json.dumps(diagnostic), diagnostic


def test_null_fields_are_absent():
    text = BAD.replace("privileged: true", "privileged: null")
    assert not scan_json(text, "--rule", "pods/privileged")["findings"]


def test_json_has_places_too():
    text = '{"apiVersion": "v1", "kind": "Pod",\n "metadata": {"name": "p"},\n "spec": {"hostPID": true, "containers": []}}'
    assert places(scan_json(text, "--rule", "pods/host-pid")) == [(3, 22)]


def test_user_policies():
    policy = ("apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: replicas}\nspec:\n"
              "  matchConstraints:\n    resourceRules:\n    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE], "
              "resources: [deployments]}\n  validations:\n  - expression: object.spec.replicas >= 2\n    message: too few replicas\n")
    text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec:\n  replicas: 1\n"
    with Folder({"p.yaml": policy, "broken.yaml": policy.replace(">= 2", ">= 2 &&& 1").replace("replicas}", "other}")}) as path:
        report = scan_json(text, "--no-catalogue", "--rules", os.path.join(path, "p.yaml"))
        assert [(f["rule"], f["message"], f["location"]["line"]) for f in report["findings"]] == [
            ("replicas", "too few replicas", 5)], report
        r = scan(text, "--rules", os.path.join(path, "broken.yaml"))
        assert r.status == 2 and "broken.yaml:9:45" in r.err, r


def test_secrets_are_not_shown():
    word = "correct-horse-battery"
    pod = ("apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: n}\nspec:\n  containers:\n  - name: c\n    args:\n"
           f"    - --password={word}\n    env:\n    - name: DB_PASSWORD\n      value: {word}\n    stdin: true\n    image: i\n")
    secret = f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData:\n  other: {word}\n  password: {word}\n  key: |\n    {word}\n"
    flow = f'{{"apiVersion": "v1", "kind": "Secret", "metadata": {{"name": "s"}}, "stringData": {{"password": "{word}"}}}}'
    settings = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndata:\n  password: {word}\n  db.url: postgres://u:{word}@db/x\n"
    for text in (pod, secret, flow, settings):
        for form in ("text", "brief", "wide", "json", "sarif"):
            r = scan(text, "-o", form)
            assert r.status in (0, 1) and word.encode() not in r.out, (form, r)
        assert r.status == 1, text


def test_frameworks_choose_rules():
    every = run("policy", "list", "-o", "json").json
    assert len(every) >= 70
    baseline = {r["id"] for r in run("policy", "list", "-o", "json", "--framework", "pss-baseline").json}
    restricted = {r["id"] for r in run("policy", "list", "-o", "json", "--framework", "pss-restricted").json}
    assert baseline < restricted < {r["id"] for r in every}
    for rule in every:
        assert rule["title"] and rule["why"] and rule["remedy"] and rule["severity"] and rule["practice"], rule


main()
