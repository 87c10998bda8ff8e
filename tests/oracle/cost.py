#!/usr/bin/env python3
"""What evaluations cost, and what happens when a budget is used up: redoubt against Kubernetes' own code.

--cost-objects=N objects for the catalogue (150), --expressions=N generated expressions (3000), --budgets=N generated policies
that come close to a limit (250), --seed=N others.
"""
import random
import re

from differential import *
from expressions import Expressions
from generate import Generator

SHOWN = 6
SAME = 0.999  # of the costs


def policy(name="p", **spec):
    everything = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name},
        "spec": {"matchConstraints": {"resourceRules": [everything]}, **spec}
    }


def binding(name="p", **spec):
    return {
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "b"}, "spec": {"policyName": name, "validationActions": ["Deny"], **spec}
    }


def ours(cases):
    """What redoubt answers to (policy, binding or None, params, object)."""
    lines = [json.dumps({"policy": p, "binding": b or [], "params": params, "object": obj}) for p, b, params, obj in cases]
    result = run("policy", "eval", "--stream", stdin="\n".join(lines), timeout=TIME_LIMIT)
    answers = [json.loads(line) for line in result.text.splitlines()]
    assert len(answers) == len(cases), result
    for answer in answers:
        if answer["verdict"] == "invalid":
            yield {"invalid": answer["error"]}
        else:
            yield {
                "message": answer.get("status", {}).get("message", "").replace(" with binding 'b'", ""),
                "warnings": answer["warnings"], "annotations": answer["auditAnnotations"], "cost": answer["cost"]
            }


def theirs(cases):
    """What the API server's code answers. Its cost is None where a budget was used up."""
    questions = [{
        "vap": {
            "policy": p, "bindings": [b or binding(p["metadata"]["name"])], "params": params, "object": obj, "default": False,
            "namespace": [NAMESPACE]
        }
    } for p, b, params, obj in cases]
    for answer in ask(questions):
        problem = answer.get("error", answer.get("message", ""))
        if "error" in answer or "fails to compile" in problem or "compilation error" in problem:
            yield {"invalid": problem}
            continue
        costs = [cost for e in answer.get("evaluations", []) for cost in e["cost"].values()]
        yield {
            "message": answer.get("message", "").replace(" with binding 'b'", ""), "warnings": list(dict.fromkeys(answer.get("warnings", []))),
            "annotations": answer.get("auditAnnotations", {}), "cost": None if None in costs else sum(costs)
        }


def again(case, cost):
    """Whether the API server's code may count COST, too: Go iterates over maps in an order that is a new one each time."""
    return cost in [they["cost"] for they in theirs([case] * 20)]


SAID = ("message", "warnings", "annotations")


def unquoted(answer):
    """What ANSWER says, without what is in quotes: the key of a map at which an iteration stopped."""
    return re.sub(r'"[^"]*"', "", json.dumps([answer[key] for key in SAID]).replace('\\"', '"'))


def by_chance(case, we):
    """Whether the API server's code says now one thing and now another, of which WE say one."""
    several = [they for they in theirs([case] * 20) if "invalid" not in they]
    return len({json.dumps([they[key] for key in SAID]) for they in several}) > 1 and unquoted(we) in map(unquoted, several)


def compare(cases, same=SAME):
    """Both say the same of CASES, and count the same for SAME of them. Returns how many costs were compared."""
    verdicts, costs, compared = [], [], 0
    for case, we, they in zip(cases, ours(cases), theirs(cases)):
        if "invalid" in we or "invalid" in they:
            if not ("invalid" in we and "invalid" in they):
                verdicts.append((case, we, they))
            continue
        if they["cost"] is not None:
            compared += 1
            if we["cost"] != they["cost"] and not again(case, we["cost"]):
                costs.append((case, we["cost"], they["cost"]))
        if any(we[key] != they[key] for key in SAID) and not by_chance(case, we):
            verdicts.append((case, we, they))
    for case, we, they in costs[:SHOWN] + verdicts[:SHOWN]:
        print(f"# redoubt {we}\n# upstream {they}\n#   {json.dumps(case[0]['spec'])[:3000]}")
    print(f"# {len(cases)} cases, {compared} costs: {len(costs)} differ, and {len(verdicts)} verdicts")
    assert compared and len(costs) <= compared * (1 - same) and not verdicts
    return compared


