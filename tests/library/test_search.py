"""Searches of made-up libraries, and an oracle that asks each photo in plain Python."""

import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from synthetic_library import MadePhoto, write_library

from vectortag.core.errors import QueryError, WordsError
from vectortag.core.numerics import unit
from vectortag.library.library import Library
from vectortag.library.query import And, Dated, Named, Not, Or, Rated, Scored, Word, Words
from vectortag.model.language import Language
from vectortag.model.words.text_model import is_installed

TAGS = ("animal", "beach", "dog", "sea", "boat", "vehicle")
THRESHOLDS = {"animal": 0.5, "beach": 0.5, "dog": 0.5, "sea": None, "boat": 0.5, "vehicle": 0.5}


def scores_of(**tags: float) -> np.ndarray:
    """(6,) float32: those that are named, their parents raised, 0 for the others."""
    scores = dict.fromkeys(TAGS, 0.0) | tags
    scores["animal"] = max(scores["animal"], scores["dog"])
    scores["vehicle"] = max(scores["vehicle"], scores["boat"])
    return np.float32([scores[tag] for tag in TAGS])


def photo(path: str, *, seed: int = 0, root: str = "/photos", **facts) -> MadePhoto:
    tags = {name: facts.pop(name) for name in list(facts) if name in TAGS}
    embedding = np.abs(np.random.default_rng(seed).normal(0, 1, 8)).astype(np.float32)
    return MadePhoto(path, root, scores=scores_of(**tags), embedding=embedding, **facts)


@pytest.fixture
def make(tmp_path: Path, worded):
    """make(photos...): the library of them."""
    opened: list[Library] = []

    def write(*photos: MadePhoto, **options) -> Library:
        file = tmp_path / f"library{len(opened)}.sqlite"
        opened.append(write_library(file, worded, photos, **options))
        return opened[-1]

    yield write
    for library in opened:
        library.close()


def found(library: Library, query: str, **options) -> list[str]:
    """The relative paths of what is found, in order."""
    return [str(one.path).split("/", 2)[2] for one in library.search(query, top=None, **options).matches]


def test_a_tag_finds_the_photos_that_show_it_best_first(make):
    library = make(photo("a.jpg", dog=0.6), photo("b.jpg", dog=0.9), photo("c.jpg", dog=0.4))

    result = library.search("dog")

    assert [(str(one.path), round(one.score, 2)) for one in result.matches] == [
        ("/photos/b.jpg", 0.9),
        ("/photos/a.jpg", 0.6),
    ]
    assert result.matches[0].why == ("dog 0.90",)
    assert (result.count, result.order, result.tags) == (2, "score", ("dog",))


def test_a_parent_finds_its_children_and_a_synonym_or_plural_its_tag(make):
    library = make(photo("a.jpg", dog=0.9), photo("b.jpg", boat=0.9), photo("c.jpg", beach=0.9))

    assert found(library, "animal") == found(library, "puppy") == found(library, "Dogs") == ["a.jpg"]
    assert found(library, "ship") == found(library, "vehicle") == ["b.jpg"]


def test_and_or_not_combine_and_scores_are_multiplied(make):
    library = make(
        photo("both.jpg", dog=0.8, beach=0.5),
        photo("dog.jpg", dog=0.9),
        photo("boat.jpg", dog=0.7, boat=0.9),
    )

    assert found(library, "dog beach") == ["both.jpg"]
    assert found(library, "dog and (beach or boat)") == ["boat.jpg", "both.jpg"]
    assert found(library, "dog -beach not boat") == ["dog.jpg"]
    assert found(library, "not dog") == []
    assert library.search("dog beach").matches[0].score == pytest.approx(0.4)


def test_a_tag_without_a_threshold_is_found_only_by_a_decision(make):
    library = make(photo("a.jpg", sea=0.9), photo("b.jpg", decisions={"sea": True}))

    assert found(library, "sea") == ["b.jpg"]


def test_decisions_override_the_model_and_reach_parents_and_children(make):
    library = make(
        photo("accepted.jpg", decisions={"dog": True}),
        photo("rejected.jpg", dog=0.9, decisions={"dog": False}),
        photo("neither.jpg", dog=0.9, decisions={"animal": False}),
        photo("plain.jpg", dog=0.8),
    )

    assert found(library, "dog") == ["accepted.jpg", "plain.jpg"]
    assert found(library, "animal") == ["accepted.jpg", "rejected.jpg", "plain.jpg"]
    assert found(library, "score:dog>=1") == ["accepted.jpg"]
    assert found(library, "score:dog<0.5") == ["rejected.jpg", "neither.jpg"]


