"""Where a search finds no tag of this name: an offer to add it."""

from __future__ import annotations

from typing import Any

import pytest

from vectortag.apps.ui.loaded_model import LoadedModel
from vectortag.model.folder import ModelFolder

pytest.importorskip("streamlit")
PAGES = {"your_tags": "your tags"}


@pytest.fixture
def worded_model(worded: ModelFolder) -> LoadedModel:
    return LoadedModel(worded)


@pytest.fixture
def offer(draw: Any) -> Any:
    from vectortag.apps.ui.views.tag_offer import offer_tag

    return lambda model, name: draw(offer_tag, model, name, pages=PAGES)


def test_a_model_that_knows_no_words_takes_photos_only(offer: Any, model: LoadedModel):
    assert [button.label for button in offer(model, "lantern").button] == ["From photos"]


def test_from_photos_leads_to_the_form_with_the_name_in_it(offer: Any, click: Any, model: LoadedModel, switched: Any):
    page = click(offer(model, "lantern"), "From photos")

    assert page.session_state["wanted_tag"] == "lantern"
    assert switched == ["your tags"]


def test_from_its_name_the_model_has_the_tag_at_once(offer: Any, click: Any, worded_model: LoadedModel):
    page = click(offer(worded_model, "Horse "), "From its name")

    assert not page.error, page.error
    assert [tag.name for tag in worded_model.tagger().additions] == ["horse"]
    assert not page.error


def test_why_a_name_is_none_is_told_and_nothing_is_added(offer: Any, click: Any, worded_model: LoadedModel):
    page = click(offer(worded_model, "dog"), "From its name")

    assert 'the tag "dog" exists already' in page.error[0].value
    assert worded_model.tagger().additions == ()
