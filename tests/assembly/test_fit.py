"""A vocabulary of one's own: fitted, written, found by its name, and refused where it cannot be."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from vectortag.assembly import fit as fit_module
from vectortag.assembly.fit import FitKeywords, FitOptions, fit
from vectortag.core.errors import ConfigError, DataError, UnknownModelError
from vectortag.core.folders import report_folder
from vectortag.core.types import ByteArray, FloatArray
from vectortag.evaluation.evaluate import evaluate
from vectortag.evaluation.model_card import write_card
from vectortag.inference.tagger import Tagger
from vectortag.model.folder import read_model_folder
from vectortag.model.words.similarity import Words, no_classes
from vectortag.runtime.openvino import OpenVinoSession

PHOTOS = 60


@pytest.fixture
def colours(tmp_path: Path) -> Path:
    """A metadata.csv of red, blue and purple photos; the last two words of a photo are its hue and "paint"."""
    folder = tmp_path / "colours"
    folder.mkdir()
    random = np.random.default_rng(0)
    rows = ["image_path,tags"]
    for number in range(PHOTOS):
        red, blue = number % 2, number % 4 // 2
        pixels = random.integers(0, 60, (40, 40, 3)) + np.array([180 * red, 0, 180 * blue])
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
        words = ["red"] * red + ["Blue"] * blue
        rows.append(f'{number}.png,"{", ".join([*words, "paint"])}"')
    (folder / "metadata.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture
def fit_colours(colours: Path, tiny_model: Path) -> Callable[..., object]:
    """fit_colours(name="mine", ...): fitted on the tiny model's network, without the default taxonomy."""
    return lambda **options: fit(
        options.pop("data", colours), **{"name": "mine", "model": tiny_model, "taxonomy": "none", **options}
    )


def test_it_learns_and_is_found_by_its_name(fit_colours, colours):
    folder = fit_colours()

    tagger = Tagger.load("mine")
    assert tagger.tags == ("blue", "paint", "red")
    assert tagger.folder.digest == folder.digest
    assert tagger.tag(colours / "1.png")["red"].score > 0.8
    assert tagger.tag(colours / "2.png")["red"].score < 0.2
    assert folder.manifest.metrics["colours"]["map"] > 0.95


def test_its_figures_are_those_that_evaluate_finds(fit_colours, colours):
    folder = fit_colours()

    report = evaluate(Tagger.load("mine"), colours, split="val")

    assert report.summary() == folder.manifest.metrics["colours"]
    assert report.photos == PHOTOS // 5


def test_its_card_has_the_figures_of_each_tag_as_evaluate_finds_them(fit_colours, colours):
    folder = fit_colours()

    per_tag, bins = (folder.manifest.metrics[name] for name in ("per_tag", "reliability"))
    found = {tag.tag: tag for tag in evaluate(Tagger.load("mine"), colours, split="val").tags}
    assert {len(values) for values in per_tag.values()} == {3}
    for place, tag in enumerate(folder.manifest.tags):  # "paint" is on every photo, so nobody can judge it
        known = found.get(tag)
        assert per_tag["photos"][place] == (known.support if known else 0)
        precision = per_tag["average_precision"][place]
        assert precision == (pytest.approx(known.average_precision, abs=1e-4) if known else None)
    assert sum(bins["before"]["entries"]) == sum(bins["after"]["entries"]) == 2 * PHOTOS // 5
    card = (folder.path / "MODEL_CARD.md").read_text()
    assert "| paint ‡ | - | - | - | - | - | - |\n" in card
    assert card == write_card(folder.manifest)


def test_it_offers_the_sizes_of_its_base_each_with_its_figures(fit_colours, colours, two_sizes):
    folder = fit_colours(model=two_sizes.path)

    assert folder.manifest.sizes == (32, 64)
    reports = [evaluate(Tagger.load("mine", size=size), colours, split="val").summary() for size in (32, 64)]
    assert reports == [folder.manifest.metrics["colours"], folder.manifest.metrics["sizes"]["64"]["colours"]]
    assert [report["size"] for report in reports] == [32, 64]
    assert folder.manifest.operating_points[0].slope != folder.manifest.operating_points[1].slope
    assert (
        folder.manifest.metrics["sizes"]["64"]["cross_fitted"].keys() == folder.manifest.metrics["cross_fitted"].keys()
    )


def test_the_network_is_the_base_model_s(fit_colours, tiny_model):
    base, folder = read_model_folder(tiny_model), fit_colours()

    assert folder.manifest.files["model.onnx"] == base.manifest.files["model.onnx"]
    assert folder.manifest.backbone == base.manifest.backbone
    assert folder.manifest.provenance["base"] == base.id
    assert base.id in (folder.path / "MODEL_CARD.md").read_text()


def test_it_remembers_what_made_its_network(fit_colours, write_tiny_model, tmp_path):
    base = write_tiny_model(tmp_path / "base", provenance={"timm": "1.0.31", "torch": "2.11.0", "seconds": 5})

    provenance = fit_colours(model=base.path).manifest.provenance

    assert (provenance["timm"], provenance["torch"], provenance["base"]) == ("1.0.31", "2.11.0", base.id)