def test_a_tag_that_only_a_person_gave_is_a_tag(make):
    library = make(photo("a.jpg", decisions={"Rex": True}), photo("b.jpg"))

    assert found(library, "rex") == found(library, "tag:Rex") == ["a.jpg"]


def test_a_tag_that_was_renamed_for_a_photo_is_found_by_both_names(make):
    library = make(photo("a.jpg", dog=0.9), photo("b.jpg", dog=0.8))
    library.database.execute(
        "INSERT INTO decisions SELECT content, 'dog', 'accepted', 'Rex', 0 FROM photos WHERE path = 'a.jpg'"
    )

    assert found(library, "rex") == ["a.jpg"]
    assert found(library, "dog") == ["a.jpg", "b.jpg"]


def test_settings_rename_and_hide_tags(make):
    library = make(photo("a.jpg", dog=0.9), photo("b.jpg", boat=0.8, beach=0.7))
    library.change_setting("renames", {"boat": "Beach", "beach": "Strand"})
    library.change_setting("not", ["dog"])

    assert library.search("boat").matches[0].why == library.search("beach").matches[0].why == ("Beach 0.80",)
    assert library.search("strand").matches[0].why == ("Strand 0.70",)
    with pytest.raises(QueryError, match='"dog" is no tag'):
        library.search("tag:dog")
    library.change_setting("only", ["boat"])
    assert library.stats().tags == {"Beach": 1}


def test_scores_are_compared_also_below_what_the_index_keeps(make):
    library = make(photo("a.jpg", dog=0.9), photo("b.jpg", dog=0.3), photo("c.jpg", dog=0.02), photo("d.jpg"))

    assert found(library, "score:dog>0.25") == ["a.jpg", "b.jpg"]
    assert found(library, "score:dog>=0.01") == ["a.jpg", "b.jpg", "c.jpg"]
    assert sorted(found(library, "score:dog<0.5")) == ["b.jpg", "c.jpg", "d.jpg"]
    assert sorted(found(library, "score:dog<=0")) == ["d.jpg"]
    assert sorted(found(library, "score:dog>=0")) == ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]


def test_a_photo_without_scores_has_none_to_compare(make):
    library = make(photo("a.jpg", dog=0.1), MadePhoto("new.jpg"))

    assert found(library, "score:dog<0.5") == ["a.jpg"]
    assert found(library, "not dog") == ["a.jpg", "new.jpg"]


def test_keywords_are_found_in_any_case_and_form_of_unicode_and_by_their_levels(make):
    library = make(
        photo("a.jpg", keywords=("Straße", unicodedata.normalize("NFD", "Café"))),
        photo("b.jpg", keywords=("Places|Italy|Rome",)),
    )

    assert found(library, "STRASSE") == found(library, "keyword:café") == ["a.jpg"]
    assert found(library, unicodedata.normalize("NFD", "café")) == ["a.jpg"]
    assert found(library, "italy") == found(library, "keyword:places") == ["b.jpg"]
    with pytest.raises(QueryError, match=r'no photo has the keyword "itly".*Did you mean "italy"'):
        library.search("keyword:itly")
    with pytest.raises(QueryError, match=r'no photo has the keyword "dig"\.$'):  # "dog" is a tag, and no keyword
        library.search("keyword:dig")


def test_names_of_folders_and_files_are_found_by_their_words(make):
    library = make(
        photo("2019/Anna's birthday/IMG_0001.JPG"),
        photo(unicodedata.normalize("NFD", "2020/Zoë & Ömer's Fest/x.jpg")),
        photo("2020/Annas Birth-Day/y.jpg"),
        photo("y.jpg", root="/media/Anna’s birthday"),
    )

    assert [str(one.path) for one in library.search("Anna's birthday").matches] == [
        "/photos/2019/Anna's birthday/IMG_0001.JPG",
        "/media/Anna’s birthday/y.jpg",
    ]
    assert len(found(library, '"zoë ömer" fest')) == 1
    assert len(found(library, "ANNA")) == 2
    assert found(library, "0001") == ["2019/Anna's birthday/IMG_0001.JPG"]
    with pytest.raises(QueryError, match="is no tag, keyword, folder or file"):
        library.search("not ann")


