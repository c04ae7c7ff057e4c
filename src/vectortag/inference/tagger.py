"""The Tagger: from photos to tags and heat maps. The command line, the web page and the service use it, too.

photo -> pixels -> feature map -> embedding -> logits -> calibrated scores -> raised parents -> tags
         `Embedder` ----------------------->   `Scorer` ---------------------------------->
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from vectortag.core.errors import PhotoError, VectorTagError
from vectortag.core.text import normalise
from vectortag.core.types import FailedTagging, FloatArray, Heatmap, Tagging
from vectortag.inference.analysis import Analysis
from vectortag.inference.many_photos import ForwardPass, pass_many, score_many
from vectortag.inference.scorer import Scorer
from vectortag.inference.tagging import failed_tagging, tagging_of
from vectortag.model.calibration import PROFILES, Profile
from vectortag.model.folder import ModelFolder
from vectortag.model.precision import Precision, open_model
from vectortag.model.registry import find_model_folder
from vectortag.personal.added_tags import NO_ADDITIONS, AddedTag, Additions, read_additions, remove_addition
from vectortag.personal.corrected_rows import Refit, read_refits
from vectortag.runtime.embedder import Embedder, embeddings_of
from vectortag.runtime.pixels import Photo, name_of
from vectortag.runtime.session import Runtime

if TYPE_CHECKING:
    from vectortag.personal.corrections import Correction


FINE_FACTOR = 2
"""The input size of fine heat maps, as a multiple of the model's default size."""


