"""Tables of which a step uses few rows: lazy Adadelta equals the dense one; ties; averages leave frozen ones out."""

from dataclasses import replace

import pytest
import torch
from torch import nn
from trainee import RECIPES, start

from casecnn.errors import UsageError
from casecnn.training.adadelta import DenseAdadelta, RowAdadelta
from casecnn.training.averaging import WeightAverage
from casecnn.training.optimizers import build_optimizers
from casecnn.training.recipe import Recipe

ADADELTA = Recipe(optimizer="adadelta", lr=0.7, steps=1, rho=0.9)


def steps(sparse: bool, batches: list[list[int]], rho: float = 0.9, dtype=torch.float32) -> torch.Tensor:
    """A table of 9 rows after a step for each batch of row numbers; the loss depends on rows and step."""
    torch.manual_seed(0)
    table = nn.Embedding(9, 4, sparse=sparse).to(dtype)
    optimizers = build_optimizers(nn.Sequential(table), replace(ADADELTA, rho=rho))
    for number, rows in enumerate(batches):
        for optimizer in optimizers:
            optimizer.zero_grad()
        ((table(torch.tensor(rows)) - number).pow(2).sum(1) * torch.arange(1, len(rows) + 1)).sum().backward()
        for optimizer in optimizers:
            optimizer.step()
    return table.weight.detach()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])  # compiled, and operation by operation
@pytest.mark.parametrize("rho", [0.9, 0.0])
def test_the_lazy_rows_equal_those_of_torchs_dense_adadelta(rho, dtype):
    generator = torch.Generator().manual_seed(3)
    batches = [torch.randint(0, 8, (3,), generator=generator).tolist() for _ in range(60)]
    batches[20:40] = [[1, 1, 2]] * 20  # the others wait for twenty steps; a row twice in a batch
    lazy, dense = steps(True, batches, rho, dtype), steps(False, batches, rho, dtype)
    assert (lazy - dense).abs().max() < (2e-6 if dtype == torch.float32 else 1e-14) * 60
    assert (lazy - steps(True, batches[:20], rho, dtype)).abs().max() > 1e-3
    torch.manual_seed(0)
    assert torch.equal(lazy[8], nn.Embedding(9, 4).to(dtype).weight[8].detach())  # a row that no batch used


def test_the_state_goes_through_a_checkpoint_bit_for_bit():
    generator = torch.Generator().manual_seed(1)
    gradients = [torch.randn(2, 3, generator=generator) for _ in range(8)]
    rows = [[0, 2], [1, 2], [0, 3], [2, 3], [1, 3], [0, 1], [2, 1], [0, 3]]

    def go(table, optimizer, numbers):
        for number in numbers:
            where = torch.tensor([rows[number]])
            table.grad = torch.sparse_coo_tensor(where, gradients[number], (4, 3), check_invariants=True)
            optimizer.step()

    whole = nn.Parameter(torch.ones(4, 3))
    go(whole, RowAdadelta([whole], rho=0.8), range(8))
    half = nn.Parameter(torch.ones(4, 3))
    optimizer = RowAdadelta([half], rho=0.8)
    go(half, optimizer, range(4))
    other = nn.Parameter(half.detach().clone())
    resumed = RowAdadelta([other], rho=0.1)
    resumed.load_state_dict(optimizer.state_dict())
    go(other, resumed, range(4, 8))
    assert torch.equal(other, whole)


def descend(optimizer_class, weights: list[torch.Tensor], numbers: range, state: dict | None = None, **options):
    """Weights and optimiser after a step for each number, on slopes that depend on it; the third weight has none."""
    parameters = [nn.Parameter(weight.clone(memory_format=torch.preserve_format)) for weight in weights]
    optimizer = optimizer_class(parameters, **options)
    if state is not None:
        optimizer.load_state_dict(state)
    for number in numbers:
        generator = torch.Generator().manual_seed(number)
        for parameter in parameters[:2]:
            slope = torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
            parameter.grad = torch.empty_like(parameter).copy_(slope)
        assert optimizer.step(lambda: 2.5) == 2.5
    return parameters, optimizer