def test_a_name_counts_less_than_a_keyword_and_all_meanings_are_united(make):
    library = make(photo("dog/a.jpg"), photo("b.jpg", dog=0.9), photo("c.jpg", keywords=("dog",)))

    result = library.search("dog")

    assert [one.path.name for one in result.matches] == ["c.jpg", "b.jpg", "a.jpg"]
    assert result.readings == ('"dog": the tag dog, a keyword, a name of folders or files',)


def test_path_and_file_take_every_character_as_it_is(make):
    paths = [
        "holiday/a.jpg",
        "my holiday/b.jpg",
        "50%/c.jpg",
        "50x/d_1.jpg",
        "50/d%1.jpg",
        "old (1)/e'1.jpg",
        'q"x/f.jpg',
    ]
    library = make(*map(photo, paths))

    assert found(library, "path:holiday/") == ["holiday/a.jpg"]
    assert found(library, 'path:"my holiday/"') == ["my holiday/b.jpg"]
    assert found(library, "path:50%/") == ["50%/c.jpg"]
    assert found(library, "file:d_1") == ["50x/d_1.jpg"]
    assert found(library, "file:%") == ["50/d%1.jpg"]
    assert found(library, "path:old") == found(library, 'path:"old (1)"') == found(library, "file:e'1") == [paths[5]]
    assert found(library, r'path:"q\"x"') == [paths[6]]
    assert found(library, "path:/photos/holiday") == ["holiday/a.jpg"]
    assert found(library, "path:/holiday") == []
    assert found(library, "file:holiday") == found(library, "file:/a") == []


def test_names_that_are_not_utf_8_or_have_line_breaks_are_found(make):
    library = make(photo("caf\udce9/a.jpg"), photo("two\nlines/b.jpg"), photo("c.jpg"))

    assert [str(one.path) for one in library.search("path:caf\udce9/").matches] == ["/photos/caf\udce9/a.jpg"]
    assert [str(one.path) for one in library.search("lines").matches] == ["/photos/two\nlines/b.jpg"]


@pytest.mark.parametrize(
    "text",
    ["'; DROP TABLE photos; --", '" OR 1=1', "dog' OR '1'='1", "%", "_", "\\", "*", "💥", "\u202e", "a\x00b", "ﬁ"],
)
def test_text_of_all_kinds_is_only_text(make, text):
    library = make(photo("a.jpg", dog=0.9), photo("b.jpg"))

    for field in ("tag", "keyword", "path", "file", "model", "near"):
        try:
            assert library.search(str(Named(field, text))).count == 0
        except QueryError as error:
            assert error.column == 1  # noqa: PT017
    assert found(library, "dog") == ["a.jpg"]


def test_dates_include_both_ends_and_a_year_is_a_word(make):
    library = make(
        photo("a.jpg", taken="2024-07-01T00:00:00"),
        photo("b.jpg", taken="2024-09-30T23:59:59"),
        photo("c.jpg", taken="2023-12-31T23:59:59"),
        photo("d.jpg"),
    )

    assert found(library, "date:2024-07..2024-09") == ["b.jpg", "a.jpg"]
    assert found(library, "date:2024-09-30") == ["b.jpg"]
    assert found(library, "date:..2023") == ["c.jpg"]
    assert found(library, "date:2024..") == found(library, "2024") == ["b.jpg", "a.jpg"]
    assert found(library, "not date:2024") == ["c.jpg", "d.jpg"]
    assert library.search("2024").order == "date"


def test_ratings_are_compared(make):
    library = make(photo("a.jpg", rating=5), photo("b.jpg", rating=3), photo("c.jpg"), photo("d.jpg", rating=-1))

    assert found(library, "rating:>=3") == ["a.jpg", "b.jpg"]
    assert found(library, "rating:3") == ["b.jpg"]
    assert found(library, "rating:<3") == found(library, "rating:-1") == ["d.jpg"]


def test_a_place_finds_what_lies_within_its_circle_also_across_the_date_line(make):
    library = make(
        photo("munich.jpg", place=(48.1374, 11.5755)),
        photo("freising.jpg", place=(48.4029, 11.7412)),
        photo("fiji.jpg", place=(-17.0, -179.99)),
        photo("nowhere.jpg"),
    )

    assert found(library, "place:48.14,11.58") == ["munich.jpg"]
    assert found(library, "place:48.14,11.58,40km") == ["munich.jpg", "freising.jpg"]
    assert found(library, "place:-17,179.99,5") == ["fiji.jpg"]


