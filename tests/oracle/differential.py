"""What the differential suites share: both engines, the comparison of their verdicts, and the shrinking of a case.

A suite gives the same objects to redoubt and to the oracle (Kubernetes' own code, oracle/cmd/oracle) and says where the two
disagree. Objects travel in bulk: one run of redoubt and one of the oracle for thousands of them.
"""
import copy
import json
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cli"))
from lib import DATA, REDOUBT, ROOT, Folder, Skip, main, need_data, run  # noqa: E402,F401  pylint: disable=unused-import

ORACLE = os.environ.get("ORACLE", os.path.join(ROOT, ".build", "oracle", "oracle"))
POLICIES = pathlib.Path(ROOT, "policies")
TIME_LIMIT = 1800  # seconds for one run of an engine
SHOWN = 5  # disagreements that are shrunk and shown
BYGONE = re.compile(r"@[0-9.]*-[0-9.]+$")  # a control of no version after that one
NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"team": "shop"}}}

# Where built-in kinds hold their pod template.
TEMPLATES = {
    ("", "PodTemplate"): ("template", ),
    ("", "ReplicationController"): ("spec", "template"), ("apps", "Deployment"): ("spec", "template"),
    ("apps", "StatefulSet"): ("spec", "template"), ("apps", "DaemonSet"): ("spec", "template"),
    ("apps", "ReplicaSet"): ("spec", "template"), ("batch", "Job"): ("spec", "template"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template"),
}


class Disagreement(AssertionError):
    """The engines do not agree; the text shows shrunk cases."""


def need_oracle():
    if not os.access(ORACLE, os.X_OK):
        raise Skip("the oracle is not built: oracle/build oracle")


def ask(questions):
    """The oracle's answers, in order."""
    need_oracle()
    text = "".join(json.dumps(question) + "\n" for question in questions)
    result = subprocess.run([ORACLE], input=text.encode(), capture_output=True, timeout=TIME_LIMIT, check=False)
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.returncode == 0 and len(answers) == len(questions), (result.returncode, result.stderr[-2000:])
    return answers


def documents(texts):
    """What the API server's clients read in each of the YAML TEXTS; None where that is no document."""
    return [answer.get("json") for answer in ask([{"yaml": text} for text in texts])]


class Rule:
    """A policy of the catalogue."""

    def __init__(self, path, policy):
        self.path = path
        self.id = f"{path.parent.name}/{path.stem}"
        self.policy = policy
        self.name = policy["metadata"]["name"]
        self.templates = policy["metadata"].get("annotations", {}).get("redoubt.io/judge") == "pod-templates"


def split(text):
    """The documents of a YAML file, as texts."""
    part = []
    for line in text.splitlines(keepends=True):
        if line.rstrip() == "---":
            yield "".join(part)
            part = []
        else:
            part.append(line)
    yield "".join(part)


def is_asked(policy):
    """Whether POLICY is about objects of a cluster as it is now: not about subjects, nor only about what was once refused."""
    controls = policy["metadata"].get("annotations", {}).get("redoubt.io/controls", "").split(",")
    groups = {group for rule in policy["spec"]["matchConstraints"]["resourceRules"] for group in rule["apiGroups"]}
    return groups != {"redoubt.io"} and not all(BYGONE.search(control) for control in controls)


def rules():
    """Every rule of the catalogue that a scan asks, by id."""
    texts = [(path, text) for path in sorted(POLICIES.glob("*/*.yaml")) if not path.name.endswith(".test.yaml")
             for text in split(path.read_text(encoding="utf-8"))]
    found = {}
    for (path, _), document in zip(texts, documents([text for _, text in texts])):
        if isinstance(document, dict) and document.get("kind") == "ValidatingAdmissionPolicy" and is_asked(document):
            rule = Rule(path, document)
            found[rule.id] = rule
    assert found, "no rules"
    return found


def pod_templates(value):
    """The pod templates in the spec of a custom resource: maps under a key that ends in "emplate"."""
    if isinstance(value, list):
        for item in value:
            yield from pod_templates(item)
    elif isinstance(value, dict):
        for key, entry in value.items():
            spec = entry.get("spec") if isinstance(entry, dict) else None
            if key.endswith("emplate") and isinstance(spec, dict) and isinstance(spec.get("containers"), list):
                yield entry
            else:
                yield from pod_templates(entry)


def group_of(obj):
    version = obj.get("apiVersion") or ""
    return version.rpartition("/")[0]


def is_builtin(obj):
    """Whether OBJECT's group is one of Kubernetes' own."""
    group = group_of(obj)
    return "." not in group or group.endswith(".k8s.io")


def template_pods(obj, builtin):
    """The pods that OBJECT's templates stand for: each as the Pod that would be made of it, in OBJECT's namespace."""
    path = TEMPLATES.get((group_of(obj), obj.get("kind")))
    if path:
        template = obj
        for key in path:
            template = template.get(key) if isinstance(template, dict) else None
        found = [template] if isinstance(template, dict) else []
    else:
        found = [] if builtin else list(pod_templates(obj.get("spec")))
    for template in found:
        metadata = dict(template.get("metadata") or {})
        namespace = (obj.get("metadata") or {}).get("namespace")
        if namespace and "namespace" not in metadata:
            metadata["namespace"] = namespace
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}
        if template.get("spec") is not None:
            pod["spec"] = template["spec"]
        yield pod


