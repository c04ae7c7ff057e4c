"""The names of a model's tags: which tag a word means, whether a new tag may have a name, and what it implies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from vectortag.core.errors import NewTagError, UnknownTagError, did_you_mean
from vectortag.core.text import has_control_characters, normalise
from vectortag.model.folder import ModelFolder
from vectortag.model.manifest import Manifest
from vectortag.personal.added_tags import LONGEST_NAME, read_additions


def index_of(tag: str, indexes: Mapping[str, int], manifest: Manifest) -> int:
    """The index of a tag in `indexes`; synonyms of the model's taxonomy are understood.

    Raises:
        UnknownTagError: there is no such tag.
    """
    if tag in indexes:
        return indexes[tag]
    for name in (normalise(tag), manifest.taxonomy.canonical(tag)):
        if name is not None and name in indexes:
            return indexes[name]
    for name, index in indexes.items():  # a model of an older version, whose tags have another form
        if normalise(name) == normalise(tag):
            return index
    hint = did_you_mean(tag, indexes)
    raise UnknownTagError(f'model "{manifest.name}": no tag "{tag}".{hint} All tags: vectortag inspect {manifest.name}')


def check_name(folder: ModelFolder, name: str) -> None:
    """Refuse a name that no new tag of a model can have.

    Raises:
        NewTagError: it is taken, or not a valid name.
    """
    if not name or len(name) > LONGEST_NAME or has_control_characters(name):
        raise NewTagError(f"a tag's name has 1 to {LONGEST_NAME} characters, got {name!r}")
    taxonomy = folder.manifest.taxonomy
    known = {*_added(folder), *folder.manifest.tags}
    for taken in (name, taxonomy.canonical(name)):
        if taken in known:
            why = "exists already" if taken == name else f'is another name of "{taken}", which exists already'
            raise NewTagError(f'model "{folder.manifest.name}": the tag "{name}" {why}. Choose another name')


def ancestors(folder: ModelFolder, name: str, parents: Iterable[str]) -> tuple[str, ...]:
    """The tags of a model that a new tag implies, in the model's order: the named ones, and what the taxonomy knows.

    Raises:
        NewTagError: a parent was added itself.
        UnknownTagError: the model does not have a parent.
    """
    manifest = folder.manifest
    tags = (*manifest.tags, *_added(folder))
    indexes = {tag: index for index, tag in enumerate(tags)}
    named = {tags[index_of(parent, indexes, manifest)] for parent in parents}
    if strange := named.difference(manifest.tags):
        raise NewTagError(f'"{min(strange)}" was added itself; a parent must be a tag of the model')
    above = manifest.taxonomy.expand({*manifest.taxonomy.ancestors(name), *named})
    return tuple(tag for tag in manifest.tags if tag in above)


def _added(folder: ModelFolder) -> list[str]:
    return [tag.name for tag in read_additions(folder).tags]
