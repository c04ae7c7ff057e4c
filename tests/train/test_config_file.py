"""A training's configuration: what is read, what is filled in, what is refused."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from vectortag.core.errors import ConfigError
from vectortag.train.config_file import ENVIRONMENT_PREFIX, load_config
from vectortag.train.sections import AugmentConfig, LossConfig

WriteConfig = Callable[[str], Path]
MINIMAL = 'name = "mine"\n[[data]]\nname = "photos"\ncsv = "photos/metadata.csv"\n'
EXPERIMENTS = sorted((Path(__file__).parents[2] / "experiments").glob("*.toml"))
PUBLISHED = [file for file in EXPERIMENTS if not file.name[0].isdigit()]


@pytest.fixture
def write_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteConfig:
    """write_config(text): a file my_tags.toml that holds it, below which no `.env` and no variable decides anything."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(ENVIRONMENT_PREFIX)]:
        monkeypatch.delenv(name)

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


def test_the_defaults_are_those_of_the_original_design(write_config: WriteConfig):
    config = load_config(write_config(MINIMAL))

    assert (config.batch_size, config.epochs, config.freeze) == (32, 12, "none")
    assert (config.optimiser, config.learning_rate, config.weight_decay) == ("adam", 1e-4, 1e-5)
    assert (config.vocabulary.top_k, config.max_samples) == (150, 200_000)
    assert (config.loss.kind, config.loss.max_positive_weight) == ("weighted_bce", 20)
    assert (config.schedule.kind, config.early_stopping) == ("plateau", 5)
    augment = config.augment
    assert (augment.resize, augment.flip, augment.rotation, augment.jitter) == (256, 0.5, 15, (0.2, 0.2, 0.2, 0.1))


@pytest.mark.parametrize(
    ("section", "values"),
    [
        ("backbone", {"image_size": 160, "sizes": (224, 320), "trained_stages": 2}),
        ("head", {"hidden": 64, "dropout": 0.1}),
        ("vocabulary", {"top_k": 7, "taxonomy": "none"}),
        ("augment", {"resize": 96, "flip": 0.1, "jitter": (0.1, 0.2, 0.3, 0.4), "mixup": 0.3, "views": 5}),
        ("loss", {"kind": "asymmetric", "gamma_negative": 3.5, "gamma_positive": 0.0, "clip": 0.1}),
        ("schedule", {"kind": "cosine", "warmup_epochs": 0.5}),
    ],
)
def test_every_section_is_read(write_config: WriteConfig, section, values):
    lines = [f"{key} = {list(value) if isinstance(value, tuple) else repr(value)}" for key, value in values.items()]

    config = load_config(write_config(MINIMAL + f"[{section}]\n" + "\n".join(lines)))

    read = getattr(config, section).model_dump()
    assert {key: read[key] for key in values} == values


@pytest.mark.parametrize("file", EXPERIMENTS, ids=lambda file: file.name)
def test_every_experiment_of_the_project_is_valid(file: Path, monkeypatch):
    for name in ("DATA", "MORE", "WEIGHTS"):
        monkeypatch.setenv(f"VECTORTAG_{name}", "/data")
    monkeypatch.setenv("VECTORTAG_WEIGHTS", "/weights")
    monkeypatch.setenv("VECTORTAG_TUNED", "/tuned")

    config = load_config(file)

    assert config.name == file.stem
    assert all(data.csv.startswith("/data/") for data in config.data)


@pytest.mark.parametrize("file", PUBLISHED, ids=lambda file: file.name)
def test_every_set_of_a_published_model_has_its_rights_on_record(file: Path, monkeypatch):
    for name in ("DATA", "MORE", "WEIGHTS"):
        monkeypatch.setenv(f"VECTORTAG_{name}", "/data")
    monkeypatch.setenv("VECTORTAG_WEIGHTS", "/weights")
    monkeypatch.setenv("VECTORTAG_TUNED", "/tuned")

    assert all(data.rights and data.about for data in load_config(file).data)


