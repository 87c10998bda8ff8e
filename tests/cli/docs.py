#!/usr/bin/env python3
"""Every command in a `console` block of the documentation works."""
import glob
import shlex

from lib import *


def commands():
    for page in [os.path.join(ROOT, "README.md"), *sorted(glob.glob(os.path.join(ROOT, "docs", "**", "*.md"), recursive=True)),
                 os.path.join(ROOT, "examples", "shop", "README.md")]:
        inside = False
        for line in map(str.strip, open(page, encoding="utf-8")):
            if line.startswith("```"):
                inside = line == "```console"
            elif inside and line.startswith("$ redoubt "):
                yield os.path.relpath(page, ROOT), shlex.split(line[2:], comments=True)[1:]


def test_commands_of_the_documentation_run():
    count = 0
    for page, arguments in commands():
        r = run(*arguments, cwd=ROOT)
        assert r.status in (0, 1) and not r.err, (page, arguments, r)
        count += 1
    assert count >= 10, count


def test_links_of_the_documentation_lead_somewhere():
    import re
    for page in [os.path.join(ROOT, name) for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")] + glob.glob(
            os.path.join(ROOT, "docs", "**", "*.md"), recursive=True):
        for target in re.findall(r"\]\(([^)#:]+)\)", open(page, encoding="utf-8").read()):
            assert os.path.exists(os.path.join(os.path.dirname(page), target)), (page, target)


main()
