#!/usr/bin/env python3
"""secrets rotate-plan and verify on a live control plane with two API servers: done as planned, every step passes; not done, or
left out, it fails; and Secrets can be read all the while."""
import socket
import stat

from at_rest import *


class Second:
    """Another API server over the same etcd, with a configuration file of its own."""

    def __init__(self, store):
        self.store, self.config, self.process = store, os.path.join(store.folder, "second.yaml"), None
        shutil.copy(os.path.join(store.folder, "encryption.yaml"), self.config)
        self.port = None

    def start(self):
        pid = open(os.path.join(self.store.folder, "kube-apiserver.pid"), encoding="utf-8").read().strip()
        arguments = open(f"/proc/{pid}/cmdline", "rb").read().decode().split("\0")[:-1]
        executable = os.readlink(f"/proc/{pid}/exe")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        replaced = {"--secure-port": str(self.port), "--encryption-provider-config": self.config, "--audit-log-path": os.path.join(self.store.folder, "second.log")}
        arguments = [f"{a.split('=')[0]}={replaced[a.split('=')[0]]}" if a.split("=")[0] in replaced else a for a in arguments]
        with open(os.path.join(self.store.folder, "second.out"), "wb") as out:
            self.process = subprocess.Popen(arguments, executable=executable, stdout=out, stderr=out)
        self.store.server.wait(lambda: self.get("/readyz")[0] == 200, "the second API server")

    def get(self, path):
        try:
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.store.server.context, timeout=PATIENCE)
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        except OSError:
            return 0, b""

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart(self):
        self.stop()
        self.start()


def readable(store, second):
    """Both servers can read what either writes."""
    names = {item["metadata"]["name"] for item in store.server.request("GET", "/api/v1/namespaces/default/secrets").body["items"]}
    status, body = second.get("/api/v1/namespaces/default/secrets")
    assert status == 200 and {item["metadata"]["name"] for item in json.loads(body)["items"]} == names and len(names) >= 4, (status, body[:500])


def test_a_rotation_as_planned():
    with cluster() as server, tempfile.TemporaryDirectory() as scratch:
        store = Store(server)
        second = Second(store)
        second.start()
        try:
            rotate(store, second, scratch)
        finally:
            second.stop()


def rotate(store, second, scratch):
    config, data, plan = os.path.join(store.folder, "encryption.yaml"), os.path.join(store.folder, "etcd"), os.path.join(scratch, "plan")
    make(store, "a", "b", "c", "d")
    made = run("secrets", "rotate-plan", "--config", config, "--server", "one,two", "--key-name", "k2", "--generate-key", "--write", plan)
    assert made.status == 0, made
    steps = {step["name"]: step for step in json.load(open(os.path.join(plan, "plan.json"), encoding="utf-8"))["steps"]}
    assert list(steps) == ["add-key", "restart-add", "promote-key", "restart-promote", "rewrite", "verify", "remove-old", "restart-remove", "compact", "defragment"]
    # The keys are in files that nobody else may read, and nowhere else.
    keys = set()
    for name in os.listdir(plan):
        assert stat.S_IMODE(os.stat(os.path.join(plan, name)).st_mode) == 0o600, name
        keys |= set(re.findall(r'secret: "([^"]{20,})"', open(os.path.join(plan, name), encoding="utf-8").read()))
    assert len(keys) == 2 and not any(key in made.text + made.err + json.dumps(steps) for key in keys), "keys are not shown"

    def verify(step, *arguments, want):
        time.sleep(0.4)
        result = run("secrets", "verify", "--plan", plan, "--step", step, "--config", config, "--config", second.config, *(arguments or (data, )))
        assert result.status == want, (step, want, result)
        assert not any(key in result.text + result.err for key in keys) and MARKER not in result.text + result.err
        return result

    def install(step, *paths):
        for path in paths or (config, second.config):
            shutil.copyfile(os.path.join(plan, steps[step]["file"]), path)

    def put_back(step):
        """The file of another step on both servers, as old as it was."""
        for path in (config, second.config):
            times = os.stat(path)
            shutil.copyfile(os.path.join(plan, steps[step]["file"]), path)
            os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))

    verify("add-key", want=1)
    install("add-key", config)
    verify("add-key", want=1)  # the second server has not got it
    install("add-key")
    verify("add-key", want=0), verify("1", want=0)
    verify("restart-add", want=1)
    put_back("promote-key")
    assert "not restarted since the plan" in verify("promote-key", want=1).text  # left out: restart-add
    put_back("add-key")
    restart(store.folder)
    verify("restart-add", want=1)  # only one was restarted
    second.restart()
    verify("restart-add", want=0)
    verify("promote-key", want=1)
    make(store, "a")
    readable(store, second)
    install("promote-key")
    verify("promote-key", want=0)
    verify("restart-promote", want=1)
    restart(store.folder)
    make(store, "e")  # the new key writes, while the second server still writes with the old one
    readable(store, second)
    verify("restart-promote", want=1)
    second.restart()
    verify("restart-promote", want=0)
    readable(store, second)
    verify("rewrite", want=1)
    os.rename(config, config + ".kept")
    shutil.copyfile(os.path.join(plan, steps["remove-old"]["file"]), config)
    verify("remove-old", want=1)  # left out: rewrite
    os.rename(config + ".kept", config)
    subprocess.run(f"'{store.folder}/kubectl' get secrets -A -o json | '{store.folder}/kubectl' replace -f -", shell=True, check=True, stdout=subprocess.DEVNULL)
    verify("rewrite", want=0), verify("verify", want=0)
    verify("verify", "--endpoint", store.endpoint, *store.tls, want=0)
    verify("remove-old", want=1)
    install("remove-old")
    verify("remove-old", want=0)
    verify("restart-remove", want=1)
    restart(store.folder)
    second.restart()
    verify("restart-remove", want=0)
    readable(store, second)
    verify("compact", want=1)
    verify("compact", "--endpoint", store.endpoint, *store.tls, want=3)  # an endpoint does not show it
    store.defragment()
    verify("defragment", want=1)  # left out: compact
    store.compact()
    verify("compact", want=0)
    store.defragment()
    verify("defragment", want=0)
    readable(store, second)
    report = run("secrets", "at-rest", "--config", config, store.snapshot(os.path.join(scratch, "snapshot.db")))
    assert report.status == 0 and report.text.splitlines()[-2].startswith("clean:"), report


if __name__ == "__main__":
    main()
