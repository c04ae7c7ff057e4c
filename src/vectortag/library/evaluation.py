"""A query over the photos of a library: what each part of it finds, and what its words, fields and names mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from vectortag.core.errors import QueryError
from vectortag.core.types import FloatArray
from vectortag.library.lexicon import SEEN_TOGETHER, SMALL_WORDS, Meaning
from vectortag.library.photo_filters import analysed_by, rated, taken, taken_near, with_keywords
from vectortag.library.query import And, Dated, Named, Node, Not, Or, Phrase, Placed, Rated, Scored, Word, Words
from vectortag.library.ranking import RankedBy, Ranking, by_likeness, by_sentence, joined
from vectortag.library.searched import Searched
from vectortag.model.sentence import leave_out

IN_NAME = np.float32(0.5)
"""What the name of a folder or file counts: a keyword is certain, and a tag that the model shows has its score."""

PUNCTUATION = ",;.!?'"
"""What people put behind or around words; it counts where something is called so."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Attributes: `values` (N,), and what a photo has whose value is not 0; `has_number`: say the value, too."""

    text: str
    values: FloatArray
    has_number: bool = False

    def at(self, row: int) -> str:
        """In words, of one photo."""
        return f"{self.text} {self.values[row]:.2f}" if self.has_number else self.text


