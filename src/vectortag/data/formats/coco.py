"""COCO's JSON: categories of instances and of panoptic segments become words; of captions, what the taxonomy knows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from pathlib import Path

from msgspec import Struct

from vectortag.core.errors import DataError
from vectortag.core.file_names import escape_path
from vectortag.core.schema import SchemaError, from_json
from vectortag.data.formats.rows import PARTS, Labelled, Labels, checked_words, photo_below, read_whole
from vectortag.model.taxonomy import Taxonomy, load_taxonomy

LONGEST_PHRASE = 3
"""Words of a name that is looked for in a caption, such as "traffic light"."""

Id = int | str


class _Image(Struct):
    id: Id
    file_name: str


class _Segment(Struct):
    category_id: Id


class _Annotation(Struct):
    image_id: Id
    category_id: Id | None = None
    segments_info: list[_Segment] | None = None
    caption: str | None = None


class _Category(Struct):
    id: Id
    name: str


class _File(Struct):
    images: list[_Image]
    annotations: list[_Annotation] = []
    categories: list[_Category] = []


def read_coco(source: Path, photos: Path | None) -> Labels:
    """Read instances, panoptic segments or captions.

    An entry that names a photo or a category that is not there is a problem.

    Args:
        photos: where the names of the photos begin; None looks beside the file, in `images/`, and in the folder that
            the file's name ends with, as `../val2017` of `annotations/instances_val2017.json`.

    Raises:
        DataError: the file is not of this form.
    """
    name = escape_path(source)
    try:
        content = from_json(_File, read_whole(source))
    except SchemaError as error:
        raise DataError(f"{name}: not COCO's JSON: {error}. Expected images, annotations and categories") from error
    if not content.images:
        raise DataError(f"{name}: images: expected at least one, got none")
    words, problems = _words(content, name)
    folder = photos or _folder_of(source, content.images[0].file_name)
    part = PARTS.get(source.stem.rpartition("_")[2].lower())
    labelled: list[Labelled] = []
    for number, image in enumerate(content.images):
        where = f"{source.name}: images[{number}]"
        try:
            path = photo_below(folder, image.file_name, where)
            labelled.append(Labelled(path, checked_words(words[image.id], where), where, part))
        except DataError as error:
            problems.append(str(error))
    known = checked_words([one.name for one in content.categories], f"{name}: categories")
    return Labels(tuple(labelled), known or None, tuple(problems))


def _words(content: _File, name: str) -> tuple[dict[Id, dict[str, None]], list[str]]:
    """The words of each image, and what is wrong with annotations."""
    words: dict[Id, dict[str, None]] = {image.id: {} for image in content.images}
    categories = {one.id: one.name for one in content.categories}
    captions = any(one.caption is not None for one in content.annotations)
    names = _names(load_taxonomy("default")) if captions else frozenset()
    problems: list[str] = []
    for number, one in enumerate(content.annotations):
        where = f"{name}: annotations[{number}]"
        if one.image_id not in words:
            problems.append(f"{where}: image_id {one.image_id!r} is none of the {len(words):,} images. Fix the entry")
        elif one.caption is not None:
            words[one.image_id].update(dict.fromkeys(words_of_caption(one.caption, names)))
        else:
            found = [one.category_id] if one.segments_info is None else [part.category_id for part in one.segments_info]
            words[one.image_id].update({categories[number]: None for number in found if number in categories})
            problems += [
                f"{where}: category_id {number!r} is none of the {len(categories):,} categories. Fix the entry"
                for number in found
                if number not in categories
            ]
    return words, problems


def words_of_caption(caption: str, names: Set[str]) -> Iterator[str]:
    """The names in a sentence, the longest first; a plural in -s or -es is that of its singular.

    >>> list(words_of_caption("Two dogs wait at a traffic light.", {"dog", "light", "traffic light"}))
    ['dog', 'traffic light']
    """
    tokens = re.findall(r"[^\W\d_]+", caption.lower())
    place = 0
    while place < len(tokens):
        for length in range(min(LONGEST_PHRASE, len(tokens) - place), 0, -1):
            phrase = " ".join(tokens[place : place + length])
            forms = (phrase, phrase.removesuffix("s"), phrase.removesuffix("es"))
            if found := next((form for form in forms if form in names), None):
                yield found
                place += length - 1
                break
        place += 1


def _names(taxonomy: Taxonomy) -> frozenset[str]:
    """All names that a taxonomy knows: tags, synonyms and parents."""
    lists = (*taxonomy.synonyms.values(), *taxonomy.implications.values(), *taxonomy.complete.values())
    tables = (taxonomy.synonyms, taxonomy.implications, taxonomy.groups)
    return frozenset(name.lower() for names in (*tables, *lists) for name in names)


def _folder_of(source: Path, first: str) -> Path:
    folder = source.parent
    candidates = [folder, folder / "images", folder / "data", folder.parent / source.stem.rpartition("_")[2]]
    candidates += [folder.parent / "images", folder.parent]
    for candidate in candidates:
        try:
            if (candidate / first).is_file():
                return candidate
        except (OSError, ValueError):
            continue
    return folder