def test_there_are_published_models():
    assert {"lite0.toml", "resnet18.toml"} <= {file.name for file in PUBLISHED}


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
        (MINIMAL + "[los]\nkind = 'bce'\n", r'unknown key "los"\. Did you mean "loss"\?'),
        (MINIMAL + "[loss]\nkin = 'bce'\n", r'unknown key "loss\.kin"\. Did you mean "kind"\? Known here: kind, max_'),
        (
            MINIMAL + "[augment]\nflipp = 1\n",
            r'unknown key "augment\.flipp"\. Did you mean "flip"\? Known here: resize',
        ),
        (MINIMAL + "[schedule]\nwarmup = 1\n", r'unknown key "schedule\.warmup"\. Did you mean "warmup_epochs"\?'),
        ("optimiser = 'lamb'\n" + MINIMAL, r"optimiser: Input should be 'adam', 'adamw' or 'sgd', got 'lamb'"),
        ("epochs = 0\n" + MINIMAL, r"epochs: Input should be greater than 0, got 0"),
        ("epochs = 'many'\n" + MINIMAL, r"epochs: Input should be a valid integer.*, got 'many'"),
        ("validation = 1\n" + MINIMAL, r"validation: Input should be less than 1, got 1"),
        (MINIMAL + "[loss]\nmax_positive_weight = 0.5\n", r"loss\.max_positive_weight: .*or equal to 1, got 0\.5"),
        (MINIMAL + "[loss]\ngamma_negative = 0.5\n", r"loss\.gamma_negative: .*expected 0 or at least 1, got 0\.5"),
        (MINIMAL + "[loss]\ngamma_positive = -1\n", r"loss\.gamma_positive: .*expected 0 or at least 1, got -1"),
        (MINIMAL + "[augment]\njitter = [0, 0, 0, 0.6]\n", r"augment\.jitter\.3: .*less than or equal to 0\.5, got"),
        (MINIMAL + "[augment]\njitter = [-1, 0, 0, 0]\n", r"augment\.jitter\.0: .*greater than or equal to 0, got -1"),
        ("freeze = 'nothing'\n" + MINIMAL, r"freeze: Input should be 'none', 'stages' or 'backbone', got 'nothing'"),
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


