"""What reads the sentences of a search: the words of the model, or a person's own encoder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from vectortag.core.types import FloatArray
from vectortag.inference.search import doubt_of, no_match
from vectortag.model.encoder import Encoder
from vectortag.model.words.similarity import Words
from vectortag.model.words.word_vectors import sentence_vector


class SentenceReader(Protocol):
    """Attributes: `knows_english_only`: whether a sentence of another language has to be translated."""

    @property
    def knows_english_only(self) -> bool: ...

    def query(self, sentence: str) -> FloatArray:
        """(D,) of length 1: where photos point that a sentence describes.

        Raises:
            MissingExtraError, WordsError, ModelFolderError: it cannot be read.
        """

    def doubt(self, sentence: str) -> str | None:
        """Why the order may mean nothing, or None."""

    def no_match(self, sentence: str, best: float) -> str | None:
        """What to say where no photo clearly shows the sentence, or None. `best` is the highest cosine of a photo."""


@dataclass(frozen=True, eq=False)
class ModelSentences:
    """The words of a model, called `name`."""

    words: Words
    name: str
    knows_english_only: bool = True
    _texts: dict[str, FloatArray] = field(default_factory=dict)
    """Of the last sentence: `query` and `doubt` ask for the same."""

    def _text(self, sentence: str) -> FloatArray:
        if sentence not in self._texts:
            text = sentence_vector(sentence)
            self._texts.clear()
            self._texts[sentence] = text
        return self._texts[sentence]

    def query(self, sentence: str) -> FloatArray:
        """See `SentenceReader`."""
        direction: FloatArray = self.words.queries(self._text(sentence)[None])[0]
        return direction

    def doubt(self, sentence: str) -> str | None:
        """See `SentenceReader`."""
        return doubt_of(self.words, sentence, self._text(sentence), self.name)

    def no_match(self, sentence: str, best: float) -> str | None:
        """See `SentenceReader`."""
        return no_match(self.words, sentence, self._text(sentence), best)


@dataclass(frozen=True, eq=False)
class EncoderSentences:
    """An encoder, which may know any language."""

    encoder: Encoder
    knows_english_only: bool = False

    def query(self, sentence: str) -> FloatArray:
        """See `SentenceReader`."""
        query: FloatArray = self.encoder.embed_texts([sentence])[0]
        return query

    def doubt(self, sentence: str) -> str | None:
        """None: nothing is known of how far its words reach."""
        del sentence
        return None

    def no_match(self, sentence: str, best: float) -> str | None:
        """None: no line was measured for it."""
        del sentence, best
        return None
