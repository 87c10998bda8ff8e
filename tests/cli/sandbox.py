#!/usr/bin/env python3
"""The process that reads manifests is confined, and needs nothing around it."""
import shutil
import time

from lib import *


def kernel_has_landlock():
    return os.path.exists("/sys/kernel/security/landlock") or "Landlock ABI" in scan(GOOD, "-v").err


def test_it_runs_in_an_empty_chroot():
    if os.geteuid() != 0:
        raise Skip("needs root for chroot")
    with Folder({"a.yaml": BAD}) as path:
        shutil.copy(REDOUBT, os.path.join(path, "redoubt"))
        process = subprocess.run(["chroot", path, "/redoubt", "scan", "/a.yaml", "-o", "json"], capture_output=True, check=False)
        assert process.returncode == 1 and b"pods/privileged" in process.stdout, process


def test_a_scan_is_under_seccomp_and_no_new_privs():
    with Folder({"a.yaml": ("---\n" + BAD) * 60000}) as path:
        process = subprocess.Popen([REDOUBT, "scan", path, "-o", "json"], stdout=subprocess.DEVNULL)
        seen = ""
        for _ in range(2000):
            try:
                status = open(f"/proc/{process.pid}/status", encoding="utf-8").read()
            except OSError:
                break
            if "Seccomp:\t2" in status:
                seen = status
                break
            time.sleep(0.001)
        process.kill()
        process.wait()
        assert "NoNewPrivs:\t1" in seen, "the scan was never seen under seccomp"


def test_verbose_says_how_it_is_confined():
    r = scan(GOOD, "-v")
    assert "seccomp" in r.err and "confined" in r.err, r


def test_links_out_of_the_given_folder_are_not_followed():
    if not kernel_has_landlock():
        raise Skip("the kernel has no Landlock")
    with Folder({"secret.yaml": BAD}) as outside, Folder({"a.yaml": GOOD}) as path:
        os.symlink(os.path.join(outside, "secret.yaml"), os.path.join(path, "link.yaml"))
        r = run("scan", path, "-o", "json")
        assert r.status == 3 and not r.json["findings"] and "link.yaml" in r.json["diagnostics"][0]["file"], r


main()