def test_a_sentence_ranks_what_the_rest_finds_as_a_scan_in_float32_does(make, worded):
    photos = [photo(f"{n}.jpg", seed=n, dog=0.9 if n % 2 else 0.1) for n in range(30)]
    library = make(*photos)
    words = worded.words
    from vectortag.model.words.word_vectors import sentence_vector

    query = words.queries(sentence_vector("dog zebra")[None])[0]
    cosines = words.views(np.stack([one.embedding for one in photos])).directions @ query

    result = library.search("dog zebra", top=5)

    assert result.sentence == "dog zebra"
    expected = sorted((n for n in range(30) if n % 2), key=lambda n: -cosines[n])[:5]
    assert [one.path.name for one in result.matches] == [f"{n}.jpg" for n in expected]


def test_words_that_are_no_names_make_one_sentence_of_the_run_and_small_words_none(make):
    library = make(photo("a.jpg", dog=0.9, beach=0.8), photo("b.jpg"))

    assert library.search("zebra").sentence == "zebra"
    assert library.search("boots").readings == ('"boots": no name here, so a sentence. Did you mean "boat"?',)
    assert library.search("dog on the beach").sentence is None
    assert library.search('"zebra" date:2000.. "tractor"').sentence == "zebra tractor"


def test_what_no_model_of_words_can_read_is_an_error_with_its_column(make):
    library = make(photo("a.jpg", dog=0.9))

    with pytest.raises(QueryError, match="only English words can be read") as caught:
        library.search('dog "日本語"')
    assert caught.value.column == 5


def test_punctuation_around_a_word_makes_no_difference_unless_something_is_called_so(make):
    library = make(photo("a.jpg", dog=0.9, boat=0.9), photo("b.jpg", dog=0.9, keywords=("boat!",)))

    assert found(library, "dog, boat") == ["a.jpg"]
    assert found(library, "boat!") == ["b.jpg"]
    assert found(library, "'dog' boat?") == ["a.jpg"]


def test_a_keyword_is_found_by_its_path_with_either_mark(make):
    library = make(photo("a.jpg", keywords=("Places|Italy|Rome",)), photo("b.jpg", keywords=("Places/Italy/Milan",)))

    assert sorted(found(library, "keyword:places/italy")) == ["a.jpg", "b.jpg"]
    assert found(library, "keyword:Places|Italy|Rome") == ["a.jpg"]
    assert found(library, 'keyword:"Places/Italy/Milan"') == ["b.jpg"]
    with pytest.raises(QueryError, match='no photo has the keyword "Italy/Places"'):
        library.search("keyword:Italy/Places")


def test_a_sentence_cannot_be_excluded_or_an_alternative(make):
    library = make(photo("a.jpg", dog=0.9))

    for query, column in (("not dgo", 5), ("dog or zebras", 8), ("-near:a.jpg", 2)):
        with pytest.raises(QueryError, match="can only put photos in order") as caught:
            library.search(query)
        assert caught.value.column == column
    with pytest.raises(QueryError, match='Did you mean "dog"'):
        library.search("not dgo")


def test_near_ranks_by_the_cosine_of_embeddings(make, tmp_path):
    photos = [photo(f"in/{n}.jpg", seed=n) for n in range(40)]
    library = make(*photos)
    units = unit(np.stack([one.embedding for one in photos]))
    expected = np.argsort(-(units @ units[7]), kind="stable")[:5]

    for name in ("/photos/in/7.jpg", "in/7.jpg"):
        result = library.search(f"near:{name}", top=5)
        assert [one.path.name for one in result.matches] == [f"{n}.jpg" for n in expected]
        assert result.matches[0].score == pytest.approx(1, abs=1e-5)
        assert result.order == "likeness"


def test_near_takes_any_photo_and_the_network_looks_at_it(make, make_photo, worded_tagger):
    other = make_photo("other.png", seed=5)
    embedding = worded_tagger.embedder.embed(worded_tagger.embedder.pixels(other)[None])[0]
    alike = photo("alike.jpg", seed=1)
    alike.embedding = embedding
    library = make(alike, *(photo(f"{n}.jpg", seed=n) for n in range(5)))

    assert found(library, f"near:{other}")[0] == "alike.jpg"
    with pytest.raises(QueryError, match=r"nothing\.jpg"):
        library.search("near:nothing.jpg")