@dataclass(eq=False)
class Evaluation:
    """What a query finds.

    Attributes:
        found: (N,) bool.
        scores: (N,) what to order by.
        reasons, readings: see `vectortag.library.search`.
        tags: of the model, that photos were asked to show.
        sentence: what was read as a sentence, or None.
        ranked_by: None where `scores` are the products of the query's own numbers.
        doubt: of the sentence.
    """

    searched: Searched
    found: npt.NDArray[np.bool_] = field(init=False)
    scores: FloatArray = field(init=False)
    reasons: list[Reason] = field(default_factory=list)
    readings: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    ranked_by: RankedBy | None = None
    doubt: str | None = None
    _sentences: list[str] = field(default_factory=list)
    _sentence_at: int = 1
    _near: list[Named] = field(default_factory=list)

    @classmethod
    def of(cls, searched: Searched, node: Node) -> Evaluation:
        """Evaluate a query.

        Raises:
            QueryError: it names what is not there, or a sentence stands where it cannot rank.
            MissingExtraError, WordsError: the sentence cannot be read.
        """
        evaluation = cls(searched)
        evaluation.scores = evaluation._value(node, ranks=True, why=True)
        evaluation.found = evaluation.scores > 0
        evaluation._rank()
        return evaluation

    @property
    def sentence(self) -> str | None:
        """All words that are no name, in their order."""
        return " ".join(self._sentences) or None

    def _rank(self) -> None:
        rankings: list[Ranking] = []
        if self.sentence is not None:
            rankings.append(by_sentence(self.searched, self.sentence, self._sentence_at, self.found))
        for near in self._near:
            found = rankings[-1].found if rankings else self.found
            rankings.append(by_likeness(self.searched, near, found))
        if not rankings:
            return
        self.found = rankings[-1].found
        self.ranked_by = "likeness" if self.sentence is None else "sentence"
        self.scores = joined([ranking.cosines for ranking in rankings], self.found)
        self.doubt = rankings[0].doubt
        for ranking in rankings:
            self.readings += ranking.readings
            self.reasons.append(Reason(ranking.name, ranking.cosines, has_number=True))

    def _value(self, node: Node, *, ranks: bool, why: bool) -> FloatArray:
        """(N,): 0 where a part does not find a photo.

        Args:
            ranks: whether a sentence may stand here.
            why: whether what is found here is a reason.
        """
        match node:
            case And():
                return _product([self._value(part, ranks=ranks, why=why) for part in node.parts])
            case Or():
                return np.maximum.reduce([self._value(part, ranks=False, why=why) for part in node.parts])
            case Not():
                return (self._value(node.part, ranks=False, why=False) == 0).astype(np.float32)
            case Words():
                return self._words(node, ranks=ranks, why=why)
            case Phrase():
                known = self._name(node.text, why=why)
                return self._sentence(node.text, node.at, ranks) if known is None else known
            case Named(name="near"):
                if not ranks:
                    raise QueryError(node.at, f'"{node}" {_CANNOT_RANK}')
                self._near.append(node)
                return self._all()
        values, text, has_number = self._leaf(node, why=why)
        if why:
            self.reasons.append(Reason(text, values, has_number))
        return values

    def _leaf(self, node: Named | Scored | Rated | Dated | Placed, *, why: bool) -> tuple[FloatArray, str, bool]:
        """The values of a field, what to say of a photo that has them, and whether to say the value."""
        table, database = self.searched.table, self.searched.database
        match node:
            case Named(name="tag"):
                meaning = self._tag(node.text, node.at, why=why)
                return table.spread(self.searched.tag_scores.shown(meaning)), meaning.shown or node.text, True
            case Scored():
                meaning = self._tag(node.tag, node.at, why=why)
                scores = self.searched.tag_scores.compared(meaning, node.comparison, node.number)
                values = table.spread(scores)
                is_least = node.comparison in {">", ">="}
                return values if is_least else (values > 0).astype(np.float32), str(node), False
            case Named(name="keyword"):
                return self._keywords(self._keyword(node.text, node.at)), f"keyword {node.text}", False
            case Named(name="path"):
                return self.searched.paths.with_path(node.text), f"path {node.text}", False
            case Named(name="file"):
                return self.searched.paths.with_file_name(node.text), f"file {node.text}", False
            case Named():
                return analysed_by(database, table, node), str(node), False
            case Rated():
                return rated(database, table, node), str(node), False
            case Dated():
                return taken(database, table, node.first, node.last), str(node), False
            case Placed():
                return taken_near(database, table, node), str(node), False

    def _words(self, node: Words, *, ranks: bool, why: bool) -> FloatArray:
        """Names of several words first, the longest at each word; the rest makes the run a sentence.

        What stands behind "without" is taken out before.
        """
        words, factors = self._left_out(node)
        unknown, place = list[Word](), 0
        while place < len(words):
            values, length = self._longest_name(words[place : place + SEEN_TOGETHER], why=why)
            if values is None:
                unknown.append(words[place])
            else:
                factors.append(values)
            place += length
        telling = [word for word in unknown if not self._is_small(word) and any(map(str.isalnum, word.text))]
        if telling or not factors:
            run = " ".join(word.text for word in words)
            factors.append(self._sentence(run, (telling or unknown)[0].at, ranks))
        return _product(factors)

    def _left_out(self, node: Words) -> tuple[Sequence[Word], list[FloatArray]]:
        """The words that are left of a run, and for each tag that it leaves out, which photos do not show it."""
        run = " ".join(word.text for word in node.words)
        parts = leave_out(run, self.searched.language, self.searched.lexicon.tag_of)
        if not parts.without:
            return node.words, []
        self.readings += parts.notes
        not_shown = [(self.searched.shown(tag) == 0).astype(np.float32) for tag in parts.without]
        return [Word(text, node.at) for text in parts.words], not_shown

    def _is_small(self, word: Word) -> bool:
        text = word.text.lower()
        return text in SMALL_WORDS or text in self.searched.language.small_words

    def _longest_name(self, words: Sequence[Word], *, why: bool) -> tuple[FloatArray | None, int]:
        for length in range(len(words), 0, -1):
            text = " ".join(word.text for word in words[:length])
            if length == 1 and self._is_small(words[0]):
                break
            for name in dict.fromkeys((text, text.strip(PUNCTUATION))):
                if name and (values := self._name(name, why=why)) is not None:
                    return values, length
        return None, 1

    def _name(self, text: str, *, why: bool) -> FloatArray | None:
        """What has a tag, keyword, date, folder or file of this name; None if nothing is called so."""
        meaning = self.searched.lexicon.meaning(text)
        reasons: list[Reason] = []
        if meaning.shown is not None:
            values = self.searched.table.spread(self.searched.tag_scores.shown(meaning))
            reasons.append(Reason(meaning.shown, values, has_number=True))
            if why:
                self._asked_for(meaning)
        if meaning.keywords:
            reasons.append(Reason(f"keyword {text}", self._keywords(meaning)))
        if meaning.year is not None and (dated := self._year(meaning.year)).any():
            reasons.append(Reason(f"date {text}", dated))
        if (named := self.searched.paths.with_words(text)).any():
            reasons.append(Reason(f"folder or file {text}", named * IN_NAME))
        if not reasons:
            return None
        kinds = [f"the tag {meaning.shown}"] if meaning.shown is not None else []
        kinds += ["a keyword"] if meaning.keywords else []
        kinds += ["a name of folders or files"] if named.any() else []
        self.readings.append(f'"{text}": {", ".join(kinds) or "a year"}')
        if why:
            self.reasons.extend(reasons)
        return np.maximum.reduce([reason.values for reason in reasons])

    def _sentence(self, text: str, at: int, ranks: bool) -> FloatArray:
        if not ranks:
            raise QueryError(
                at,
                f'"{text}" is no tag, keyword, folder or file of this library.{self.searched.lexicon.near(text)} '
                f"As a sentence it {_CANNOT_RANK}",
            )
        if not self._sentences:
            self._sentence_at = at
        self._sentences.append(text)
        return self._all()

    def _tag(self, text: str, at: int, *, why: bool) -> Meaning:
        meaning = self.searched.lexicon.tag(text)
        if not meaning.is_known:
            model = f' of the model "{self.searched.model.name}"' if self.searched.model else ""
            hint = self.searched.lexicon.near(text)
            raise QueryError(at, f'"{text}" is no tag{model}.{hint} All tags: vectortag tags MODEL')
        if why:
            self._asked_for(meaning)
        return meaning

    def _asked_for(self, meaning: Meaning) -> None:
        if meaning.tag is not None and self.searched.model is not None:
            self.tags.append(self.searched.model.tags[meaning.tag])

    def _keyword(self, text: str, at: int) -> Meaning:
        meaning = self.searched.lexicon.keyword(text)
        if not meaning.is_known:
            raise QueryError(at, f'no photo has the keyword "{text}".{self.searched.lexicon.near_keyword(text)}')
        return meaning

    def _keywords(self, meaning: Meaning) -> FloatArray:
        return with_keywords(self.searched.database, self.searched.table, meaning.keywords)

    def _year(self, year: str) -> FloatArray:
        return taken(self.searched.database, self.searched.table, year, year)

    def _all(self) -> FloatArray:
        return np.ones(len(self.searched.table), np.float32)


_CANNOT_RANK = (
    'can only put photos in order: it cannot stand next to "or" or behind "not". Put it beside the rest, or name a tag'
)


def _product(factors: Sequence[FloatArray]) -> FloatArray:
    """The smallest product is no 0: many small scores are found all the same."""
    product = np.multiply.reduce(factors)
    return np.where(np.all([factor > 0 for factor in factors], axis=0), np.maximum(product, 1e-30), 0).astype(
        np.float32
    )
