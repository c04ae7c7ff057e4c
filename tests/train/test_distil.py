"""What is learnt from other networks: a teacher's scores, and not to forget what was known at the start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from vectortag.core.errors import ConfigError, TrainingError
from vectortag.core.types import UNKNOWN
from vectortag.data.records import Record
from vectortag.data.training import Part, TrainingData
from vectortag.inference.tagger import Tagger
from vectortag.model.classifier import Classifier
from vectortag.model.taxonomy import Taxonomy
from vectortag.train.config import DataConfig, TrainConfig
from vectortag.train.sections import DistilConfig


@pytest.fixture
def distil(torch: Any, need_module: Callable[[str], ModuleType]) -> Any:
    return need_module("vectortag.train.distil")


@pytest.fixture
def trunk(torch: Any) -> Any:
    """(B, 3, 6, 6) -> (B, 4, 6, 6), with a norm whose statistics move while it is trained."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.BatchNorm2d(4)).eval()


@pytest.fixture
def held(distil: Any, trunk: Any) -> Any:
    w = np.random.default_rng(2).normal(0, 1, (5, 4)).astype(np.float32)
    return distil.Held(trunk, Classifier(w, np.zeros(5, np.float32), tuple("abcde")))


class TestHeld:
    def test_a_network_that_has_not_changed_is_nowhere_away(self, held, trunk, torch):
        inputs = torch.rand(3, 3, 6, 6)

        assert held(inputs, trunk(inputs).mean(dim=(2, 3))).item() == pytest.approx(0, abs=1e-6)

    def test_it_is_the_divergence_of_what_is_said_now_from_what_was_said(self, held, trunk, torch):
        inputs, now = torch.rand(3, 3, 6, 6), torch.rand(3, 4)

        then = held.said(trunk(inputs).mean(dim=(2, 3))).softmax(dim=1)
        expected = (then * (then / held.classifier(now).softmax(dim=1)).log()).sum(dim=1).mean()

        assert held(inputs, now).item() == pytest.approx(expected.item(), rel=1e-5)

    def test_training_moves_the_classifier_and_nothing_of_what_was_said(self, held, trunk, torch):
        inputs = torch.rand(8, 3, 6, 6)
        held.train()
        before = held.trunk(inputs).clone(), held.said.weight.clone(), held.classifier.weight.clone()
        optimiser = torch.optim.SGD([one for one in held.parameters() if one.requires_grad], lr=1.0)

        for _ in range(3):
            optimiser.zero_grad()
            held(inputs, torch.rand(8, 4)).backward()
            optimiser.step()

        assert held.trunk(inputs).equal(before[0])
        assert held.said.weight.equal(before[1])
        assert not held.classifier.weight.equal(before[2])
        np.testing.assert_array_equal(held.trained(tuple("abcde")).w, held.classifier.weight.detach().numpy())


class TestTeacher:
    @pytest.fixture
    def data(self, make_photo: Callable[..., Path]) -> TrainingData:
        """Three photos: what the tiny model calls "a dog" as it is, unknown, and a tag that it does not have."""
        records = tuple(Record(make_photo(f"{n}.jpg", seed=n), (), n, None, "set") for n in range(3))
        targets = np.uint8([[1, UNKNOWN, 0], [0, UNKNOWN, UNKNOWN], [1, 1, 1]])
        empty = np.empty((0, 3), np.uint8)
        tags = (self.tags[1], self.tags[2], "unheard of")
        return TrainingData(tags, Taxonomy(), Part(records, targets), Part((), empty), (), empty[:, :0], ())

    @pytest.fixture(autouse=True)
    def _of_the_tiny_model(self, tagger: Tagger) -> None:
        self.tags, self.teacher = tagger.tags, str(tagger.folder.path)
        self.tagger = tagger

    def test_without_one_targets_are_what_people_said(self, distil, data, torch):
        targets = distil.training_targets(data, DistilConfig())

        torch.testing.assert_close(
            targets, torch.tensor([[1, torch.nan, 0], [0, torch.nan, torch.nan], [1, 1, 1]]), equal_nan=True
        )

    def test_it_has_its_share_where_people_spoke_and_the_word_where_nobody_did(self, distil, data):
        targets = distil.training_targets(data, DistilConfig(teacher=self.teacher, share=0.25)).numpy()

        said = [[s.score for s in self.tagger.tag(record.path).scores] for record in data.training.records]
        first, second = (np.array(said)[:, self.tags.index(tag)] for tag in data.tags[:2])
        np.testing.assert_allclose(targets[:, 0], 0.75 * np.array([1, 0, 1]) + 0.25 * first, atol=1e-5)
        np.testing.assert_allclose(targets[:2, 1], second[:2], atol=1e-5)
        assert targets[2, 1] == pytest.approx(0.75 + 0.25 * second[2], abs=1e-5)

    def test_of_a_tag_that_it_does_not_have_it_says_nothing(self, distil, data):
        targets = distil.training_targets(data, DistilConfig(teacher=self.teacher)).numpy()

        np.testing.assert_array_equal(targets[:, 2], [0, np.nan, 1])

    def test_a_teacher_of_other_tags_is_refused(self, distil, data):
        strange = TrainingData(("a", "b", "c"), *(getattr(data, name) for name in data.__slots__[1:]))

        with pytest.raises(TrainingError, match="has none of the 3 tags"):
            distil.training_targets(strange, DistilConfig(teacher=self.teacher))


