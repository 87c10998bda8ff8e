"""What the tests of the real binary share. Each test is a function; `main` runs those of a script and prints TAP-like lines.

    from lib import *
    def test_clean_is_0(): assert scan(GOOD).status == 0
    main()
"""
import json
import os
import subprocess
import sys
import tempfile
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
REDOUBT = os.environ.get("REDOUBT", os.path.join(ROOT, "build", "redoubt"))
DATA = os.environ.get("REDOUBT_TEST_DATA")

# A ConfigMap that no rule objects to, and a Pod that one does.
GOOD = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: good\n  namespace: shop\ndata:\n  colour: blue\n"
BAD = ("apiVersion: v1\nkind: Pod\nmetadata:\n  name: bad\n  namespace: shop\nspec:\n  containers:\n    - name: c\n"
       "      image: registry.example.com/c:1.0\n      securityContext:\n        privileged: true\n")


class Skip(Exception):
    """Raised with the reason by a test that cannot run here."""


class Result:
    def __init__(self, process):
        self.status = process.returncode
        self.out = process.stdout
        self.err = process.stderr.decode("utf-8", "replace")

    @property
    def text(self):
        return self.out.decode("utf-8", "replace")

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"status {self.status}\n--- out\n{self.text[:3000]}\n--- err\n{self.err[:3000]}"


def run(*arguments, stdin=b"", timeout=120, env=None, cwd=None):
    """Runs redoubt. A run that takes longer than TIMEOUT is a failure."""
    if isinstance(stdin, str):
        stdin = stdin.encode()
    environment = {**os.environ, "LC_ALL": "C.UTF-8", **(env or {})}
    return Result(subprocess.run([REDOUBT, *arguments], input=stdin, capture_output=True, timeout=timeout, env=environment,
                                 cwd=cwd, check=False))


def scan(text, *arguments, **options):
    """Scans TEXT from standard input."""
    return run("scan", "-", *arguments, stdin=text, **options)


def scan_json(text, *arguments, **options):
    return scan(text, "-o", "json", *arguments, **options).json


class Folder:
    """A temporary folder with files: with Folder({"a.yaml": "..."}) as path."""

    def __init__(self, files=None):
        self.files = files or {}

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        for name, content in self.files.items():
            path = os.path.join(self.folder.name, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(content.encode() if isinstance(content, str) else content)
        return self.folder.name

    def __exit__(self, *_):
        self.folder.cleanup()


def places(report, rule=None):
    return [(f["location"]["line"], f["location"]["column"]) for f in report["findings"] if rule in (None, f["rule"])]


def peak_mb(*arguments, stdin=b""):
    """Runs redoubt and returns (Result, peak resident memory in MB)."""
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        source.write(stdin.encode() if isinstance(stdin, str) else stdin)
        source.seek(0)
        process = subprocess.Popen([REDOUBT, *arguments], stdin=source, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        process.stdout, process.stderr = out.read(), err.read()
        return Result(process), usage.ru_maxrss / 1024


def need_data(*parts):
    if not DATA:
        raise Skip("the shared test data is not there")
    return os.path.join(DATA, *parts)


def main():
    script = sys.modules["__main__"]
    failed = 0
    for name, function in sorted(vars(script).items(), key=lambda item: getattr(item[1], "__code__", None) and
                                 item[1].__code__.co_firstlineno or 0):
        # What a suite imports from another one is that one's to run.
        if not name.startswith("test_") or function.__module__ != "__main__":
            continue
        title = name[5:].replace("_", " ")
        try:
            function()
            print(f"ok - {title}")
        except Skip as skip:
            print(f"skipped - {title}: {skip}")
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print(f"not ok - {title}")
            for line in traceback.format_exc().splitlines():
                print(f"    {line}")
        sys.stdout.flush()
    sys.exit(1 if failed else 0)
