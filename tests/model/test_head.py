"""The head: the tags of its blocks, gradients against differences, heat maps against autograd and grad-cam."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from model_parts import embeddings_of, linear_block, mlp_block

from vectortag.core.errors import ShapeError
from vectortag.model.blocks import LinearBlock, MlpBlock
from vectortag.model.head import Head

TWO_BLOCKS = Head((mlp_block(0, width=10, hidden=6, tags=4), linear_block(1, width=10, tags=3)))


def gradients(embedding: np.ndarray, tags: Sequence[int]) -> np.ndarray:
    """d logit / d embedding: what logits change by along each axis, (T, K)."""
    return TWO_BLOCKS.along(embedding, tags, np.eye(10, dtype=np.float32))


def test_the_tags_of_a_head_are_those_of_its_blocks_one_after_the_other():
    embeddings = embeddings_of(2, 5, 10)
    first, second = TWO_BLOCKS.blocks

    logits = TWO_BLOCKS.logits(embeddings)

    assert TWO_BLOCKS.tag_count == 7
    np.testing.assert_array_equal(logits[:, :4], first.logits(embeddings))
    np.testing.assert_array_equal(logits[:, 4:], second.logits(embeddings))


@pytest.mark.parametrize("shape", [(10,), (2, 9), (2, 10, 1)])
def test_embeddings_of_another_width_are_refused(shape):
    with pytest.raises(ShapeError, match=r"expected embeddings of shape \(N, 10\), got \("):
        TWO_BLOCKS.logits(np.zeros(shape, np.float32))


def test_gradients_are_what_logits_change_by():
    embedding, step = embeddings_of(3, 10), 1e-3
    around = embedding + step * np.concatenate([np.eye(10), -np.eye(10)]).astype(np.float32)  # (20, 10)

    logits = TWO_BLOCKS.logits(around)
    differences = (logits[:10] - logits[10:]).T / (2 * step)  # (T, K)

    np.testing.assert_allclose(gradients(embedding, range(7)), differences, atol=2e-3)


def test_gradients_come_in_the_order_they_were_asked_for():
    embedding = embeddings_of(4, 10)
    of_all = gradients(embedding, range(7))

    np.testing.assert_allclose(gradients(embedding, [6, 0, 4, 3, 0]), of_all[[6, 0, 4, 3, 0]], atol=1e-6)


@pytest.mark.parametrize("place", [-1, 7])
def test_a_place_without_a_tag_is_refused(place):
    with pytest.raises(IndexError, match=rf"expected indexes from 0 to 6, got \[0, {place}\]"):
        gradients(embeddings_of(5, 10), [0, place])


def test_maps_run_from_zero_to_one():
    maps = TWO_BLOCKS.maps(np.abs(embeddings_of(6, 10, 3, 5)), range(7))

    seen = maps[maps.any(axis=(1, 2))]
    assert maps.shape == (7, 3, 5)
    assert len(seen) > 3
    np.testing.assert_array_equal([seen.min(axis=(1, 2)), seen.max(axis=(1, 2))], [[0] * len(seen), [1] * len(seen)])


def test_a_map_that_is_zero_everywhere_stays_zero():
    against = LinearBlock(np.float32([[-1, -1], [1, 0]]), np.float32([0, 0]))
    cells = np.float32([[[1, 2]], [[3, 4]]])  # (2, 1, 2)

    maps = Head((against,)).maps(cells, [0, 1])

    np.testing.assert_array_equal(maps, [[[0, 0]], [[0, 1]]])


GRAD_CAM_TAGS = (0, 7, 19)


@pytest.fixture
def network(need_module) -> Any:
    """A ResNet-18 and the original design's head, with random weights."""
    torch, timm = need_module("torch"), need_module("timm")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = timm.create_model("resnet18", pretrained=False)
        layers = [torch.nn.Linear(512, 256), torch.nn.ReLU(), torch.nn.Dropout(0.3), torch.nn.Linear(256, 20)]
        network.fc = torch.nn.Sequential(*layers)
    return network.eval()


@pytest.fixture
def images(need_module) -> Any:
    torch = need_module("torch")
    return torch.from_numpy(embeddings_of(0, 3, 3, 160, 128))


def maps_of(network: Any, images: Any) -> np.ndarray:
    """Our heat maps for the tags above: (N, R, h, w)."""
    first, _, _, last = network.fc
    arrays = [values.detach().numpy() for values in (first.weight, first.bias, last.weight, last.bias)]
    feature_maps = network.forward_features(images).detach().numpy()
    return np.stack([Head((MlpBlock(*arrays),)).maps(one, GRAD_CAM_TAGS) for one in feature_maps])


def test_maps_are_the_grad_cam_of_autograd(need_module, network, images):
    torch = need_module("torch")
    cells = network.forward_features(images)  # (N, K, h, w)
    logits = network.forward_head(cells)  # (N, T)

    expected = []
    for tag in GRAD_CAM_TAGS:
        (gradients,) = torch.autograd.grad(logits[:, tag].sum(), cells, retain_graph=True)
        weights = gradients.mean(dim=(2, 3), keepdim=True)
        raw = torch.relu((weights * cells).sum(dim=1))  # (N, h, w)
        raw = raw - raw.amin(dim=(1, 2), keepdim=True)
        expected.append(raw / raw.amax(dim=(1, 2), keepdim=True).clamp(min=1e-12))
    expected = torch.stack(expected, dim=1).detach().numpy()

    maps = maps_of(network, images)
    assert maps.shape == (3, 3, 5, 4)
    assert expected.any(axis=(2, 3)).sum() > 4
    np.testing.assert_allclose(maps, expected, atol=1e-4)


def test_maps_are_those_of_the_package_grad_cam(need_module, network, images):
    package = need_module("pytorch_grad_cam")
    targets = need_module("pytorch_grad_cam.utils.model_targets")

    with package.GradCAM(model=network, target_layers=[network.layer4]) as grad_cam:
        grad_cam.get_target_width_height = lambda images: (4, 5)  # stay on the network's grid
        expected = [grad_cam(images, [targets.ClassifierOutputTarget(tag)] * 3) for tag in GRAD_CAM_TAGS]

    np.testing.assert_allclose(maps_of(network, images), np.stack(expected, axis=1), atol=1e-4)
