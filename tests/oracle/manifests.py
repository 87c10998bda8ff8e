#!/usr/bin/env python3
"""Manifests of real projects, as the API server decodes them: the whole catalogue says of them what its code says."""
from corpus import *


def test_real_manifests_as_they_are_decoded():
    need_oracle()
    compare(distinct(manifests()), as_seen=False)


def test_real_manifests_with_their_defaults():
    need_oracle()
    compare(distinct(manifests()), as_seen=True)


main()
