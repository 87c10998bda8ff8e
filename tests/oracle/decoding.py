#!/usr/bin/env python3
"""Objects as they are written: redoubt decodes them as the API server does, so that the rules say the same.

What is known to differ stands in KNOWN with its reason and is told as skipped. When it differs no more, that is a failure: the
entry has to go. --objects=N generates N objects (600), --seed=N others.
"""
from differences import *
from generate import Generator

KNOWN = {
    "fields that are null": None,
    "fields that are empty": None,
    "required fields left out": None,
    "entries of maps that are null": None,
    "items of lists that are null": None,
}


def judge(title, how):
    need_oracle()
    generator = Generator(argument("seed", 1))
    count = argument("objects", 600) // len(KNOWN)
    objects = [generator.spoil(generator.any(), how) if how else generator.any() for _ in range(count)]
    try:
        compare(objects)
    except Disagreement as problem:
        if not KNOWN[title] or argument("known", 0):
            raise
        raise Skip(f"{KNOWN[title]} ({str(problem).splitlines()[0]})") from None
    assert not KNOWN[title], "the two agree now: take it out of KNOWN"


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


main()
