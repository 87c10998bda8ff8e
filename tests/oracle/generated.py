#!/usr/bin/env python3
"""Generated objects of many kinds against the whole catalogue: the same rules say the same thing.

Both engines get the objects as the API server decodes them, so that this is about rules alone (decoding.py is about the rest).
--objects=N generates N objects (1500; 15000 with --nightly), --seed=N others.
"""
from differences import *
from generate import Generator

SPOILED = ("missing", "empty", "null field", "null entry", "null item")


def judge(make, part, default=False):
    need_oracle()
    generator = Generator(argument("seed", 1))
    count = max(argument("objects", 1500, nightly=15000) * part // 15, 1)
    objects = [make(generator) for _ in range(count)]
    unreadable = decoded(objects, default).count(None)
    assert unreadable < count / 2, f"{unreadable} of {count} objects cannot be decoded"
    compare(objects, as_seen=default)


def test_pods():
    judge(Generator.pod, 2)


def test_workloads():
    judge(Generator.workload, 2)


def test_services():
    judge(Generator.service, 1)


def test_roles():
    judge(Generator.role, 1)


def test_role_bindings():
    judge(Generator.binding, 1)


def test_network_policies():
    judge(Generator.network_policy, 1)


def test_ingresses():
    judge(Generator.ingress, 1)


def test_small_kinds():
    judge(Generator.small, 1)


def test_objects_with_their_defaults():
    judge(Generator.any, 2, default=True)


def test_spoiled_objects():
    """Parts left out, null and empty where nobody would think of it."""
    judge(lambda generator: generator.spoil(generator.any(), SPOILED), 3)


main()
