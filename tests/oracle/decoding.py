#!/usr/bin/env python3
"""Objects as they are written: redoubt decodes them as the API server does, so that the rules say the same.

What is known to differ stands in KNOWN with its reason and is told as skipped (--known=1 shows it). When it differs no more,
that is a failure: the entry has to go. --objects=N generates N objects (600; 6000 with --nightly), --seed=N others.
"""
from corpus import *
from generate import Generator

KNOWN = {}


def judge(title, how):
    generator = Generator(argument("seed", 1))
    count = argument("objects", 600, nightly=6000) // 5
    judge_objects(title, [generator.spoil(generator.any(), how) for _ in range(count)])


def judge_objects(title, objects):
    need_oracle()
    try:
        compare(objects, shown_most=0 if title in KNOWN and not argument("known", 0) else SHOWN)
    except Disagreement as problem:
        if title not in KNOWN or argument("known", 0):
            raise
        raise Skip(f"{KNOWN[title]} ({str(problem).splitlines()[0]})") from None
    assert title not in KNOWN, "the two agree now: take it out of KNOWN"


def test_fields_that_are_null():
    judge("fields that are null", ["null field"])


def test_fields_that_are_empty():
    judge("fields that are empty", ["empty"])


def test_required_fields_left_out():
    judge("required fields left out", ["missing"])


def test_entries_of_maps_that_are_null():
    judge("entries of maps that are null", ["null entry"])


def test_items_of_lists_that_are_null():
    judge("items of lists that are null", ["null item"])


def test_manifests_of_real_projects():
    judge_objects("manifests of real projects", distinct(manifests()))


main()