def decoded(objects):
    return [a["object"] for a in ask([{"decode": {"object": obj, "default": True}} for obj in objects]) if "object" in a]


def test_the_catalogue_costs_the_same():
    need_oracle()
    generator = Generator(argument("seed", 1))
    objects = decoded([generator.any() for _ in range(argument("cost-objects", 150))])
    pods = [obj for obj in objects if obj["kind"] == "Pod"]
    policies = [rule.policy for rule in rules().values()]
    wide = [{**p, "spec": {**p["spec"], **policy()["spec"]}} for p in policies]
    compare([(p, None, [], obj) for p in wide for obj in pods[:5] + generator.random.sample(objects, 8)])


def wrapped(expression, variables=()):
    """A policy that evaluates EXPRESSION, of whatever type."""
    return policy(variables=[*variables, {"name": "it", "expression": expression}],
                  validations=[{"expression": "[variables.it].size() > 0"}])


def test_generated_expressions_cost_the_same():
    need_oracle()
    make = Expressions(argument("seed", 1))
    obj = make.object()
    compare([(wrapped(make.any()), None, [], obj) for _ in range(argument("expressions", 3000))])


def test_conformance_cases_cost_the_same():
    need_oracle()
    with open(need_data("cel", "conformance.jsonl"), encoding="utf-8") as file:
        cases = [json.loads(line) for line in file]
    texts = [case["expr"] for case in cases if not case["needs"] and not case["bindings"] and not case["disableMacros"]]
    compare([(wrapped(text), None, [], {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}})
             for text in dict.fromkeys(texts)])


UNBOUNDED = 2**50  # from here on redoubt says there is no upper bound


def estimates(policies):
    """What redoubt says the expressions of POLICIES may cost: {(policy, field): (least, most)}; most is None without a bound."""
    with Folder({f"{i}.yaml": json.dumps(p) for i, p in enumerate(policies)}) as folder:
        result = run("policy", "check", "-o", "json", folder, timeout=TIME_LIMIT)
    assert result.status in (0, 1), result
    return {(p["name"], cost["fieldRef"]): (cost["min"], cost["max"])
            for p in result.json["policies"] for cost in p["costs"]}


FIELDS = {
    "variables": ("variables", "expression"), "matchConditions": ("matchConditions", "expression"),
    "validations": ("validations", "expression"), "messages": ("validations", "messageExpression"),
    "auditAnnotations": ("auditAnnotations", "valueExpression")
}


def expected(name, answer):
    """The same as the API server's code estimates it, and without what does not compile there."""
    for part, costs in answer.items():
        for i, cost in enumerate(costs or []):
            if cost:
                most = None if cost["max"] >= UNBOUNDED else cost["max"]
                yield (name, f"spec.{FIELDS[part][0]}[{i}].{FIELDS[part][1]}"), (cost["min"], most)


def compare_estimates(policies):
    theirs_ = {}
    for p, answer in zip(policies, ask([{"estimate": {"policy": p}} for p in policies])):
        theirs_.update(expected(p["metadata"]["name"], answer))
    ours_ = estimates(policies)
    wrong = [(key, ours_.get(key), cost) for key, cost in theirs_.items() if ours_.get(key) != cost]
    for key, we, they in wrong[:SHOWN]:
        spec = next(p["spec"] for p in policies if p["metadata"]["name"] == key[0])
        print(f"# {key}: redoubt {we}, upstream {they}\n#   {json.dumps(spec)[:2000]}")
    print(f"# {len(theirs_)} estimates: {len(wrong)} differ")
    assert theirs_ and len(wrong) <= len(theirs_) * (1 - SAME)