def renamed(obj, number):
    """OBJECT with the name case-NUMBER."""
    metadata = obj.get("metadata")
    return {**obj, "metadata": {**(metadata if isinstance(metadata, dict) else {}), "name": f"case-{number}"}}


def write_documents(folder, objects):
    """One file with OBJECTS, each named case-N; returns its path."""
    path = os.path.join(folder, "cases.yaml")
    with open(path, "w", encoding="utf-8") as file:
        for i, obj in enumerate(objects):
            file.write(f"---\n{json.dumps(renamed(obj, i), ensure_ascii=False)}\n")
    return path


def rule_and_message(finding):
    return finding["rule"], finding["message"]


def scan_objects(objects, *options, seen=rule_and_message):
    """What redoubt finds in each of OBJECTS (which are named case-N for it): sets of what SEEN makes of a finding."""
    found = [set() for _ in objects]
    with Folder() as folder:
        path = write_documents(folder, objects)
        with open(os.path.join(folder, "namespace.yaml"), "w", encoding="utf-8") as file:
            json.dump(NAMESPACE, file)
        result = run("scan", folder, "-o", "json", "--max-findings", "100000000", *options, timeout=TIME_LIMIT)
    report = result.json if result.out else {"diagnostics": result.err}
    assert result.status in (0, 1), (result.status, report["diagnostics"])
    assert report["coverage"]["objects"] == len(objects) + 1, report["coverage"]
    for finding in report["findings"]:
        if finding["location"]["file"] == path and finding["resource"]["name"].startswith("case-"):
            found[int(finding["resource"]["name"].removeprefix("case-"))].add(seen(finding))
    return found


def unordered(messages):
    """MESSAGES without the order of their words: cel-go goes through a map's keys in a random order."""
    return {tuple(sorted(message.replace(",", " ").split())) for message in messages}


def children(value):
    """(path, smaller VALUE) for every part of VALUE that can be left out."""
    if isinstance(value, dict):
        for key in value:
            yield {k: v for k, v in value.items() if k != key}
            for smaller in children(value[key]):
                yield {**value, key: smaller}
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield value[:i] + value[i + 1:]
            for smaller in children(item):
                yield value[:i] + [smaller] + value[i + 1:]


def shrink(obj, differ):
    """The smallest object reached from OBJ by leaving out parts for which DIFFER (objects -> truths) still holds."""
    while True:
        candidates = [c for c in children(obj) if c.get("kind") and c.get("apiVersion")]
        candidates.sort(key=lambda c: len(json.dumps(c)))
        verdicts = differ(candidates) if candidates else []
        smaller = next((c for c, holds in zip(candidates, verdicts) if holds), None)
        if smaller is None:
            return obj
        obj = copy.deepcopy(smaller)


def report(disagreements, differ, total, shown_most=SHOWN):
    """Shrinks DISAGREEMENTS, (key, object, text) each, and raises with what remains different; one for every key is tried.
    DIFFER(objects, key) -> truths.
    """
    if not disagreements:
        return
    first = {}
    for key, obj, text in disagreements:
        if key not in first or len(json.dumps(obj)) < len(json.dumps(first[key][0])):
            first[key] = (obj, text)
    shown = {}
    for key, (obj, text) in list(first.items())[:4 * shown_most]:
        small = json.dumps(shrink(obj, lambda objects, key=key: differ(objects, key)))
        shown.setdefault(small, text)
        if len(shown) == shown_most:
            break
    raise Disagreement("\n".join([f"{len(disagreements)} disagreements in {total} cases, of {len(first)} kinds"] +
                                 [f"{text}\n  {small}" for small, text in shown.items()]))


def argument(name, default, nightly=None):
    """The value of --NAME=VALUE, a number; without it DEFAULT, or what a run with --nightly takes."""
    for word in sys.argv[1:]:
        if word.startswith(f"--{name}="):
            return int(word.partition("=")[2])
    return nightly if nightly is not None and "--nightly" in sys.argv else default
