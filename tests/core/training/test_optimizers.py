"""Optimisers of recipes: each one learns, groups are as described, Muon is orthogonal, rows stay short."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from trainee import RECIPES, data, loss, net, start

from casecnn.errors import UsageError
from casecnn.training.averaging import WeightAverage
from casecnn.training.muon import COEFFICIENTS, Muon, orthogonalize
from casecnn.training.optimizers import build_optimizers, constrained, limit_rows, set_rate
from casecnn.training.recipe import Recipe


@pytest.mark.parametrize(
    ("optimizer", "lr", "options"),
    [
        ("sgd", 0.05, {}),
        ("sgd", 0.05, {"nesterov": True, "momentum": 0.8}),
        ("sgd", 0.2, {"momentum": 0.0}),
        ("adadelta", 1.0, {"rho": 0.9}),
        ("adamw", 3e-3, {}),
        ("muon", 0.02, {}),
        ("muon", 0.02, {"nesterov": False, "momentum": 0.8}),
    ],
)
def test_each_optimizer_brings_the_loss_down(tmp_path, optimizer, lr, options):
    recipe = Recipe(optimizer=optimizer, lr=lr, steps=60, batch_size=20, precision="float32", **options)
    result = start(tmp_path, recipe, dropout=False, evaluate_every=None, log_every=60)
    assert result.best is not None
    with torch.no_grad():
        before = loss(net(dropout=False), data())[0].item()
    assert result.best.figure < 0.6 * before


def names(model, parameters):
    chosen = {id(p) for p in parameters}
    return {name for name, p in model.named_parameters() if id(p) in chosen}


class WithPointBias(nn.Module):
    """A net whose last bias has three dimensions, as a bias per board point has."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(2, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.table = nn.Embedding(5, 4)
        self.hidden = nn.Conv2d(4, 4, 3)
        self.last = nn.Conv2d(4, 1, 1, bias=False)
        self.points = nn.Module()
        self.points.bias = nn.Parameter(torch.zeros(1, 5, 5))


def test_decay_leaves_out_biases_and_normalisation():
    model = WithPointBias()
    (sgd,) = build_optimizers(model, Recipe(optimizer="sgd", lr=0.1, steps=1, weight_decay=0.1))
    decayed, free = sgd.param_groups
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.1, 0.0)
    assert names(model, decayed["params"]) == {"first.weight", "table.weight", "hidden.weight", "last.weight"}
    assert names(model, free["params"]) == {"first.bias", "norm.weight", "norm.bias", "hidden.bias", "points.bias"}
    (all_of_them,) = build_optimizers(
        model, Recipe(optimizer="adamw", lr=0.1, steps=1, weight_decay=0.1, decay_biases=True)
    )
    (group,) = all_of_them.param_groups
    assert len(group["params"]) == 9 and group["weight_decay"] == 0.1


def test_muon_takes_the_hidden_weights_and_adamw_the_rest():
    model = WithPointBias()
    muon, adamw = build_optimizers(model, Recipe(optimizer="muon", lr=0.02, adam_lr=0.003, steps=1))
    assert isinstance(muon, Muon) and names(model, muon.param_groups[0]["params"]) == {"hidden.weight"}
    assert sum(len(group["params"]) for group in adamw.param_groups) == 8
    set_rate([muon, adamw], 0.5)
    assert muon.param_groups[0]["lr"] == 0.01 and adamw.param_groups[0]["lr"] == 0.0015
    set_rate([muon, adamw], 1.0)  # from the base, not from the last rate
    assert muon.param_groups[0]["lr"] == 0.02


def test_frozen_parameters_take_no_part():
    model = net(dropout=False)
    model.conv1.requires_grad_(False)
    (sgd,) = build_optimizers(model, Recipe(optimizer="sgd", lr=0.1, steps=1))
    taken = {name for group in sgd.param_groups for name in names(model, group["params"])}
    assert taken == {"conv2.weight", "conv2.bias", "head.weight", "head.bias"}
    model.requires_grad_(False)
    with pytest.raises(UsageError, match="no parameter that requires a gradient"):
        build_optimizers(model, Recipe(optimizer="sgd", lr=0.1, steps=1))


@pytest.mark.parametrize("shape", [(8, 20), (20, 8), (12, 12), (3, 16, 48), (1, 7)])
def test_orthogonalize_keeps_the_directions_and_evens_the_lengths(shape):
    torch.manual_seed(0)
    matrices = torch.randn(shape)
    result = orthogonalize(matrices)
    assert result.shape == matrices.shape and result.dtype == torch.float32
    for matrix, made in zip(matrices.reshape(-1, *shape[-2:]), result.reshape(-1, *shape[-2:]), strict=True):
        u, s, vh = torch.linalg.svd(matrix.double(), full_matrices=False)
        lengths = u.T @ made.double() @ vh.T  # diagonal where the directions are kept
        assert (lengths - lengths.diagonal().diag()).abs().max() < 1e-4
        strong = lengths.diagonal()[s > 0.05 * s.norm()]
        assert 0.65 < strong.min() and strong.max() < 1.25