def test_it_explains_and_takes_new_tags(fit_colours, colours):
    fit_colours()
    tagger = Tagger.load("mine")

    assert tagger.explain(colours / "1.png", "red").values.shape == (16, 16)
    added = tagger.add_tag("crimson", [colours / f"{n}.png" for n in (1, 5, 9)])
    assert Tagger.load("mine").tags[-1] == added.name


def test_the_background_is_topped_up_by_the_base_model_s(fit_colours, tiny_background):
    background = fit_colours().background

    assert len(background) == PHOTOS * 4 // 5 + len(tiny_background)
    np.testing.assert_allclose(background[-1], tiny_background[-1], atol=np.ptp(background) / 255)


def test_its_head_takes_half_the_room(fit_colours):
    assert {str(array.dtype) for array in load_file(fit_colours().path / "head.safetensors").values()} == {
        "float16",
        "float32",
    }


def test_a_report_lies_in_the_data_folder(fit_colours):
    fit_colours()

    report = report_folder("mine")
    assert "How mine was trained" in (report / "README.md").read_text()
    assert {"per_tag.csv", "heatmaps.png"} <= {file.name for file in report.iterdir()}


def test_the_seed_decides(fit_colours):
    heads = [fit_colours(seed=seed, overwrite=True).manifest.files["head.safetensors"] for seed in (1, 1, 2)]

    assert heads[0] == heads[1] != heads[2]


def test_class_weights_raise_the_scores_of_rare_tags(fit_colours, colours):
    rows = [f'{n}.png,"{"rare, " if n % 10 == 0 else ""}paint"' for n in range(PHOTOS)]
    (colours / "metadata.csv").write_text("\n".join(["image_path,tags", *rows]) + "\n")

    plain, weighted = (fit_colours(max_positive_weight=w, overwrite=True, min_photos=1) for w in (1.0, 20.0))

    rare = plain.manifest.tags.index("rare")
    assert (weighted.head.logits(weighted.background) > plain.head.logits(plain.background))[:, rare].mean() > 0.8


def test_the_best_epoch_is_kept(fit_colours):
    provenance = fit_colours().manifest.provenance

    precisions = [epoch["val_map"] for epoch in provenance["epochs"]]
    assert precisions[provenance["best_epoch"] - 1] == max(precisions)


def test_words_go_through_the_taxonomy(fit_colours, tmp_path):
    (tmp_path / "rules.toml").write_text(
        'version = 1\n[synonyms]\nscarlet = ["red"]\n[implications]\nscarlet = ["warm"]\n[ignored]\ntags = ["paint"]\n'
    )

    assert fit_colours(taxonomy=str(tmp_path / "rules.toml")).manifest.tags == ("blue", "scarlet", "warm")


def test_the_most_frequent_tags(fit_colours):
    assert fit_colours(top_k=1).manifest.tags == ("paint",)


def test_a_bad_photo_is_left_out(fit_colours, colours, caplog):
    (colours / "7.png").write_bytes(b"no photo")

    with pytest.raises(DataError, match=r"7\.png: not a photo.*\. Fix the photo or pass --skip-bad-rows"):
        fit_colours()
    folder = fit_colours(skip_bad_rows=True)

    assert folder.manifest.data_sets[0].train_photos + folder.manifest.metrics["colours"]["photos"] == PHOTOS - 1
    assert "left out" in caplog.text
    assert "7.png" in caplog.text


def test_a_second_fit_embeds_no_photo_again(fit_colours, monkeypatch):
    computed: list[int] = []
    run = OpenVinoSession.run

    def counted(self: OpenVinoSession, images: ByteArray, **options: Any) -> FloatArray:
        computed[-1] += len(images)
        return run(self, images, **options)

    monkeypatch.setattr(OpenVinoSession, "run", counted)
    heads = []
    for _ in range(2):
        computed.append(0)
        heads.append(fit_colours(overwrite=True).manifest.files["head.safetensors"])

    assert computed[0] - computed[1] == PHOTOS  # the heat maps of the report are made both times
    assert heads[0] == heads[1]


def test_a_name_that_is_taken_is_refused_before_any_work(fit_colours, monkeypatch):
    first = fit_colours()
    monkeypatch.setattr(fit_module, "embed_data_set", lambda *_: pytest.fail("work was done"))

    with pytest.raises(ConfigError, match=r"mine: there is a model of that name already"):
        fit_colours()
    assert read_model_folder(first.path).digest == first.digest


@pytest.mark.parametrize(
    ("name", "message"),
    [("lite0", "ships with VectorTag"), ("../up", "a model's name has letters"), ("", "a model's name has letters")],
)
def test_names_that_no_model_may_have(fit_colours, name: str, message: str):
    with pytest.raises(ConfigError, match=message):
        fit_colours(name=name)


def test_without_a_name_it_is_called_as_its_folder(fit_colours):
    assert fit_colours(name=None).path.name == "colours"


def test_the_base_model_must_exist(colours):
    with pytest.raises(UnknownModelError):
        fit(colours, name="mine", model="nothing")