def test_the_catalogue_is_estimated_the_same():
    need_oracle()
    compare_estimates([rule.policy for rule in rules().values()])


def test_generated_expressions_are_estimated_the_same():
    """Those that compile, which the oracle says first."""
    need_oracle()
    make = Expressions(argument("seed", 1))
    policies = [{**wrapped(make.any()), "metadata": {"name": f"p{i}"}} for i in range(argument("expressions", 3000))]
    answers = ask([{"estimate": {"policy": p}} for p in policies])
    compare_estimates([p for p, a in zip(policies, answers) if a.get("variables", [None])[0]])


class Budgets:
    """Policies whose expressions cost some 100,000 units each, in next to no time: text in text costs the product of
    the lengths.
    """
    SIZES = [1, 30, 200, 500, 900, 990, 1200, 2600]

    def __init__(self, seed):
        self.random = random.Random(seed)

    @classmethod
    def object(cls):
        return {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "shop"},
            "data": {"hay": "h" * 10000, **{f"n{size}": "n" * 10 * size for size in cls.SIZES}}
        }

    def burn(self, params=False):
        """False, after SIZE thousand units."""
        source = "params" if params and self.random.random() < 0.4 else "object"
        return f"{source}.data.hay.contains({source}.data.n{self.random.choice(self.SIZES)})"

    def boolean(self, params, variables=0):
        text = self.random.choice(["!", ""]) + self.burn(params)
        if variables and self.random.random() < 0.6:
            text = f"variables.v{self.random.randrange(variables)} || {text}"
        return self.random.choice([text, text, f"{text} || {self.burn(params)}", f"{text} || 1/0 == 1", "true"])

    def text(self, params, variables):
        return self.random.choice([
            f"string({self.boolean(params, variables)})", "'plain'", f"{self.boolean(params, variables)} ? 'a' : 'b'", "''"
        ])

    def few(self, most):
        return range(self.random.randrange(most + 1))

    def policy(self, params):
        count = self.random.choice([0, 0, 3, 9])
        spec = {
            "variables": [{"name": f"v{i}", "expression": self.boolean(params, i)} for i in range(count)],
            "matchConditions": [{"name": f"c{i}", "expression": self.boolean(params)} for i in self.few(4)],
            "validations": [{"expression": self.boolean(params, count)} for _ in range(1 + self.random.randrange(13))],
            "failurePolicy": self.random.choice(["Fail", "Fail", "Fail", "Ignore"])
        }
        for validation in spec["validations"]:
            if self.random.random() < 0.5:
                validation["messageExpression"] = self.text(params, count)
        if self.random.random() < 0.4:
            spec["auditAnnotations"] = [{"key": f"k{i}", "valueExpression": self.text(params, count)}
                                        for i in self.few(14)]
        if params:
            spec["paramKind"] = {"apiVersion": "v1", "kind": "ConfigMap"}
        return policy(**spec)

    def case(self):
        params = self.random.random() < 0.3
        actions = self.random.choice([["Deny"], ["Deny"], ["Warn"], ["Audit"], ["Deny", "Audit"]])
        bound = binding(validationActions=actions)
        if params:
            bound["spec"]["paramRef"] = {"name": "c", "namespace": "shop", "parameterNotFoundAction": "Deny"}
        return self.policy(params), bound, [self.object()] if params else [], self.object()


def test_budgets_run_out_the_same():
    need_oracle()
    make = Budgets(argument("seed", 1))
    cases = [make.case() for _ in range(argument("budgets", 250))]
    compare(cases)
    words = ["further validation rules", "failed messageExpression", "cost limit exceeded"]
    said = [json.dumps(we) for we in ours(cases)]
    for word in words:
        assert sum(word in text for text in said) > len(cases) // 50, word


main()