class Tagger:
    """A loaded model.

    tagger = Tagger.load()
    tagging = tagger.tag("beach.jpg")   # .tags -> (TagScore("sea", score=0.91, threshold=0.44), ...)
    """

    def __init__(
        self,
        folder: ModelFolder,
        embedder: Embedder,
        *,
        profile: Profile = "balanced",
        additions: Additions = NO_ADDITIONS,
        refits: Sequence[Refit] = (),
    ) -> None:
        if profile not in PROFILES:
            raise VectorTagError(f'no profile "{profile}". Expected one of: {", ".join(PROFILES)}')
        self.folder = folder
        self.embedder = embedder
        self.profile = profile
        self._use_additions(additions, refits)

    def _use_additions(self, additions: Additions, refits: Sequence[Refit]) -> None:
        self.additions = additions.tags
        self.embedded = {additions.tags[row].name: embedded for row, embedded in additions.embedded.items()}
        self.refits = tuple(refits)
        self.scorer = Scorer.of(self.folder, self.embedder.size, self.profile, additions, refits)

    @classmethod
    def load(
        cls,
        model: str | Path | ModelFolder | None = None,
        *,
        profile: Profile = "balanced",
        size: int | None = None,
        runtime: Runtime = "auto",
        precision: Precision = "auto",
        threads: int | None = None,
        additions: bool = True,
        max_pixels: int | None = None,
    ) -> Tagger:
        """Load a model by name or path; None is the default model.

        Args:
            model: a name of `vectortag models`, the path of a model folder, or a ModelFolder.
            profile: the thresholds to use: "precise", "balanced" or "thorough".
            size: side of the network's input in pixels; the model must offer it. None: the largest for "thorough",
                else the default.
            runtime, precision, threads: as in `vectortag.model.precision.open_model`.
            additions: whether to use the user's added tags and corrections.
            max_pixels: limit per photo. Default: 200 million, 0.7 GB of memory; above that, up to 16 bytes per pixel.

        Raises:
            UnknownModelError: no model has this name or path.
            ModelFolderError: the folder is incomplete, was changed, or is of a newer version.
            ShapeError: the model does not offer that size.
        """
        folder = find_model_folder(model)
        manifest = folder.manifest
        point = manifest.point_for(profile) if size is None else manifest.operating_point(size)
        session = open_model(folder, runtime=runtime, precision=precision, threads=threads)
        tagger = cls(folder, Embedder(session, manifest.pixels, point.size, max_pixels), profile=profile)
        if additions:
            tagger.reload()
        return tagger

    def reload(self) -> None:
        """Read the user's added tags and corrections again.

        Raises:
            ModelFolderError: a file in the data folder was changed by hand, or is of a newer version.
        """
        self._use_additions(read_additions(self.folder), read_refits(self.folder))

    @property
    def tags(self) -> tuple[str, ...]:
        """The names of all T tags: the model's own, then the added ones."""
        return self.scorer.tags

    @property
    def thresholds(self) -> FloatArray:
        """(T,) float32, of the profile. NaN: the tag is never shown."""
        return self.scorer.thresholds

    @property
    def id(self) -> str:
        """The model's id in every output. It ends in "+corrections" if corrections changed the scores."""
        return f"{self.folder.id}+corrections" if self.refits else self.folder.id

    @property
    def default_embedder(self) -> Embedder:
        """The network at the model's default size. Added tags and corrections use it."""
        return self.embedder.at(self.folder.manifest.sizes[0])

    @property
    def finer(self) -> Embedder | None:
        """The network at the input size of fine heat maps; None if it takes no larger input."""
        manifest = self.folder.manifest
        size = FINE_FACTOR * manifest.sizes[0]
        return self.embedder.at(size) if manifest.backbone.any_size and size > self.embedder.size else None

    def without_additions(self) -> Tagger:
        """The same model and session without the user's added tags and corrections."""
        return Tagger(self.folder, self.embedder, profile=self.profile)

    def tag(self, photo: Photo) -> Tagging:
        """Tag one photo.

        Raises:
            PhotoError: the photo cannot be read.
        """
        return self.analyse(photo).tagging

    def tag_many(self, photos: Iterable[Photo]) -> Iterator[Tagging | FailedTagging]:
        """Tag photos in their order. A photo that cannot be read yields a FailedTagging; the others are tagged."""
        for photo, result in score_many(self.embedder, self.scorer, photos):
            if isinstance(result, PhotoError):
                yield failed_tagging(photo, result)
            else:
                embedding, scores = result
                yield self._tagging(photo, scores, embedding)

    def analyse(self, photo: Photo, *, fine: bool = False) -> Analysis:
        """Run the network once. The result has the tags, and gives the heat map of any tag.

        Args:
            photo: a path, the bytes of a file, a Pillow image or an array.
            fine: run the network a second time on a larger input, for finer heat maps. Scores stay the same.

        Raises:
            PhotoError: the photo cannot be read.
        """
        finer = self.finer if fine else None
        feature_map = self.embedder.feature_map(photo)
        return self.analysis_of(photo, feature_map, fine=finer.feature_map(photo) if finer else None)

    def analyse_many(self, photos: Iterable[Photo], *, fine: bool = False) -> Iterator[Analysis | FailedTagging]:
        """Analyse photos in their order, as `tag_many` tags them; `fine` as in `analyse`."""
        for photo, result in pass_many(self.embedder, self.finer if fine else None, self.scorer, photos):
            if isinstance(result, PhotoError):
                yield failed_tagging(photo, result)
            else:
                yield self._analysis(photo, result)

    def analysis_of(self, photo: Photo | None, feature_map: FloatArray, *, fine: FloatArray | None = None) -> Analysis:
        """The analysis of a photo from its feature map, without reading the photo or running the network.

        Args:
            photo: its name goes into the result.
            feature_map: (K, h, w), from `embedder`.
            fine: (K, H, W), from `finer`, for fine heat maps.
        """
        own_scores = self.scorer.own_scores(embeddings_of(feature_map[None]))[0]
        return self._analysis(photo, ForwardPass(feature_map, own_scores, fine))

    def _analysis(self, photo: Photo | None, forward: ForwardPass) -> Analysis:
        scores = self.scorer.hierarchy.raise_parents(forward.own_scores[None])[0]
        return Analysis(
            self.scorer, forward.feature_map, forward.own_scores, self._tagging(photo, scores), forward.fine
        )

    def explain(self, photo: Photo, tag: str, *, fine: bool = True) -> Heatmap:
        """Return the heat map of a tag (Grad-CAM): where in the photo the model sees it. Its score is the one of `tag`.

        Args:
            photo: a path, the bytes of a file, a Pillow image or an array.
            tag: a tag of the model, or a synonym.
            fine: run the network a second time on a larger input: twice as many cells per side.

        Raises:
            PhotoError: the photo cannot be read.
            UnknownTagError: the model does not have the tag.
        """
        self.place(tag)
        return self.analyse(photo, fine=fine).heatmap(tag)

    def scores(self, embeddings: FloatArray) -> FloatArray:
        """Calibrated scores of all tags: (N, K) -> (N, T). A parent never scores lower than its child."""
        return self.scorer.scores(embeddings)

    def shown(self, scores: FloatArray) -> npt.NDArray[np.bool_]:
        """Which tags are shown: those whose score reaches their threshold, and their parents: (N, T) -> (N, T)."""
        return self.scorer.shown(scores)

    def decide(self, scores: FloatArray) -> Tagging:
        """The tagging of a photo from its scores: one row (T,) of the result of `scores`."""
        return self._tagging(None, scores)

    def place(self, tag: str) -> int:
        """The index of a tag or synonym among `tags`.

        Raises:
            UnknownTagError: the model does not have the tag.
        """
        return self.scorer.index(tag)

    def add_tag(
        self,
        name: str,
        positives: Iterable[Photo] = (),
        negatives: Iterable[Photo] = (),
        *,
        parents: Iterable[str] = (),
        words: bool | str = False,
    ) -> AddedTag:
        """Add a tag from example photos, from words, or from both, without training. No other score changes.

        The tag is stored in the user's data folder, under the model's hash. Every later `Tagger.load` has it. To add
        photos to a tag that was added from words, add it again with photos; it keeps its words.

        Args:
            name: the new tag.
            positives: at least 3 different photos that show the tag; 20 are better. With `words`, no photo is needed.
            negatives: photos that look like the tag but do not show it.
            parents: tags of the model that the new tag implies, in addition to those of the taxonomy.
            words: True to learn from the name, or a longer description in English.

        Raises:
            MissingExtraError: the words need the text model, which is not installed.
            NewTagError: the name exists, the examples are too few or contradict each other, or the tag cannot be saved.
            PhotoError: an example cannot be read.
            UnknownTagError: the model does not have a parent.
            WordsError: the text model cannot read the words, or they are too far from what the model knows.
        """
        from vectortag.personal.from_photos import add_tag

        added = add_tag(self.folder, self.default_embedder, name, positives, negatives, parents=parents, words=words)
        self.reload()
        return added

    def remove_tag(self, name: str) -> None:
        """Remove an added tag.

        Raises:
            NewTagError: no added tag has this name.
        """
        remove_addition(self.folder, normalise(name))
        self.reload()

    def correct(self, photo: str | Path, *, yes: Iterable[str] = (), no: Iterable[str] = ()) -> list[Correction]:
        """Record that a photo shows tags, or does not show tags. The model learns it with `refresh`.

        Raises:
            CorrectionError: a tag is in both, no tag is given, or the record cannot be written.
            PhotoError: the photo cannot be read.
            UnknownTagError: the model does not have a tag.
        """
        from vectortag.personal.corrections import add_corrections, corrections_of

        has, has_not = ({self.tags[self.place(tag)] for tag in tags} for tags in (yes, no))
        corrections = corrections_of(photo, [tag for tag in self.tags if tag in has | has_not], has, has_not)
        self.embedder.pixels(photo)
        add_corrections(corrections)
        return corrections

    def _tagging(self, photo: Photo | None, scores: FloatArray, embedding: FloatArray | None = None) -> Tagging:
        return tagging_of(self.scorer, self.embedder, scores, path=name_of(photo), model=self.id, embedding=embedding)