@pytest.mark.parametrize(
    ("dtype", "form", "decay"),
    [
        (torch.float32, torch.contiguous_format, 0.0),  # by the compiled loop; the others by torch
        (torch.float32, torch.channels_last, 0.0),
        (torch.float32, torch.contiguous_format, 0.1),
        (torch.float64, torch.contiguous_format, 0.0),
    ],
)
def test_the_fast_adadelta_equals_torchs_and_its_state_goes_both_ways(dtype, form, decay):
    generator = torch.Generator().manual_seed(5)
    shapes = [(4, 3, 2, 2), (7,), (2,)]
    weights = [torch.randn(shape, generator=generator).to(dtype) for shape in shapes]
    weights[0] = weights[0].contiguous(memory_format=form)
    options = {"lr": 0.7, "rho": 0.9, "weight_decay": decay}
    slow, torchs = descend(torch.optim.Adadelta, weights, range(40), **options)
    fast, ours = descend(DenseAdadelta, weights, range(40), **options)
    assert torch.equal(fast[2], weights[2]) and torch.equal(slow[2], weights[2])
    for fast_weight, slow_weight in zip(fast, slow, strict=True):
        assert (fast_weight - slow_weight).abs().max() < (1e-5 if dtype == torch.float32 else 1e-14)
    assert (fast[0] - weights[0]).abs().max() > 0.01
    assert ours.state_dict()["state"].keys() == torchs.state_dict()["state"].keys() == {0, 1}
    for first, then in ((torch.optim.Adadelta, DenseAdadelta), (DenseAdadelta, torch.optim.Adadelta)):
        half, optimizer = descend(first, weights, range(20), **options)
        whole, _ = descend(then, [w.detach() for w in half], range(20, 40), optimizer.state_dict(), **options)
        assert (whole[0] - slow[0]).abs().max() < (1e-5 if dtype == torch.float32 else 1e-14)


def test_only_sparse_tables_are_lazy_and_dense_gradients_are_refused():
    model = nn.Sequential(nn.Embedding(5, 2, sparse=True), nn.Embedding(5, 2), nn.Linear(2, 2))
    dense, lazy = build_optimizers(model, ADADELTA)
    assert isinstance(lazy, RowAdadelta) and lazy.param_groups[0]["params"] == [model[0].weight]
    assert lazy.param_groups[0]["base_lr"] == 0.7 and sum(len(g["params"]) for g in dense.param_groups) == 3
    model[0].weight.grad = torch.ones(5, 2)
    with pytest.raises(RuntimeError, match="sparse gradients only"):
        lazy.step()
    (alone,) = build_optimizers(model[0], ADADELTA)
    assert isinstance(alone, RowAdadelta)


def test_of_equal_evaluations_the_first_or_the_last_is_the_best(tmp_path):
    figures = {"first": iter([0.5, 0.8, 0.8, 0.7]), "last": iter([0.5, 0.8, 0.8, 0.7])}
    recipe = replace(RECIPES["sgd"], steps=20)
    for ties, expected in (("first", 10), ("last", 15)):
        result = start(
            tmp_path / ties, recipe, evaluate=lambda _, t=ties: {"top1": next(figures[t])}, metric="top1",
            better="higher", ties=ties,
        )  # fmt: skip
        assert result.best is not None and (result.best.step, result.best.figure) == (expected, 0.8)
    with pytest.raises(UsageError, match=r"`ties` \(=both\) must be one of first, last"):
        start(tmp_path, recipe, ties="both")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])  # compiled, and operation by operation
def test_the_average_of_lazy_rows_equals_the_dense_one_and_goes_through_a_checkpoint(dtype):
    """Against the average of a table whose gradients are dense, over steps that leave most rows out."""
    batches = [[1, 2], [2, 2], [3], [3], [1], [0, 3], [], [2]] * 5
    found = {}
    for sparse in (True, False):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Embedding(6, 3, sparse=sparse)).to(dtype)
        average, resumed = WeightAverage(model, 0.8), None
        for number, rows in enumerate(batches):
            model.zero_grad()
            if rows:
                (model(torch.tensor(rows)) - number).pow(2).sum().backward()
                with torch.no_grad():
                    model[0].weight -= 0.01 * model[0].weight.grad.to_dense()
            average.update()
            if resumed is not None:
                resumed.update()
            if number == 20:
                kept = average.state_dict()
                resumed = WeightAverage(model, 0.8)
                resumed.load_state_dict(kept)
        before = model[0].weight.clone()
        with average.applied():
            found[sparse] = model[0].weight.clone()
        assert torch.equal(model[0].weight, before) and not torch.equal(found[sparse], before)
        assert torch.equal(average.state_dict()["values"]["0.weight"], found[sparse])
        assert torch.equal(resumed.state_dict()["values"]["0.weight"], found[sparse])
    assert torch.allclose(found[True], found[False], rtol=0, atol=1e-5 if dtype == torch.float32 else 1e-13)


def test_the_average_leaves_frozen_parameters_as_they_are():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model[0].requires_grad_(False)
    average = WeightAverage(model, 0.5)
    assert set(average.state_dict()["values"]) == {"1.weight", "1.bias"}
    before = model[0].weight.clone()
    average.update()
    with average.applied():
        assert torch.equal(model[0].weight, before)
