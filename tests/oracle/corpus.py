"""The manifests of real projects."""
import re

from differences import *

TOOLS = {"kustomize.config.k8s.io", "kind.x-k8s.io", "skaffold"}  # files for programs on a laptop; no cluster gets them


def manifests():
    """Every object of the files; items of Lists as objects of their own."""
    folder = pathlib.Path(need_data("manifests"))
    texts = [part for path in sorted(folder.rglob("*.y*ml")) for part in split(path.read_text(encoding="utf-8"))]
    for document in documents(texts):
        if not isinstance(document, dict) or not document.get("kind") or not document.get("apiVersion") or group_of(
                document) in TOOLS:
            continue
        if document["kind"].endswith("List") and "items" in document:
            inherited = {} if document["kind"] == "List" else {
                "apiVersion": document["apiVersion"], "kind": document["kind"].removesuffix("List")
            }
            yield from ({**inherited, **item} for item in document["items"])
        else:
            yield document


def distinct(objects):
    """OBJECTS that differ in more than their name; without those of APIs that are no longer served (which redoubt takes for their
    successors) and without Namespaces (which would be those of others).
    """
    seen = {json.dumps(renamed(obj, 0), sort_keys=True): obj for obj in objects if obj["kind"] != "Namespace"}
    known = ask([{"decode": {"object": obj}} for obj in seen.values()])
    served = [
        obj for obj, answer in zip(seen.values(), known)
        if not is_builtin(obj) or answer.get("known") and re.search(r"(^|/)v\d+$", obj["apiVersion"])
    ]
    assert len(served) > 800, len(served)
    return served