class TestTeacherOfViews:
    @pytest.fixture
    def network(self, torch: Any) -> Any:
        """Images (B, H, W, 3) -> logits (B, 2): the mean of red, and the width of the images."""

        class Network(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.weight = torch.nn.Parameter(torch.tensor(0.01))
                self.norm = torch.nn.BatchNorm1d(2)

            def forward(self, images: Any) -> Any:
                red = images[..., 0].mean(dim=(1, 2)) * self.weight
                return torch.stack([red, torch.full_like(red, images.shape[2] / 100)], dim=1)

        return Network()

    def test_it_has_its_share_where_people_spoke_and_the_word_where_nobody_did(self, distil, network, torch):
        images = torch.full((2, 50, 50, 3), 100, dtype=torch.uint8)
        said = torch.tensor([[0.0, 1.0], [1.0, torch.nan]])

        targets = distil.Teacher(network, 50, [(0, 1), (1, 0)], 0.25)(images, said)

        first, second = (float(torch.tensor(logit).sigmoid()) for logit in (0.5, 1.0))  # the pupil's order
        expected = torch.tensor([[0.25 * first, 0.75 + 0.25 * second], [0.75 + 0.25 * first, second]])
        torch.testing.assert_close(targets, expected)
        assert said[0].tolist() == [0, 1]

    def test_of_a_tag_that_it_does_not_have_it_says_nothing(self, distil, network, torch):
        said = torch.tensor([[0.0, torch.nan, 1.0]])

        targets = distil.Teacher(network, 50, [(0, 0)], 1.0)(torch.zeros(1, 50, 50, 3), said)

        torch.testing.assert_close(targets, torch.tensor([[0.5, torch.nan, 1.0]]), equal_nan=True)

    def test_it_sees_each_view_at_its_own_size(self, distil, network, torch):
        said = torch.full((1, 1), torch.nan)

        targets = distil.Teacher(network, 80, [(0, 1)], 1.0)(torch.zeros(1, 40, 40, 3), said)

        assert targets.item() == pytest.approx(float(torch.tensor(0.8).sigmoid()))

    def test_a_run_of_a_part_of_a_network_is_refused(self, distil, tmp_path):
        settings = self.settings(tmp_path, freeze="stages")

        with pytest.raises(ConfigError, match=r"distil\.teacher: a run can teach where both were trained with"):
            distil.teacher_of_views(settings, ["a"])

    def test_a_run_of_other_tags_is_refused(self, distil, tmp_path):
        settings = self.settings(tmp_path, freeze="none")

        with pytest.raises(TrainingError, match=r"distil\.teacher: .*\.run has none of the 1 tags"):
            distil.teacher_of_views(settings, ["a"])

    @staticmethod
    def settings(tmp_path: Path, freeze: str) -> TrainConfig:
        """Of a training whose teacher is the run of another one, of the tag "b"."""
        run = tmp_path / "theirs.run"
        run.mkdir()
        taught = TrainConfig(name="theirs", data=(DataConfig(name="set", csv="set"),), freeze=freeze)
        (run / "config.json").write_text(taught.model_dump_json())
        (run / "tags.json").write_text('["b"]')
        (run / "best.ckpt").touch()
        return taught.model_copy(update={"freeze": "none", "distil": DistilConfig(teacher=str(run))})

    def test_it_no_longer_learns(self, distil, network):
        teacher = distil.Teacher(network, 50, [(0, 0)], 1.0).train()

        assert not any(one.requires_grad for one in teacher.parameters())
        assert not network.norm.training