class TestLayers:
    """Defaults, the file, `.env`, the environment, settings: each wins over those before it."""

    def test_each_layer_wins_over_those_before_it(self, write_config: WriteConfig, tmp_path: Path, monkeypatch):
        file = write_config("epochs = 2\n" + MINIMAL)
        assert load_config(file).epochs == 2

        (tmp_path / ".env").write_text("VECTORTAG_TRAIN_EPOCHS=3\n")
        assert load_config(file).epochs == 3

        monkeypatch.setenv("VECTORTAG_TRAIN_EPOCHS", "4")
        assert load_config(file).epochs == 4

        assert load_config(file, settings=["epochs=5"]).epochs == 5
        assert load_config(file, settings=["epochs=5", "epochs=6"]).epochs == 6

    def test_a_layer_changes_only_what_it_names(self, write_config: WriteConfig, monkeypatch):
        file = write_config(MINIMAL + "[loss]\nkind = 'focal'\ngamma = 3\n")
        monkeypatch.setenv("VECTORTAG_TRAIN_LOSS__ALPHA", "0.5")

        assert load_config(file, settings=["seed=7"]).loss == LossConfig(kind="focal", gamma=3, alpha=0.5)

    @pytest.mark.parametrize(
        ("name", "value", "key", "expected"),
        [
            ("LEARNING_RATE", "1e-3", "learning_rate", 1e-3),
            ("FREEZE", "stages", "freeze", "stages"),
            ("KEEP_DUPLICATES_TOGETHER", "false", "keep_duplicates_together", False),
            ("LOSS__KIND", "asymmetric", "loss", LossConfig(kind="asymmetric")),
            ("AUGMENT__JITTER", "[0, 0, 0, 0]", "augment", AugmentConfig(jitter=(0, 0, 0, 0))),
        ],
    )
    def test_a_variable_names_a_key_and_two_underscores_its_section(
        self, write_config: WriteConfig, monkeypatch, name, value, key, expected
    ):
        monkeypatch.setenv(ENVIRONMENT_PREFIX + name, value)

        assert getattr(load_config(write_config(MINIMAL)), key) == expected

    def test_a_setting_is_toml_or_else_a_string(self, write_config: WriteConfig):
        settings = ["loss.kind = focal", "augment.flip=0", 'backbone.origin="a = b"', "backbone.init=a=b"]

        config = load_config(write_config(MINIMAL), settings=settings)

        assert (config.loss.kind, config.augment.flip) == ("focal", 0)
        assert (config.backbone.origin, config.backbone.init) == ("a = b", "a=b")

    def test_a_dotenv_may_have_comments_quotes_and_exports(self, write_config: WriteConfig, tmp_path: Path):
        lines = [
            "# VECTORTAG_TRAIN_SEED=2",
            "export VECTORTAG_TRAIN_EPOCHS=3",
            "VECTORTAG_TRAIN_LOSS__KIND='bce'",
            "",
            "not a pair",
            'PHOTOS = "/media/photos"',
        ]
        (tmp_path / ".env").write_text("\n".join(lines))

        config = load_config(write_config(MINIMAL.replace("photos/", "${PHOTOS}/")))

        assert (config.seed, config.epochs, config.loss.kind) == (1, 3, "bce")
        assert config.data[0].csv == "/media/photos/metadata.csv"

    def test_other_variables_are_none_of_its_business(self, write_config: WriteConfig, monkeypatch):
        monkeypatch.setenv("VECTORTAG_EPOCHS", "9")
        monkeypatch.setenv("EPOCHS", "9")

        assert load_config(write_config(MINIMAL)).epochs == 12

    @pytest.mark.parametrize("layer", ["file", "dotenv", "environment", "settings"])
    @pytest.mark.parametrize(
        ("key", "known"), [("epoch", "epochs"), ("loss.gama", "gamma"), ("schedule.patiense", "patience")]
    )
    def test_an_unknown_key_is_refused_with_a_suggestion_in_every_layer(
        self, write_config: WriteConfig, tmp_path: Path, monkeypatch, layer, key, known
    ):
        name = ENVIRONMENT_PREFIX + key.upper().replace(".", "__")
        file = write_config(f"{key} = 1\n{MINIMAL}" if layer == "file" else MINIMAL)
        if layer == "dotenv":
            (tmp_path / ".env").write_text(f"{name}=1\n")
        if layer == "environment":
            monkeypatch.setenv(name, "1")

        with pytest.raises(ConfigError, match=rf'unknown key "{key}"\. Did you mean "{known}"\? Known here: '):
            load_config(file, settings=[f"{key}=1"] if layer == "settings" else [])

    @pytest.mark.parametrize(
        ("setting", "message"),
        [
            ("epochs", r'--set epochs: expected key=value, as in "learning_rate=1e-3"'),
            ("epochs=", r"epochs: Input should be a valid integer.*, got ''"),
            ("name.first=x", r'--set name\.first=x: "name" is not a section with keys'),
            ("loss=focal", r"loss: Input should be a valid dictionary.*, got 'focal'"),
        ],
    )
    def test_a_wrong_setting_is_refused(self, write_config: WriteConfig, setting, message):
        with pytest.raises(ConfigError, match=message):
            load_config(write_config(MINIMAL), settings=[setting])


@pytest.mark.parametrize("sizes", ["[320, 320]", "[224]", "[16]"])
def test_a_size_stands_once_and_is_not_tiny(write_config: WriteConfig, sizes: str):
    with pytest.raises(ConfigError, match=r"backbone\S*: "):
        load_config(write_config(f"{MINIMAL}[backbone]\nsizes = {sizes}\n"))


@pytest.mark.parametrize("key", ["backbone.image_size", "augment.resize"])
def test_a_picture_that_no_memory_holds_is_refused(write_config: WriteConfig, key: str):
    with pytest.raises(ConfigError, match=rf"{key}: Input should be less than or equal to 2048, got 100000"):
        load_config(write_config(MINIMAL), settings=[f"{key}=100000"])


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        (MINIMAL + "epochs = " + "[" * 5000, []),
        (MINIMAL + "epochs = " + "9" * 5000, []),
        (MINIMAL, ["a." * 3000 + "b=1"]),
        (MINIMAL, ["epochs=" + "[" * 5000]),
    ],
    ids=["nested", "a long number", "a deep key", "a nested setting"],
)
def test_what_would_end_a_parser_is_refused(write_config: WriteConfig, text: str, settings: list[str]):
    with pytest.raises(ConfigError) as caught:
        load_config(write_config(text), settings=settings)

    assert len(str(caught.value)) < 1000


def test_keys_that_do_not_go_together_are_named_without_the_whole_configuration(write_config: WriteConfig):
    with pytest.raises(ConfigError, match=r"my_tags\.toml: unfreeze_at: expected rising numbers .* got \[3, 1\]$"):
        load_config(write_config("unfreeze_at = [3, 1]\n" + MINIMAL))
