"""vectortag fit"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vectortag.apps.cli import options
from vectortag.apps.cli.output import stdout
from vectortag.apps.cli.summary import print_summary

Data = Annotated[Path, typer.Argument(help="A metadata.csv, or a folder of photos with keywords.", show_default=False)]
Name = Annotated[str | None, typer.Option("--name", help="Name of the new model. Default: the name of the folder.")]
Taxonomy = Annotated[str, typer.Option(help='"default", "none", or the path of a taxonomy file.')]
Raw = Annotated[bool, typer.Option("--raw", help="Use the words unchanged; same as --taxonomy none.")]
TopK = Annotated[int | None, typer.Option("--top-k", min=1, help="At most this many tags, the most frequent ones.")]
MinPhotos = Annotated[int, typer.Option(min=1, help="Leave out tags with fewer photos.")]
Validation = Annotated[float, typer.Option(min=0.01, max=0.9, help="Share of the photos that is used for validation.")]
MaxPositiveWeight = Annotated[float, typer.Option(min=1, help="Limit of the class weights N_neg/N_pos; 1: no weights.")]
Folds = Annotated[
    int | None,
    typer.Option(
        min=2,
        help="Also cross-validate with this many folds: mean and deviation of the figures, and labels that look wrong.",
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Random seed of split and fit.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing model of this name.")]


def fit(
    data: Data,
    name: Name = None,
    model: options.Model = None,
    taxonomy: Taxonomy = "default",
    raw: Raw = False,
    top_k: TopK = None,
    min_photos: MinPhotos = 5,
    validation: Validation = 0.2,
    max_positive_weight: MaxPositiveWeight = 1.0,
    folds: Folds = None,
    seed: Seed = 1,
    skip_bad_rows: options.SkipBadRows = False,
    overwrite: Overwrite = False,
) -> int:
    """Make a model with your own tags from tagged photos, in minutes and without training a network.

    Fits a new head on the embeddings of the network of `--model`. If a folder has no metadata.csv, the keywords of the
    photos are the tags, from XMP sidecars or from the photos. The new model is stored in your data folder; use it by
    its name. A second fit on the same photos is faster, because embeddings are cached.

    **Examples**

    `vectortag fit photos/metadata.csv --name mine`

    `vectortag fit ~/Pictures --name mine --raw`

    `vectortag fit photos/metadata.csv --name mine --folds 5`

    `vectortag tag holiday/ --model mine`
    """
    from vectortag.assembly.fit import fit as fit_model
    from vectortag.core.folders import report_folder
    from vectortag.data.usable import read_usable

    photos = read_usable(data, skip_bad_rows=skip_bad_rows)
    folder = fit_model(
        photos,
        name=name,
        model=model,
        taxonomy="none" if raw else taxonomy,
        top_k=top_k,
        min_photos=min_photos,
        validation=validation,
        max_positive_weight=max_positive_weight,
        folds=folds,
        seed=seed,
        skip_bad_rows=skip_bad_rows,
        overwrite=overwrite,
    )
    print_summary(folder, report=report_folder(folder.manifest.name), model=folder.manifest.name)
    stdout().print(str(folder.path))
    return 1 if photos.closed else 0
