"""The error tree: one root, drawn as it is, and messages that say what to do next."""

from __future__ import annotations

import re

import pytest

import vectortag
from vectortag.core import errors
from vectortag.core.errors import MissingExtraError, VectorTagError, did_you_mean


def test_the_docstring_draws_every_error_there_is():
    drawn = re.findall(r"── (\w+)", errors.__doc__)

    assert drawn == [
        error.__name__ for error in VectorTagError.__subclasses__() if error.__module__ == "vectortag.core.errors"
    ]


@pytest.mark.parametrize("name", [name for name in dir(errors) if name.endswith("Error")])
def test_every_error_can_be_caught_by_the_root_and_is_public(name):
    assert issubclass(getattr(vectortag, name), VectorTagError)
    assert name in vectortag.__all__


def test_a_missing_extra_gives_the_command_that_installs_it():
    error = MissingExtraError("Training", "torch", "train")

    assert str(error) == "Training needs torch. Install it with: pip install 'vectortag[train]'"


def test_the_closest_known_word_is_proposed_whatever_its_case():
    assert did_you_mean("BEECH", ["boat", "beach"]) == ' Did you mean "beach"?'


def test_nothing_is_proposed_where_nothing_is_close():
    assert did_you_mean("xylophone", ["beach", "boat"]) == ""
    assert did_you_mean("beach", []) == ""
