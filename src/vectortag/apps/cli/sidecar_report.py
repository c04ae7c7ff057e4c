"""What the commands that write sidecars make of their options, and what they print."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from vectortag.apps.cli.options import SidecarOptions
from vectortag.apps.cli.output import notes
from vectortag.core.errors import ConfigError
from vectortag.inference.tagger import Tagger
from vectortag.library.keyword_fields import can_be_written
from vectortag.library.lists import TagNames, read_renames, read_tags
from vectortag.library.write_xmp import Choice, Outcome
from vectortag.model.language import Language


def chosen_names(
    names: TagNames, only: str | None, hidden: str | None, rename: str | None, language: str | None = None
) -> TagNames:
    """The lists and their language, replaced by those that are given. An empty text empties a list.

    Raises:
        ConfigError: one cannot be read.
        LanguageError: there is no such language.
    """
    return TagNames(
        names.only if only is None else read_tags(only),
        names.hidden if hidden is None else read_tags(hidden),
        names.renames if rename is None else read_renames(rename),
        names.language if language is None else Language.load(language),
    )


def names_given(kept: TagNames, tagger: Tagger, given: SidecarOptions) -> TagNames:
    """The lists of a library and their language, replaced by those that are given, which must name tags of the model.

    Raises:
        ConfigError: one cannot be read.
        LanguageError: there is no such language.
        UnknownTagError: the model does not have a tag.
    """
    own = chosen_names(TagNames(language=kept.language), *given.lists)
    own = own.checked(tagger.tags, tagger.folder.manifest.taxonomy)
    return TagNames(
        kept.only if given.only is None else own.only,
        kept.hidden if given.hidden is None else own.hidden,
        kept.renames if given.rename is None else own.renames,
        own.language,
    )


def chosen(choice: Choice, given: SidecarOptions) -> Choice:
    """A choice with what options change of it.

    Raises:
        ConfigError: a list cannot be read, or the parent cannot be a name in the tree.
    """
    if given.parent and not can_be_written(given.parent):
        raise ConfigError(f'--parent: "|" separates levels, and cannot be in a name, got "{given.parent}"')
    return Choice(
        chosen_names(choice.names, *given.lists),
        choice.parent if given.parent is None else given.parent,
        choice.min_score if given.min_score is None else given.min_score,
        choice.by_stem if given.stem is None else given.stem,
    )


class SidecarReport:
    """Prints diffs and refused sidecars as they come, and the counts at the end.

    Args:
        show: prints a diff.
    """

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._counts: Counter[str] = Counter()
        self._deleted = 0

    def note(self, one: Outcome) -> None:
        """Take in what became of a sidecar."""
        self._counts[one.what] += 1
        self._deleted += len(one.deleted)
        if one.diff:
            self._show(one.diff.rstrip("\n"))
        if one.problem:
            notes.print(one.problem, style="yellow")

    def finish(self, *, dry_run: bool) -> int:
        """Print the counts. Returns the exit status: 1 if a sidecar was refused."""
        counts = {what: self._counts[what] for what in ("made", "changed", "removed", "unchanged", "refused")}
        would = {"made", "changed", "removed"} if dry_run else set()
        told = ", ".join(
            f"{count} {'would be ' if what in would else ''}{what}" for what, count in counts.items() if count
        )
        notes.progress(f"sidecars: {told or 'none'}{' (nothing was written)' if dry_run else ''}")
        if self._deleted:
            notes.progress(
                f"{self._deleted} tags that you deleted are not written again. To bring one back: vectortag library "
                "accept PHOTO TAG"
            )
        return 1 if self._counts["refused"] else 0
