#!/usr/bin/env python3
"""The binary against data whose verdict is known: Pod Security Standards and real manifests."""
import re

from lib import *


def version_key(version):
    return tuple(int(part) for part in version.lstrip("v").split("."))


def test_rules_pass_their_own_tests():
    r = run("policy", "test", os.path.join(ROOT, "policies"))
    assert r.status == 0, r


def test_pod_security_standards_agree_with_upstream():
    cases = [json.loads(line) for line in open(need_data("pss", "pods.jsonl"), encoding="utf-8")]
    total = 0
    for level in ("baseline", "restricted"):
        newest = max((c["version"] for c in cases if c["level"] == level), key=version_key)
        chosen = [c for c in cases if c["level"] == level and c["version"] == newest]
        # restrictedvolumes0 has a volume without a source, which the API server turns into emptyDir before admission.
        text = "\n---\n".join(json.dumps({**c["pod"], "metadata": {**c["pod"]["metadata"], "name": f"case-{i}"}})
                              for i, c in enumerate(chosen))
        report = scan_json(text, "--framework", f"pss-{level}")
        found = {f["resource"]["name"] for f in report["findings"]}
        assert report["coverage"]["objects"] == len(chosen)
        wrong = [(c["file"], c["expect"]) for i, c in enumerate(chosen) if (f"case-{i}" in found) != (c["expect"] == "fail")
                 and not c.get("note")]
        assert not wrong, wrong[:10]
        total += len(chosen)
    assert total > 100, total


def manifests():
    inventory = [json.loads(line) for line in open(need_data("manifests", "inventory.jsonl"), encoding="utf-8")]
    return os.path.join(DATA, "manifests"), inventory


def test_real_manifests_are_read_whole():
    folder, inventory = manifests()
    r = run("scan", folder, "-o", "json")
    report = r.json
    broken = [d for d in report["diagnostics"] if d["incomplete"]]
    assert not broken and report["coverage"]["notJudged"] == 0, broken[:10]
    # A List counts as one manifest in the inventory, as its items here.
    lists = sum(n for f in inventory for kind, n in f["kinds"].items() if kind.endswith("List"))
    assert report["coverage"]["objects"] >= sum(f["manifests"] for f in inventory) - lists, report["coverage"]
    assert len(report["findings"]) > 500


def test_findings_of_real_manifests_point_at_their_text():
    folder, _ = manifests()
    report = run("scan", folder, "-o", "json").json
    texts, wrong, checked = {}, [], 0
    for finding in report["findings"]:
        for place in [finding["location"], *finding["related"]]:
            lines = texts.setdefault(place["file"], open(place["file"], encoding="utf-8").read().splitlines())
            match = re.search(r'(?:\.|^)([A-Za-z][\w-]*)$|\["([^"]+)"\]$', place["path"])
            if not match:
                continue
            key = match.group(1) or match.group(2)
            line, column = lines[place["line"] - 1], place["column"]
            # The key stands on the line, or, where the value begins below it, on a line above.
            code = [text for text in lines[:place["line"]] if text.strip() and not text.lstrip().startswith("#")]
            above = " ".join(code[-4:])
            checked += 1
            if not re.search(r'["\']?' + re.escape(key) + r'["\']?\s*:', above) or column > len(line):
                wrong.append((place, line))
    assert checked > 500 and not wrong, (checked, len(wrong), wrong[:5])


def test_the_result_does_not_depend_on_the_number_of_threads():
    folder = os.path.join(ROOT, "examples", "shop")
    one = run("scan", folder, "-o", "json", "-j", "1").out
    for threads in ("2", "3", "16"):
        assert run("scan", folder, "-o", "json", "-j", threads).out == one
    if DATA:
        folder, _ = manifests()
        assert run("scan", folder, "-o", "sarif", "-j", "1").out == run("scan", folder, "-o", "sarif", "-j", "4").out


def test_fingerprints_survive_moves():
    moved = scan_json("# a comment\n\n" + GOOD + "---\n" + BAD)
    assert [f["fingerprint"] for f in moved["findings"]] == [f["fingerprint"] for f in scan_json(BAD)["findings"]]


main()
