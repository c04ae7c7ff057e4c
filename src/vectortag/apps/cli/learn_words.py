"""vectortag learn-words"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vectortag.apps.cli.output import notes, stdout


def learn_words(
    model: Annotated[str, typer.Argument(help="A model's name or folder.", show_default=False)],
    data: Annotated[list[Path], typer.Argument(help="Tagged photos: metadata.csv files or folders.")],
    captions: Annotated[
        Path, typer.Option("--captions", help="A CSV file: image_path, caption; a row a caption.", show_default=False)
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A new model folder; default: the model's own is replaced.")
    ] = None,
) -> int:
    """Teach a model words, from captions and tagged photos: for `add-tag --from-words` and `find`.

    Its network and its tags stay as they are, and so does every score; tags that you added to it are kept under its
    old id, so add them again. Photos that the model keeps for validation are left out. Needs
    `pip install 'vectortag[words]'`.

    **Example**

    `vectortag learn-words runs/mine flickr8k/metadata.csv coco/metadata.csv --captions flickr8k/captions.csv`
    """
    from vectortag.assembly.learn_words import learn

    folder = learn(model, captions, data, output=output)
    words = folder.words
    evidence = None if words is None else words.evidence
    if evidence is None:
        notes.print("too few words were kept from it to say how far it can be trusted: it takes no tags from words yet")
    else:
        for low, separation, count in zip(evidence.from_nearness, evidence.separation, evidence.words, strict=True):
            notes.progress(
                f"{count:.0f} words not taught, the nearest taught from {low:.2f}: photos that show them score higher "
                f"than others {100 * separation:.0f} % of the time"
            )
    stdout().print(str(folder.path))
    return 0
