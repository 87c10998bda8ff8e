#!/usr/bin/env python3
"""A live cluster of many pods (kwok plays its nodes): what a scan and a snapshot of it take. --pods=N (2000).

The peak of a program that was just started is at least that of the one that started it, so this is a suite of its own. Seconds are
told, not asserted."""
from watch import *


def usage_of(*arguments):
    """(Result, wall seconds, processor seconds, MB at most)"""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.monotonic()
        process = subprocess.Popen([RELEASE, *arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - started
        out.seek(0)
        err.seek(0)
        return os.waitstatus_to_exitcode(status), out.read(), err.read(), wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


@contextlib.contextmanager
def kwok(server, folder):
    program, stages = (os.path.join(ROOT, ".build", "oracle", name) for name in ("kwok", "kwok-stages"))
    with open(os.path.join(folder, "kwok.log"), "wb") as log:
        process = subprocess.Popen([program, "--kubeconfig", os.path.join(server.folder, "admin.conf"), "--manage-all-nodes=false", "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
                                    "--node-lease-duration-seconds=40", *[f"--config={os.path.join(stages, name)}" for name in sorted(os.listdir(stages))]], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait()


def test_two_thousand_pods():
    built = subprocess.run([os.path.join(ROOT, "oracle", "build"), "kwok"], capture_output=True, text=True, timeout=TIME_LIMIT, check=False)
    if built.returncode == 77:
        raise Skip(built.stdout.strip())
    assert built.returncode == 0, built.stderr
    if not os.access(RELEASE, os.X_OK):
        raise Skip("there is no release build to measure")
    pods = argument("pods", 2000)
    with cluster() as server, tempfile.TemporaryDirectory() as folder, kwok(server, folder):
        server.put({"apiVersion": "v1", "kind": "Namespace", "metadata": meta("shop")})
        nodes = [{"apiVersion": "v1", "kind": "Node", "metadata": meta(f"node-{i}", annotations={"kwok.x-k8s.io/node": "fake"}, labels={"kubernetes.io/hostname": f"node-{i}"})} for i in range(20)]
        server.each(server.put, nodes)
        workloads = [deployment(f"web-{i}", "shop") for i in range(pods // 20)]
        for i, workload in enumerate(workloads):
            workload["spec"]["replicas"] = 10
            workload["spec"]["template"]["spec"]["nodeName"] = f"node-{i % 20}"
        single = [pod(f"pod-{i}", "shop", privileged=i % 5 == 0) for i in range(pods // 2)]
        for i, one in enumerate(single):
            one["spec"]["nodeName"] = f"node-{i % 20}"
        server.each(server.put, workloads + single)

        def running():
            items = server.request("GET", "/api/v1/namespaces/shop/pods").body["items"]
            return len(items) >= pods // 20 * 10 + pods // 2 and sum(p["status"].get("phase") == "Running" for p in items) >= len(items) * 9 // 10
        server.wait(running, "pods that run")
        config, snapshot = os.path.join(folder, "config"), os.path.join(folder, "snapshot")
        with open(config, "w", encoding="utf-8") as file:
            file.write(kubeconfig(server))
        status, out, err, wall, cpu, peak = usage_of("scan", "--cluster", "-o", "json", "--kubeconfig", config)
        report = json.loads(out)
        print(f"# {pods} pods, {report['coverage']['objects']} objects, {len(report['findings'])} findings: {wall:.2f} s wall, {cpu:.2f} s processor, {peak:.0f} MB", flush=True)
        assert status == 1 and report["coverage"]["repeated"] > pods, (status, err[-1000:])
        assert peak < 150, peak
        status, out, err, wall, cpu, peak = usage_of("snapshot", "save", snapshot, "--kubeconfig", config)
        print(f"# snapshot save: {wall:.2f} s wall, {cpu:.2f} s processor, {peak:.0f} MB", flush=True)
        assert status == 0 and peak < 150, (status, err)
        later = json.loads(usage_of("scan", "--from", snapshot, "-o", "json")[1])
        assert {f["fingerprint"] for f in later["findings"]} == {f["fingerprint"] for f in report["findings"]}
        check_log(server)


if __name__ == "__main__":
    main()