def test_a_relative_path_of_two_photos_is_ambiguous(make):
    library = make(photo("a.jpg"), photo("a.jpg", root="/other", seed=1))

    with pytest.raises(QueryError, match="several folders"):
        library.search("near:a.jpg")


def test_gone_photos_are_never_found_and_offline_ones_if_asked(make):
    library = make(
        photo("a.jpg", dog=0.9),
        photo("gone.jpg", dog=0.9, gone=True),
        photo("usb.jpg", root="/usb", dog=0.8),
        offline=["/usb"],
    )

    assert found(library, "dog") == ["a.jpg"]
    assert found(library, "dog", offline=True) == ["a.jpg", "usb.jpg"]


def test_photos_with_one_content_are_all_found(make):
    copies = [photo(path, dog=0.9, content=b"0123456789abcdef") for path in ("a.jpg", "b/c.jpg")]
    library = make(*copies, photo("d.jpg"))

    assert found(library, "dog") == ["a.jpg", "b/c.jpg"]
    assert set(found(library, "near:a.jpg")[:2]) == {"a.jpg", "b/c.jpg"}


def test_an_empty_library_finds_nothing(tmp_path):
    with Library.open(tmp_path / "empty.sqlite") as library:
        assert library.search("date:2024").matches == ()
        assert library.search("rating:>1 or path:x").count == 0
        with pytest.raises(WordsError, match="no model has looked"):
            library.search("dog")
        with pytest.raises(QueryError, match="no tag"):
            library.search("tag:dog")


def test_a_search_sees_what_another_process_wrote_meanwhile(make, tmp_path):
    library = make(photo("a.jpg", dog=0.9), photo("b.jpg", seed=1))
    assert found(library, "dog") == ["a.jpg"]
    assert len(found(library, "near:a.jpg")) == 2

    with Library.open(library.file) as other:
        other.database.execute("UPDATE photos SET gone = 1 WHERE path = 'a.jpg'")
        other.database.execute(
            "DELETE FROM analyses WHERE content IN (SELECT content FROM photos WHERE path = 'a.jpg')"
        )

    assert found(library, "dog") == []
    assert found(library, "near:b.jpg") == ["b.jpg"]


def test_a_model_that_is_gone_leaves_tags_but_no_synonyms_and_no_sentences(make, worded):
    library = make(photo("a.jpg", dog=0.9))
    library.change_setting("model", "/nowhere")

    assert found(library, "dog") == ["a.jpg"]
    with pytest.raises(WordsError, match='the model "tiny" is not here'):
        library.search("puppy")


def test_top_takes_the_best_and_of_equal_ones_the_newest(make):
    library = make(*(photo(f"{n}.jpg", dog=0.9, taken=f"20{n:02d}-01-01T00:00:00") for n in range(10, 30)))

    result = library.search("dog", top=3)

    assert [one.path.name for one in result.matches] == ["29.jpg", "28.jpg", "27.jpg"]
    assert result.count == 20


def oracle(node, one: MadePhoto) -> float:
    """The value of a query for one photo, 0 if it is not found."""
    match node:
        case And():
            product = 1.0
            for part in node.parts:
                product *= oracle(part, one)
            return product
        case Or():
            return max(oracle(part, one) for part in node.parts)
        case Not():
            return float(oracle(node.part, one) == 0)
        case Words():
            product = 1.0
            for word in node.words:
                product *= oracle_of_word(word.text, one)
            return product
        case Named(name="path"):
            return float(f"/{node.text}".lower() in one.full_path.lower())
        case Named(name="file"):
            return float(node.text.lower() in one.path.rpartition("/")[2].lower())
        case Named(name="tag"):
            return oracle_of_tag(node.text, one)
        case Scored():
            score, number = oracle_of_score(node.tag, one), float(np.float32(node.number))
            tests = {">": score > number, ">=": score >= number, "<": score < number, "<=": score <= number}
            right = tests[node.comparison]
            return float(right) * (max(score, 1e-6) if ">" in node.comparison else 1)
        case Rated():
            stars = one.rating
            if stars is None:
                return 0.0
            wanted = node.stars
            tests = {">": stars > wanted, ">=": stars >= wanted, "<": stars < wanted, "<=": stars <= wanted}
            return float((tests | {"=": stars == wanted})[node.comparison])
        case Dated():
            if one.taken is None:
                return 0.0
            first, last = node.first or "", node.last or "9"
            return float(one.taken[: len(first)] >= first and one.taken[: len(last)] <= last)
    raise AssertionError(node)


