"""vectortag explain"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

from vectortag.apps.cli import options
from vectortag.apps.cli.named_photos import say_left_out
from vectortag.apps.cli.named_tags import tags_named
from vectortag.apps.cli.output import notes, progress_over, stdout
from vectortag.core.errors import ConfigError, OutputError, OverwriteError, PhotoError
from vectortag.core.file_names import escape_path, is_folder, name_for_file
from vectortag.core.text import normalise
from vectortag.core.types import FailedTagging
from vectortag.core.writing import atomic_output
from vectortag.data.find import LeftOut, photos_of
from vectortag.data.outputs import MAPS, PICTURE, InputFiles, check_output
from vectortag.inference.analysis import Analysis
from vectortag.inference.heatmap_drawing import draw_heatmap, to_png
from vectortag.inference.tagger import Tagger
from vectortag.model.language import Language
from vectortag.runtime.pixels import open_image

PhotoInFolder = tuple[Path, Path]
"""A photo, and its folder relative to the path that was given."""

Tags = Annotated[
    list[str] | None, typer.Option("--tag", "-t", help="A tag to explain; repeatable. Default: all shown tags.")
]
All = Annotated[
    bool, typer.Option("--all", help="Write the heat maps of all tags as numbers: one .safetensors file per photo.")
]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="A PNG file for one map, a folder for several. Default: the current folder."),
]


def explain(
    paths: Annotated[list[Path], typer.Argument(help="Photos and folders of photos.", show_default=False)],
    tags: Tags = None,
    every: All = False,
    model: options.Model = None,
    language: options.Language = None,
    output: Output = None,
    opacity: Annotated[float, typer.Option(min=0, max=1, help="Opacity of the heat map over the photo.")] = 0.55,
    fine: options.Fine = None,
    profile: options.Profile = "balanced",
    size: options.Size = None,
    runtime: options.Runtime = "auto",
    precision: options.Precision = "auto",
    additions: options.Additions = True,
    overwrite: options.Overwrite = False,
    exclude: options.Exclude = None,
    max_pixels: options.MaxPixels = None,
) -> int:
    """Draw where in photos the model sees a tag: a heat map over the photo, as PNG.

    The network runs once per photo for any number of tags, and once more for fine heat maps. The paths of the written
    files are printed to stdout.

    **Examples**

    `vectortag explain beach.jpg --tag sea`

    `vectortag explain photos/ --tag sea --output maps/`

    `vectortag explain photos/ --tag Meer --language de --output maps/`

    `vectortag explain photos/ --all --output maps/`
    """
    spoken, left_out = Language.load(language), LeftOut()
    photos = list(_photos(paths, exclude or (), left_out))
    if every and tags:
        raise ConfigError("--all and --tag cannot be combined")
    if len(photos) > 1 and output is None:
        raise ConfigError(f"{len(photos)} photos: give a folder for the heat maps with --output")
    tagger = Tagger.load(
        model,
        profile=profile,
        size=size,
        runtime=runtime,
        precision=precision,
        additions=additions,
        max_pixels=max_pixels,
    )
    closely = fine if fine is not None else len(photos) == 1 and not every
    if closely:
        say_where_maps_stay_coarse(tagger)
    wanted = tags_named(tags or (), tagger, spoken)
    several = len(photos) > 1 or len(wanted) != 1
    names = _Names(output, spoken, several=several, inputs=InputFiles(paths, options=[language]), overwrite=overwrite)
    maps = _Maps(names, wanted, every, opacity, tagger.embedder.pixel_limit)
    maps.check_names(photos)
    analyses = tagger.analyse_many([photo for photo, _ in photos], fine=closely)
    failed = maps.write_all(photos, progress_over(analyses, total=len(photos), what="explaining"))
    say_left_out(paths, len(photos), left_out)
    return 1 if failed else 0


def say_where_maps_stay_coarse(tagger: Tagger) -> None:
    """Tell the user if the network has a fixed input size, and so no fine heat maps."""
    if not tagger.folder.manifest.backbone.any_size:
        notes.progress(
            f"{tagger.folder.manifest.name}: its network has a fixed input size, so the heat maps are coarse"
        )


def _photos(paths: Iterable[Path], exclude: Sequence[str], left_out: LeftOut) -> Iterator[PhotoInFolder]:
    """Every photo, with its folder relative to the given path."""
    for path in paths:
        below = is_folder(path)
        for photo in photos_of([path], exclude=exclude, left_out=left_out):
            yield photo, _below(path, photo) if below else Path()


def _below(path: Path, photo: Path) -> Path:
    """The folder of a photo below `path`, which may be the photo's: a folder that could not be read is its own."""
    return Path() if photo == path else photo.parent.relative_to(path)


