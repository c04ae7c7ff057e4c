"""The tags that a command was given, in the user's language."""

from __future__ import annotations

from collections.abc import Iterable

from vectortag.core.errors import UnknownTagError
from vectortag.inference.tagger import Tagger
from vectortag.model.language import Language


def tags_named(words: Iterable[str], tagger: Tagger, language: Language) -> list[str]:
    """The model's tags that words of a language name; synonyms and English names are understood.

    Raises:
        UnknownTagError: the model does not have such a tag.
    """
    return [tagger.tags[_index(word, tagger, language)] for word in words]


def _index(word: str, tagger: Tagger, language: Language) -> int:
    try:
        return tagger.place(language.tag_of(word))
    except UnknownTagError as error:
        if not language.tags:
            raise
        close = language.closest(word, tagger.tags)
        hint = f' Did you mean "{close}"?' if close else ""
        raise UnknownTagError(
            f'model "{tagger.folder.manifest.name}": no tag "{word}", in {language.title} or English.{hint} '
            f"All tags: vectortag inspect {tagger.folder.manifest.name}"
        ) from error