def oracle_of_score(tag: str, one: MadePhoto) -> float:
    if tag in one.decisions:
        return float(one.decisions[tag])
    if tag == "animal" and one.decisions.get("dog"):
        return 1.0
    if tag == "dog" and one.decisions.get("animal") is False:
        return 0.0
    return float(one.scores[TAGS.index(tag)])


def oracle_of_tag(tag: str, one: MadePhoto) -> float:
    tag = {"puppy": "dog", "ship": "boat"}.get(tag, tag)
    score = oracle_of_score(tag, one)
    decided = tag in one.decisions or score in {0.0, 1.0}
    threshold = THRESHOLDS[tag]
    return score if decided or (threshold is not None and score >= threshold) else 0.0


def oracle_of_word(word: str, one: MadePhoto) -> float:
    names = [re.findall(r"[a-z0-9]+", name.lower()) for name in f"photos/{one.path}".split("/")]
    by_name = 0.5 if any(word in name for name in names) else 0.0
    by_keyword = float(word in [keyword.lower() for keyword in one.keywords])
    by_tag = oracle_of_tag(word, one) if word in {*TAGS, "puppy", "ship"} else 0.0
    return max(by_name, by_keyword, by_tag)


SCORES = st.sampled_from([0.2, 0.4, 0.6, 0.8])
FOLDERS = ["holiday", "dog show", "Anna's", "50%_off", "2024"]
PHOTOS = st.lists(
    st.fixed_dictionaries(
        {
            "folder": st.sampled_from(FOLDERS),
            "tags": st.dictionaries(st.sampled_from(["animal", "beach", "dog", "boat", "vehicle"]), SCORES),
            "keywords": st.sets(st.sampled_from(["Anna", "beach", "Rome"])),
            "rating": st.none() | st.integers(-1, 5),
            "taken": st.none() | st.sampled_from(["2023-12-31T23:59:59", "2024-02-29T12:00:00", "2024-07-01T00:00:00"]),
            "decisions": st.dictionaries(st.sampled_from(["dog", "animal", "beach"]), st.booleans()),
        }
    ),
    min_size=1,
    max_size=12,
)
NAMES = st.sampled_from(["dog", "animal", "beach", "boat", "ship", "puppy", "vehicle"])
LEAVES = st.one_of(
    NAMES.map(lambda name: Words((Word(name),))),
    st.sampled_from(["dog", "beach", "vehicle", "ship"]).map(lambda tag: Named("tag", tag)),
    st.builds(Scored, st.sampled_from(["dog", "beach", "animal"]), st.sampled_from([">", ">=", "<", "<="]), SCORES),
    st.builds(Rated, st.sampled_from([">", ">=", "<", "<=", "="]), st.integers(0, 5)),
    st.sampled_from(
        [Dated("2024", "2024"), Dated(None, "2023"), Dated("2024-03", None), Dated("2024-07-01", "2024-07-01")]
    ),
    st.sampled_from(["holiday/", "50%_", "dog", "5"]).map(lambda text: Named("path", text)),
    st.sampled_from(["1.JPG", "_", "%", "1"]).map(lambda text: Named("file", text)),
)
QUERIES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: And(tuple(parts))),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: Or(tuple(parts))),
    ),
    max_leaves=6,
)


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=PHOTOS, queries=st.lists(QUERIES, min_size=4, max_size=12))
def test_a_search_finds_what_the_oracle_finds_in_its_order(rows, queries, worded, tmp_path_factory):
    photos = [
        photo(
            f"{row['folder']}/{n}.jpg",
            seed=n,
            **row["tags"],
            **{key: row[key] for key in ("rating", "taken", "decisions")},
            keywords=tuple(sorted(row["keywords"])),
        )
        for n, row in enumerate(rows)
    ]
    with write_library(tmp_path_factory.mktemp("oracle") / "library.sqlite", worded, photos) as library:
        for query in queries:
            values = {one.full_path: oracle(query, one) for one in photos}
            newest = sorted(sorted(photos, key=lambda one: one.row), key=lambda one: one.taken or "", reverse=True)
            expected = sorted(
                (one.full_path for one in newest if values[one.full_path] > 0), key=lambda p: -round(values[p], 5)
            )
            result = library.search(str(query), top=None)
            got = [str(one.path) for one in result.matches]
            assert set(got) == set(expected)
            assert [one.score for one in result.matches] == pytest.approx([values[path] for path in expected], rel=1e-4)