def test_a_failed_fit_leaves_the_old_model(fit_colours, monkeypatch):
    first = fit_colours()
    monkeypatch.setattr(
        "vectortag.model.write_folder.replace_folder", lambda *_: (_ for _ in ()).throw(OSError("full"))
    )

    with pytest.raises(Exception, match="full"):
        fit_colours(overwrite=True)
    assert read_model_folder(first.path).digest == first.digest


def test_one_photo_is_no_data_set(fit_colours, colours):
    (colours / "metadata.csv").write_text("image_path,tags\n1.png,red\n")

    with pytest.raises(DataError, match="at least two photos"):
        fit_colours()


def test_no_tag_is_frequent_enough(fit_colours):
    with pytest.raises(DataError, match="no tag has 1000 photos"):
        fit_colours(min_photos=1000)


def test_no_photo_can_be_read(fit_colours, colours):
    for photo in colours.glob("*.png"):
        photo.write_bytes(b"")

    with pytest.raises(DataError, match=f"none of {PHOTOS} photos can be read"):
        fit_colours()


def test_without_matplotlib_the_report_has_no_plots_and_no_torch_is_loaded(colours, tiny_model, home):
    code = (
        "import json, sys; sys.modules['matplotlib'] = None\n"
        "import vectortag as vt\n"
        f"folder = vt.fit({str(colours)!r}, name='mine', model={str(tiny_model)!r}, taxonomy='none')\n"
        "print(json.dumps([str(folder.path), 'torch' in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    path, torch_loaded = json.loads(done.stdout)
    assert Path(path) == home / "models" / "mine"
    assert not torch_loaded
    assert {file.name for file in report_folder("mine").iterdir()} == {"README.md", "heatmaps.png", "per_tag.csv"}
    assert "png" not in (report_folder("mine") / "README.md").read_text().replace("heatmaps.png", "")


def test_it_keeps_what_its_base_was_taught_of_words(fit_colours, write_tiny_model, tmp_path):
    texts = np.eye(2, 12, dtype=np.float32)
    words = Words(
        no_classes(8),
        texts[:0],
        np.ones((8, 12), np.float32),
        texts[0],
        texts[0],
        np.eye(12, dtype=np.float32),
        ("a", "b"),
        texts,
    )
    base = write_tiny_model(tmp_path / "worded", words=words)

    folder = fit_colours(model=base.path)

    assert folder.words.known == ("a", "b")
    assert folder.manifest.files["words.safetensors"] == base.manifest.files["words.safetensors"]


def test_the_vocabulary_does_not_depend_on_the_split(fit_colours):
    vocabularies = {
        fit_colours(seed=seed, min_photos=30, overwrite=True, validation=0.3).manifest.tags for seed in range(3)
    }

    assert vocabularies == {("blue", "paint", "red")}  # 30 photos have "blue", whatever part they are in


def test_a_tag_that_every_photo_has_is_named_since_it_cannot_be_learnt(fit_colours, caplog):
    fit_colours()

    assert "paint: every training photo has it, so nothing is learnt" in caplog.text


def test_a_tag_that_is_named_beside_a_narrower_one_is_named_with_the_remedy(fit_colours, colours, caplog):
    file = colours / "metadata.csv"
    file.write_text(file.read_text().replace("Blue", "penguin", 3).replace("paint", "bird", PHOTOS // 2))

    fit_colours(taxonomy="default")

    assert "bird: nothing is learnt, since a photo that is not labelled with it may show it" in caplog.text
    assert "[complete]" in caplog.text
    caplog.clear()
    fit_colours(taxonomy="none", overwrite=True)
    assert "bird: nothing" not in caplog.text


def test_a_model_that_shows_nothing_is_named(fit_colours, colours, caplog):
    rows = [f"{number}.png,paint" for number in range(PHOTOS)]
    (colours / "metadata.csv").write_text("\n".join(["image_path,tags", *rows]) + "\n")

    fit_colours()

    assert "no tag reaches its threshold on any validation photo" in caplog.text


def test_over_folds_it_says_how_much_its_figures_vary_and_keeps_its_tags(fit_colours, colours):
    folder = fit_colours(folds=3)

    folds = folder.manifest.metrics["folds"]
    assert folds["folds"] == 3
    assert folds["map"]["mean"] > 0.9
    assert "Over 3 folds of all photos" in (folder.path / "MODEL_CARD.md").read_text()
    with np.load(report_folder("mine") / "out_of_fold.npz", allow_pickle=False) as file:
        assert tuple(file["tags"]) == folder.manifest.tags
        assert file["scores"].shape == (PHOTOS, 3)
        assert sorted(Path(photo).name for photo in file["photos"]) == sorted(f"{n}.png" for n in range(PHOTOS))
    assert (report_folder("mine") / "label_errors.csv").read_text().startswith("photo,tag,has,score")
    assert "labels look wrong" in (report_folder("mine") / "label_errors.html").read_text()


def test_every_option_is_a_keyword():
    assert get_type_hints(FitKeywords) == get_type_hints(FitOptions)


def test_an_option_that_does_not_exist_is_refused_before_any_work(fit_colours):
    with pytest.raises(TypeError, match="epochs"):
        fit_colours(epochs=3)