class _Names:
    """Where maps are written: `beach.sea.png`, and `beach.png.sea.png` for a second photo that is called beach.

    Names that a file system may take for one, such as "Beach" and "beach", count as one. Each name is checked by
    `check_output` when it is first given.
    """

    def __init__(
        self, output: Path | None, language: Language, *, several: bool, inputs: InputFiles, overwrite: bool
    ) -> None:
        self._file = output if output and output.suffix.lower() == ".png" and not is_folder(output) else None
        if self._file and several:
            raise ConfigError(
                f"{escape_path(self._file)}: one file cannot hold several heat maps. Give a folder, or one --tag"
            )
        self.language = language
        self._folder = output or Path()
        self._taken: dict[str, Path] = {}
        self._bases: dict[tuple[Path, Path], Path] = {}
        self._inputs, self._overwrite = inputs, overwrite
        self._checked: set[Path] = set()

    def of(self, photo: Path, subfolder: Path, what: str, suffix: str) -> Path:
        """The file for a map.

        Raises:
            OverwriteError, OutputError: as `check_output`.
        """
        file = self._named(photo, subfolder, what, suffix)
        if file not in self._checked:
            kind = MAPS if suffix == ".safetensors" else PICTURE
            check_output(file, kind, inputs=self._inputs, overwrite=self._overwrite)
            self._checked.add(file)
        return file

    def _named(self, photo: Path, subfolder: Path, what: str, suffix: str) -> Path:
        if self._file:
            return self._file
        if (photo, subfolder) not in self._bases:
            self._bases[photo, subfolder] = self._free(self._folder / subfolder, photo)
        base = self._bases[photo, subfolder]
        return base.with_name(f"{base.name}.{name_for_file(self.language.name(what))}{suffix}")

    def _free(self, folder: Path, photo: Path) -> Path:
        """The first name that no other photo has."""
        numbered = (f"{photo.name}-{number}" for number in itertools.count(2))
        names = (folder / name for name in itertools.chain((photo.stem, photo.name), numbered))
        return next(base for base in names if self._taken.setdefault(normalise(str(base)), photo) == photo)


@dataclass(frozen=True, slots=True)
class _Maps:
    """Writes the heat maps of photos.

    Attributes:
        wanted: the tags whose maps are drawn; none: those found in each photo.
        as_numbers: write the maps of all tags into one file, instead of pictures.
        opacity: of a map over its photo, in [0, 1].
        max_pixels: the largest photo that is drawn.
    """

    names: _Names
    wanted: Sequence[str]
    as_numbers: bool
    opacity: float
    max_pixels: int

    def check_names(self, photos: Iterable[PhotoInFolder]) -> None:
        """Refuse files that may not be replaced before any work is done, where their names are known.

        Raises:
            OverwriteError, OutputError: as `check_output`.
        """
        for photo, subfolder in photos:
            if self.as_numbers:
                self.names.of(photo, subfolder, "maps", ".safetensors")
            else:
                for tag in self.wanted:
                    self.names.of(photo, subfolder, tag, ".png")

    def write_all(self, photos: Iterable[PhotoInFolder], results: Iterable[Analysis | FailedTagging]) -> int:
        """Write the maps of each photo; an error goes to stderr. Returns how many photos failed."""
        failed = 0
        for (photo, subfolder), result in zip(photos, results, strict=True):
            try:
                if isinstance(result, FailedTagging):
                    raise result.error
                (self._save if self.as_numbers else self._draw)(result, photo, subfolder)
            except (PhotoError, OverwriteError, OutputError) as error:
                failed += 1
                notes.error(str(error))
        return failed

    def _save(self, analysis: Analysis, photo: Path, subfolder: Path) -> None:
        file = self.names.of(photo, subfolder, "maps", ".safetensors")
        save_maps(analysis, file)
        stdout().print(escape_path(file))

    def _draw(self, analysis: Analysis, photo: Path, subfolder: Path) -> None:
        wanted = self.wanted or [scored.tag for scored in analysis.tagging.tags]
        if not wanted:
            notes.print(f"{escape_path(photo)}: no tag reaches its threshold. Choose one with --tag", style="yellow")
            return
        image, name = open_image(photo, max_pixels=self.max_pixels), self.names.language.name
        for heatmap in analysis.heatmaps(wanted):
            file, tag = self.names.of(photo, subfolder, heatmap.tag, ".png"), name(heatmap.tag)
            if heatmap.is_empty:
                notes.print(f"{tag}: no part of the photo supports it; the heat map is empty", style="yellow")
            elif heatmap.source != heatmap.tag:
                notes.progress(f"{tag}: the heat map is that of {name(heatmap.source)}")
            save_png(draw_heatmap(image, heatmap, opacity=self.opacity), file)
            stdout().print(escape_path(file))


def save_png(image: Image.Image, file: Path) -> None:
    """Write a PNG that carries our mark, and the folders above it.

    Raises:
        OutputError: the file cannot be written.
    """
    _make_folder(file.parent)
    with atomic_output(file) as stream:
        stream.write(to_png(image))


def save_maps(analysis: Analysis, file: Path) -> None:
    """Write the maps of every tag: `maps`, (T, h, w) float16 in [0, 1], and `scores`, (T,) float32.

    The file's metadata has the photo's path, the tags as a JSON list, the model, the runtime, the precision and the
    size of the input that the scores come from.

    Raises:
        OutputError: the file cannot be written.
    """
    from safetensors.numpy import save

    tagging = analysis.tagging
    metadata = {
        "path": escape_path(tagging.path or ""),
        "tags": json.dumps([scored.tag for scored in tagging.scores], ensure_ascii=False),
        "model": tagging.model,
        "runtime": tagging.runtime,
        "precision": tagging.precision,
        "size": str(tagging.size),
    }
    arrays = {
        "maps": np.stack([heatmap.values for heatmap in analysis.heatmaps()]).astype(np.float16),
        "scores": np.array([scored.score for scored in tagging.scores], np.float32),
    }
    _make_folder(file.parent)
    with atomic_output(file) as stream:
        stream.write(save(arrays, metadata=metadata))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{escape_path(folder)}: the folder cannot be created: {error.strerror}") from error