@pytest.mark.parametrize("query", ["dog", "path:photos"])
def test_pages_one_after_the_other_are_the_whole_list(make, query):
    library = make(*(photo(f"{number}.jpg", seed=number, dog=0.6 + number % 3 / 10) for number in range(10)))

    pages = [library.search(query, top=4, skip=skip) for skip in (0, 4, 8, 12)]

    assert [one.path for page in pages for one in page.matches] == [
        one.path for one in library.search(query, top=None).matches
    ]
    assert {page.count for page in pages} == {10}


def test_the_newest_photos_are_in_the_order_of_a_search_that_finds_all(make):
    dates = [f"202{number % 4}-01-01T10:00:00" if number % 3 else None for number in range(9)]
    library = make(*(photo(f"{number}.jpg", seed=number, taken=date) for number, date in enumerate(dates)))

    newest = [library.newest(top=4, skip=skip) for skip in (0, 4, 8)]

    assert [one.path for page in newest for one in page.matches] == [
        one.path for one in library.search("path:photos", top=None).matches
    ]
    assert {page.count for page in newest} == {9}


def test_the_rows_of_all_that_is_found_are_in_the_order_of_a_search(make):
    library = make(*(photo(f"{number}.jpg", seed=number, dog=0.9 - number / 10) for number in range(3)))

    for query in ("path:photos", "dog", "dog or path:photos"):
        assert library.rows(query) == [one.photo for one in library.search(query, top=None).matches]
    assert library.rows() == [one.photo for one in library.newest(top=9).matches]


def test_a_search_is_evaluated_again_after_a_decision(make):
    library = make(photo("a.jpg", dog=0.9), photo("b.jpg", dog=0.6))
    assert found(library, "dog") == ["a.jpg", "b.jpg"]

    library.database.execute(
        "INSERT INTO decisions SELECT content, 'dog', 'rejected', NULL, 0 FROM photos WHERE path = 'a.jpg'"
    )

    assert found(library, "dog") == ["b.jpg"]


def test_without_leaves_a_tag_out_of_words_and_of_sentences(make):
    library = make(
        photo("both.jpg", dog=0.9, beach=0.9), photo("beach.jpg", beach=0.8, seed=1), photo("dog.jpg", dog=0.9, seed=2)
    )

    assert found(library, "beach without a dog") == ["beach.jpg"]
    assert found(library, "without dogs") == ["beach.jpg"]
    assert found(library, "horse without a dog") == ["beach.jpg"]
    assert library.search("horse without a dog").sentence == "horse"
    assert "left out: photos with dog" in library.search("beach without a dog").readings


def test_names_of_tags_are_understood_and_shown_in_a_language(make):
    library = make(photo("both.jpg", dog=0.9, beach=0.9), photo("beach.jpg", beach=0.8))
    german = Language.load("de")

    result = library.search("Hund am Strand", language=german)

    assert [match.path.name for match in result.matches] == ["both.jpg"]
    assert result.matches[0].why == ("Hund 0.90", "Strand 0.90")
    assert [match.path.name for match in library.search("strand ohne hund", language=german).matches] == ["beach.jpg"]
    assert library.search("tag:Tier", language=german).count == 1
    with pytest.raises(QueryError, match='Did you mean "hund"'):
        library.search("tag:Hunt", language=german)


def test_a_sentence_of_another_language_is_translated_by_its_tags(make, need):
    library = make(photo("dog.jpg", dog=0.9), photo("beach.jpg", beach=0.9, seed=1))
    need(is_installed(), "the text model")

    result = library.search("Boot am Strand ohne Hund")

    assert [match.path.name for match in result.matches] == ["beach.jpg"]
    assert "read as Deutsch: Boot = boat, Strand = beach" in result.readings
    assert "left out: photos with Hund" in result.readings
