"""A training's configuration: what is read, what is filled in, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from vectortag.errors import ConfigError
from vectortag.train.config import TrainConfig, load_config

WriteConfig = Callable[[str], Path]
MINIMAL = 'name = "mine"\n[[data]]\nname = "photos"\ncsv = "photos/metadata.csv"\n'
EXPERIMENTS = sorted((Path(__file__).parents[2] / "experiments").glob("*.toml"))


@pytest.fixture
def write_config(tmp_path: Path) -> WriteConfig:
    """write_config(text): a file my_tags.toml that holds it."""

    def write(text: str) -> Path:
        file = tmp_path / "my_tags.toml"
        file.write_text(text, encoding="utf-8")
        return file

    return write


def test_a_name_and_a_data_set_are_enough(write_config: WriteConfig):
    config = load_config(write_config(MINIMAL))

    assert (config.name, config.data[0].csv) == ("mine", "photos/metadata.csv")
    assert (config.backbone.architecture, config.backbone.image_size) == ("resnet18", 224)
    assert (config.head.hidden, config.head.dropout) == (256, 0.4)
    assert (config.vocabulary.top_k, config.max_positive_weight) == (150, 20)


def test_every_section_is_read(write_config: WriteConfig):
    sections = "[backbone]\nimage_size = 160\n[head]\nhidden = 64\n[vocabulary]\ntop_k = 7\ntaxonomy = 'none'\n"

    config = load_config(write_config("seed = 9\n" + MINIMAL + sections))

    assert (config.seed, config.backbone.image_size, config.head.hidden) == (9, 160, 64)
    assert (config.vocabulary.top_k, config.vocabulary.taxonomy) == (7, "none")


@pytest.mark.parametrize("file", EXPERIMENTS, ids=lambda file: file.name)
def test_every_experiment_of_the_project_is_valid(file: Path, monkeypatch):
    monkeypatch.setenv("VECTORTAG_DATA", "/data")
    monkeypatch.setenv("VECTORTAG_WEIGHTS", "/weights")

    config = load_config(file)

    assert config.name == file.stem
    assert all(data.csv.startswith("/data/") and data.rights and data.about for data in config.data)


def test_a_variable_is_filled_in_wherever_it_stands(write_config: WriteConfig, monkeypatch):
    monkeypatch.setenv("PHOTOS", "/media/photos")
    text = MINIMAL.replace("photos/", "${PHOTOS}/of/${PHOTOS}/") + '[backbone]\ninit = "${PHOTOS}.safetensors"\n'

    config = load_config(write_config(text))

    assert config.data[0].csv == "/media/photos/of//media/photos/metadata.csv"
    assert config.backbone.init == "/media/photos.safetensors"


def test_a_variable_that_is_not_set_is_an_error(write_config: WriteConfig, monkeypatch):
    monkeypatch.delenv("PHOTOS", raising=False)
    file = write_config(MINIMAL.replace("photos/", "${PHOTOS}/"))

    with pytest.raises(ConfigError) as caught:
        load_config(file)

    assert str(caught.value) == f"{file}: ${{PHOTOS}} is used but not set. Set it: export PHOTOS=..."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch = 3\n" + MINIMAL, r'unknown key "epoch"\. Did you mean "epochs"\? Known here: name, seed, data'),
        (MINIMAL + 'right = ""\n', r'unknown key "data\.0\.right"\. Did you mean "rights"\? Known here: name, csv, '),
        (MINIMAL + "[head]\nhiden = 3\n", r'unknown key "head\.hiden"\. Did you mean "hidden"\? Known here: hidden, d'),
        (MINIMAL + "[optimiser]\nname = 'sgd'\n", r'unknown key "optimiser"'),
        ("epochs = 0\n" + MINIMAL, r"epochs: Input should be greater than 0, got 0"),
        ("epochs = 'many'\n" + MINIMAL, r"epochs: Input should be a valid integer.*, got 'many'"),
        ("validation = 1\n" + MINIMAL, r"validation: Input should be less than 1, got 1"),
        ("max_positive_weight = 0.5\n" + MINIMAL, r"max_positive_weight: .*greater than or equal to 1, got 0\.5"),
        ("freeze = 'nothing'\n" + MINIMAL, r"freeze: Input should be 'backbone', got 'nothing'"),
        (MINIMAL + "[head]\ndropout = 1\n", r"head\.dropout: Input should be less than 1, got 1"),
        (MINIMAL.replace("mine", "../mine"), r"name: String should match pattern.*, got '\.\./mine'"),
        ("name = 'mine'\ndata = []\n", r"data: Tuple should have at least 1 item"),
        ("name = 'mine'\n", r"data: Field required"),
        ("name = mine\n", r"not valid TOML: .*line 1"),
    ],
)
def test_a_wrong_file_is_refused_where_it_is_wrong(write_config: WriteConfig, text, message):
    file = write_config(text)

    with pytest.raises(ConfigError, match=message) as caught:
        load_config(file)
    assert str(caught.value).startswith(f"{file}: ")


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path):
    (tmp_path / "my_tags.toml").write_bytes(b'name = "caf\xe9"')

    with pytest.raises(ConfigError, match="not valid TOML"):
        load_config(tmp_path / "my_tags.toml")


@pytest.mark.parametrize("name", ["gone.toml", "."])
def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path, name):
    with pytest.raises(ConfigError, match=r"cannot be read: .*Expected a TOML file"):
        load_config(tmp_path / name)


def test_a_configuration_cannot_be_changed(write_config: WriteConfig):
    config: TrainConfig = load_config(write_config(MINIMAL))

    with pytest.raises(ValidationError, match="frozen"):
        config.epochs = 3  # type: ignore[misc]
