"""Writes the tags of photos into their XMP sidecars, and takes them out again. No byte of a photo is touched."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from vectortag.core.errors import OutputError
from vectortag.core.file_names import escape_path
from vectortag.data.keywords import paths_inside
from vectortag.data.xmp import XmpError
from vectortag.library.decisions import Decision, apply_decisions
from vectortag.library.embed import can_embed, change_embedded, require_exiftool
from vectortag.library.keyword_fields import Record, WantedTag, can_be_written
from vectortag.library.lists import TagNames
from vectortag.library.sidecar_files import SidecarFile
from vectortag.library.sidecars import ModelRun, SidecarNames, merge, record_in, without_ours
from vectortag.library.tag_paths import TagPaths

What = Literal["made", "changed", "unchanged", "removed", "refused"]


@dataclass(frozen=True, slots=True)
class Choice:
    """Which tags sidecars get, and where in the tree of other programs.

    Attributes:
        names: the lists of tags, and their shown names.
        parent: a branch under which all are put, such as "auto"; "" for none.
        min_score: in [0, 1], beside each tag's own threshold. A tag that a person accepted always counts.
        by_stem: a new sidecar is called boat.xmp where it can be; else boat.jpg.xmp.
    """

    names: TagNames = field(default_factory=TagNames)
    parent: str = ""
    min_score: float = 0.0
    by_stem: bool = False

    def wanted(
        self, scores: Mapping[str, float], paths: TagPaths, decisions: Mapping[str, Decision]
    ) -> list[WantedTag]:
        """The tags of a photo, best first.

        Args:
            scores: of the tags that the model shows.
            paths: of the model's tags.
            decisions: a person's, on this photo.
        """
        wanted = []
        for tag, score in apply_decisions(scores, decisions, paths.above).items():
            said = decisions.get(tag)
            if not self.names.shows(tag) or (said is None and (score or 0) < self.min_score and score is not None):
                continue
            levels = [level for level in paths.of(tag) if level == tag or self._is_level(level, decisions)]
            path = tuple(self._shown(level, decisions) for level in levels)
            if all(map(can_be_written, path)):
                top = (self.parent,) if self.parent else ()
                wanted.append(WantedTag(tag, (*top, *path), score, "person" if said else "model"))
        return wanted

    def _is_level(self, tag: str, decisions: Mapping[str, Decision]) -> bool:
        return self.names.shows(tag) and not (tag in decisions and decisions[tag].verdict == "rejected")

    def _shown(self, tag: str, decisions: Mapping[str, Decision]) -> str:
        own = decisions[tag].renamed_to if tag in decisions else None
        return own or self.names.shown_name(tag)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one sidecar.

    Attributes:
        sidecar: its path.
        what: "made", "changed", "unchanged", "removed", or "refused": it was left alone.
        problem: why it was refused; "" else.
        diff: the change as a unified diff, if it was asked for.
        content: the sidecar as it is now; None if there is none, or it was refused.
        record: what VectorTag noted in it; None if nothing.
        deleted: tags that were found to be deleted by hand.
    """

    sidecar: Path
    what: What
    problem: str = ""
    diff: str = ""
    content: bytes | None = None
    record: Record | None = None
    deleted: tuple[str, ...] = ()


class SidecarWriter:
    """Writes and forgets sidecars; one bad sidecar never stops the job.

    Args:
        dry_run: only say what would change, as a diff.
        embed: also change the XMP inside JPEG files, as `vectortag.library.embed` does. An outcome names the photo.
        by_stem: as in `Choice`.

    Raises:
        OutputError: `embed` needs exiftool, which is missing.
    """

    def __init__(self, *, dry_run: bool = False, embed: bool = False, by_stem: bool = False) -> None:
        if embed:
            require_exiftool()
        self.dry_run, self.embed = dry_run, embed
        self._names = SidecarNames(by_stem=by_stem)

    def write(
        self,
        photo: Path,
        wanted: Sequence[WantedTag],
        run: ModelRun,
        *,
        last: Mapping[Path, Record] | None = None,
        refused: Collection[str] = (),
    ) -> list[Outcome]:
        """Bring the sidecars of a photo up to date; one is made if there is none, and there is a tag to write.

        Args:
            wanted, run, refused: as for `merge`.
            last: what the library noted of each sidecar.
        """
        embedded = paths_inside(photo)

        def merged(file: SidecarFile) -> bytes | None:
            noted = (last or {}).get(file.path)
            return merge(file.content, wanted, run=run, last=noted, refused=refused, embedded=embedded)

        outcomes = [self._apply(path, merged) for path in self._sidecars(photo)]
        return outcomes + self._inside(photo, lambda packet: merge(packet, wanted, run=run, refused=refused))

    def forget(self, photo: Path, *, last: Mapping[Path, Record] | None = None) -> list[Outcome]:
        """Take everything of VectorTag's out of the sidecars of a photo; those that it made are removed."""

        def stripped(file: SidecarFile) -> bytes | None:
            return None if file.content is None else without_ours(file.content, last=(last or {}).get(file.path))

        outcomes = [self._apply(path, stripped) for path in self._sidecars(photo)]
        return outcomes + self._inside(photo, lambda packet: without_ours(packet) if packet else None)

    def _inside(self, photo: Path, change: Callable[[bytes | None], bytes | None]) -> list[Outcome]:
        """Change the packet inside a JPEG, if that was asked for."""
        if not self.embed or not can_embed(photo):
            return []
        try:
            return [Outcome(photo, "changed" if change_embedded(photo, change, dry_run=self.dry_run) else "unchanged")]
        except XmpError as error:
            return [Outcome(photo, "refused", f"{escape_path(photo)}: left alone: the XMP inside it: {error}")]
        except OutputError as error:
            return [Outcome(photo, "refused", _named(photo, error))]

    def forget_sidecar(self, sidecar: Path) -> Outcome:
        """The same of one sidecar, whether or not its photo is still there."""
        return self._apply(sidecar, lambda file: None if file.content is None else without_ours(file.content))

    def _sidecars(self, photo: Path) -> Iterable[Path]:
        try:
            return self._names.of(photo)
        except OSError:  # the folder cannot be listed
            return (photo.with_name(photo.name + ".xmp"),)

    def _apply(self, path: Path, change: Callable[[SidecarFile], bytes | None]) -> Outcome:
        try:
            file = SidecarFile.read(path)
            before = None if file.content is None else record_in(file.content)
            content = change(file)
            if content is None or (file.content is None and not content):
                return Outcome(path, "unchanged", content=file.content, record=before)
            if not self.dry_run:
                file.replace(content)
        except OSError as error:
            return Outcome(path, "refused", f"{escape_path(path)}: cannot be read: {error.strerror or error}")
        except XmpError as error:
            return Outcome(path, "refused", f"{escape_path(path)}: left alone: {error}")
        except OutputError as error:
            return Outcome(path, "refused", _named(path, error))
        record = record_in(content) if content else None
        known = set(before.deleted) if before else set()
        return Outcome(
            path,
            "removed" if not content else "made" if file.content is None else "changed",
            diff=file.diff(content) if self.dry_run else "",
            content=content or None,
            record=record,
            deleted=tuple(tag for tag in (record.deleted if record else ()) if tag not in known),
        )


def _named(path: Path, error: OutputError) -> str:
    text = str(error)
    return text if text.startswith(escape_path(path)) else f"{escape_path(path)}: left alone: {text}"