def test_orthogonalize_equals_the_plain_iteration():
    torch.manual_seed(1)
    a, b, c = COEFFICIENTS
    matrix = torch.randn(24, 200) @ torch.diag(torch.logspace(0, -4, 200))  # singular values far apart
    x = matrix.double() / (matrix.double().norm() + 1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    assert (orthogonalize(matrix).double() - x).abs().max() < 2e-4
    assert torch.equal(orthogonalize(torch.zeros(4, 6)), torch.zeros(4, 6))


@pytest.mark.parametrize("nesterov", [False, True])
def test_a_step_of_muon_by_hand(nesterov):
    torch.manual_seed(2)
    start_value, g1, g2 = torch.randn(6, 2, 1, 2), torch.randn(6, 2, 1, 2), torch.randn(6, 2, 1, 2)
    weight = nn.Parameter(start_value.clone())
    optimizer = Muon([weight], lr=0.1, momentum=0.9, nesterov=nesterov, weight_decay=0.5)
    expected, buffer = start_value, torch.zeros(6, 2, 1, 2)
    for gradient in (g1, g2):
        weight.grad = gradient.clone()
        optimizer.step()
        buffer = 0.9 * buffer + 0.1 * gradient
        update = 0.1 * gradient + 0.9 * buffer if nesterov else buffer
        direction = orthogonalize(update.reshape(6, 4)).reshape(6, 2, 1, 2)
        expected = expected * (1 - 0.1 * 0.5) - 0.1 * (6 / 4) ** 0.5 * direction
    assert torch.allclose(weight, expected, atol=1e-5)
    assert torch.allclose(optimizer.state_dict()["state"][0]["momentum_buffer"], buffer, atol=1e-6)


def test_muon_works_on_channels_last_weights_and_refuses_vectors():
    torch.manual_seed(3)
    plain = nn.Parameter(torch.randn(6, 4, 3, 3))
    other = nn.Parameter(plain.detach().clone().contiguous(memory_format=torch.channels_last))
    gradient = torch.randn(6, 4, 3, 3)
    for weight in (plain, other):
        weight.grad = gradient.clone(memory_format=torch.preserve_format)
        Muon([weight]).step()
    assert torch.allclose(plain, other, atol=1e-6)
    assert other.is_contiguous(memory_format=torch.channels_last)
    with pytest.raises(ValueError, match="two or more dimensions"):
        Muon([nn.Parameter(torch.zeros(3))])


def test_rows_are_shortened_to_the_bound_and_short_ones_left_alone():
    weight = torch.tensor([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    limit_rows(weight, 1.0)
    assert torch.allclose(weight, torch.tensor([[0.6, 0.8], [0.3, 0.4], [0.0, 0.0]]))
    filters = torch.full((2, 1, 2, 2), 2.0)
    limit_rows(filters, 3.0)
    assert torch.allclose(filters.flatten(1).norm(dim=1), torch.tensor([3.0, 3.0]))


def test_max_norm_holds_after_training_for_the_named_parameters_only(tmp_path):
    recipe = replace(
        RECIPES["sgd"], lr=0.5, ema_decay=None, clip_norm=None, max_norm=0.3, max_norm_parameters=("head.weight",)
    )
    weights = start(tmp_path, recipe, dropout=False).weights
    rows = weights["head.weight"].norm(dim=1)
    assert rows.max() <= 0.3 + 1e-6 and rows.max() > 0.29
    assert weights["conv2.weight"].flatten(1).norm(dim=1).max() > 0.3
    with pytest.raises(
        UsageError, match="`max_norm_parameters` names 'tail.weight', which the net lacks; it has conv1"
    ):
        constrained(net(), replace(recipe, max_norm_parameters=("tail.weight",)))
    with pytest.raises(UsageError, match="names 'head.bias', which has no rows"):
        constrained(net(), replace(recipe, max_norm_parameters=("head.bias",)))


def test_the_average_by_hand():
    model = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1))
    average = WeightAverage(model, 0.25)
    expected = model[0].weight.item()
    for update, value in enumerate([5.0, -3.0, 1.0], start=1):
        with torch.no_grad():
            model[0].weight.fill_(value)
            model[1].running_mean.fill_(value)
            model[1].num_batches_tracked += 1
        average.update()
        decay = min(0.25, (1 + update) / (10 + update))  # 2/11, then the bound
        expected = decay * expected + (1 - decay) * value
    with average.applied():
        assert model[0].weight.item() == pytest.approx(expected, rel=1e-6)
        assert model[1].running_mean.item() == pytest.approx(
            ((-3.0 * 0.75 + 5 * 9 / 11 * 0.25) * 0.25 + 0.75), rel=1e-6
        )
        assert model[1].num_batches_tracked == 3
    assert model[0].weight.item() == 1.0 and model[1].running_mean.item() == 1.0
    copy = WeightAverage(nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1)), 0.25)
    copy.load_state_dict(average.state_dict())
    assert copy.updates == 3 and copy.state_dict()["values"]["0.weight"].item() == pytest.approx(expected)


def test_the_model_is_restored_when_an_evaluation_of_the_average_fails():
    model = nn.Linear(2, 2)
    average = WeightAverage(model, 0.5)
    with torch.no_grad():
        model.weight.fill_(7.0)
    with pytest.raises(RuntimeError), average.applied():
        raise RuntimeError("evaluation failed")
    assert torch.equal(model.weight, torch.full((2, 2), 7.0))
