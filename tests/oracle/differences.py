"""Both engines over the whole catalogue: which rule says what about which object, and where only one of them says it."""
import glob
import pathlib
import re
from differential import *

OWN = re.compile(r'apiGroups: *\["?redoubt\.io"?\]')
KNOWN_RULES = {}  # by id; read once


def catalogue(only=None):
    """All rules, or ONLY one."""
    if not KNOWN_RULES:
        KNOWN_RULES.update(rules())
    return [rule for rule in KNOWN_RULES.values() if only in (None, rule.id)]


def load(name, known):
    return {"load": {"name": name, "policies": [rule.policy for rule in known]}}


def decoded(objects, default):
    """OBJECTS as policies see them in the API server; None for one that it cannot decode."""
    return [a.get("object") for a in ask([{"decode": {"object": obj, "default": default}} for obj in objects])]


def upstream(objects, only=None, default=False):
    """What the API server's code says of each object: a set of (rule, message), or None where it cannot be decoded."""
    known = catalogue(only)
    by_name = {rule.name: rule for rule in known}
    questions, owners = [load("catalogue", known), load("templates", [rule for rule in known if rule.templates])], []
    for i, obj in enumerate(objects):
        named = renamed(obj, i)
        common = {"namespace": NAMESPACE, "default": default}
        questions.append({"vap": {"set": "catalogue", "object": named, **common}})
        owners.append(i)
        for pod in template_pods(named, is_builtin(named)):
            questions.append({"vap": {"set": "templates", "object": pod, "name": "", **common}})
            owners.append(i)
    found = [set() for _ in objects]
    for i, answer in zip(owners, ask(questions)[2:]):
        if "error" in answer or found[i] is None:
            found[i] = None
            continue
        for result in answer["results"]:
            for evaluation in result.get("evaluations", []):
                found[i].update((by_name[result["policy"]].id, d["message"]) for d in evaluation["decisions"]
                                if d["action"] == "deny")
    return found


def lacking(some, others):
    """Which findings of SOME are not among OTHERS."""
    known = {(rule, *unordered([message])) for rule, message in others}
    return [(rule, message) for rule, message in some if (rule, *unordered([message])) not in known]


def is_apart(obj):
    """Whether redoubt means to see OBJ otherwise than the API server: pods without containers (patches), stringData of Secrets."""
    if obj.get("kind") == "Secret":
        return "stringData" in obj
    pods = [obj] if obj.get("kind") == "Pod" else list(template_pods(obj, True))
    path = TEMPLATES.get((group_of(obj), obj.get("kind")))
    return bool(path) and not pods or any(not isinstance((pod.get("spec") or {}).get("containers"), list) for pod in pods)


def not_compared():
    """Options that leave out what no API server judges: how objects are written, and what analyses make of all of them together."""
    own = [path for path in glob.glob(os.path.join(ROOT, "policies", "*", "*.yaml")) if not path.endswith(".test.yaml") and OWN.search(pathlib.Path(path).read_text(encoding="utf-8"))]
    rules = ["schema", *sorted(os.path.relpath(path, os.path.join(ROOT, "policies")).removesuffix(".yaml") for path in own)]
    return [word for rule in rules for word in ("--skip-rule", rule)]


def differences(objects, only=None, as_seen=None):
    """For each object the (rule, message, who says it) that only one of the two says; none where it cannot be decoded.

    AS_SEEN: both engines get the objects as the API server decodes them; without their defaults (False), or with (True).
    """
    options = ["--rule", only] if only else not_compared()
    if as_seen is not None:
        options.append("--as-submitted")
        objects = [obj or {"apiVersion": "v1", "kind": "Unreadable"} for obj in decoded(objects, as_seen)]
    result = []
    for obj, u, o in zip(objects, upstream(objects, only, as_seen is not False), scan_objects(objects, *options)):
        result.append(set() if u is None or as_seen is None and is_apart(obj) else {(*f, "upstream") for f in lacking(u, o)} | {(*f, "redoubt") for f in lacking(o, u)})
    return result


def key_of(finding):
    """What must stay the same while a case is shrunk: the rule, who alone speaks, and whether that is an error of evaluation."""
    rule, message, who = finding
    return rule, who, "resulted in error" in message


def compare(objects, as_seen=None, shown_most=SHOWN):
    """Raises Disagreement where the two do not say the same of OBJECTS."""

    def differ(candidates, key):
        return [
            any(key_of(finding) == key for finding in found) and all(key_of(finding)[2] == key[2] for finding in found)
            for found in differences(candidates, key[0], as_seen)
        ]

    wrong = [(key_of(finding), obj, "{0}: only {2} says {1!r}".format(*finding))
             for obj, found in zip(objects, differences(objects, as_seen=as_seen)) for finding in sorted(found)]
    report(wrong, differ, len(objects), shown_most)
