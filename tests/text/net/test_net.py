"""The sentence net: declared counts, the fast path against the declared net, gradients, batch companions, max-norm."""

import numpy as np
import pytest
import torch

from casecnn.nets.sentence import padding, sentence_net
from casecnn.text.model.predict import Predictor
from casecnn.text.net.sentence_module import SentenceModule, text_model
from casecnn.text.training.recipe import PAPER
from casecnn.training.optimizers import build_optimizers, constrained, limit_rows
from casecnn.training.validation import portable_weights

ROWS = 40


def module(trained=(True,), *, dim=6, windows=(3, 4, 5), labels=3, seed=0, **options):
    """A net whose numbers are large enough that nothing vanishes; each channel has vectors of its own."""
    random = np.random.default_rng(seed)
    tables = [random.normal(0, 1, (ROWS, dim)).astype(np.float32) for _ in trained]
    for table in tables:
        table[0] = 0
    options = {"maps": 7, "filter_range": 0.5, "seed": seed, **options}
    net = SentenceModule(tables, list(trained), labels, windows=windows, **options)
    with torch.no_grad():
        for name, value in net.cnn.named_parameters():
            if name.endswith("bias") or name.startswith("output"):
                value.copy_(torch.from_numpy(random.normal(0, 0.5, value.shape).astype(np.float32)))
    return net.eval()


def batch(*lengths, seed=1):
    random = np.random.default_rng(seed)
    words = torch.from_numpy(random.integers(1, ROWS, sum(lengths)))
    return words, torch.tensor(lengths)


def by_the_formulas(net, words, lengths):
    """Logits as Kim's section 2 writes them, in float64, window by window, and what each map's gradient hangs on."""
    tables = [table.weight.detach().double().numpy() for table in net.tables]
    begins = np.cumsum([0, *lengths.tolist()])
    rows = []
    for first, last in zip(begins[:-1], begins[1:], strict=True):
        pad = max(net.windows) - 1
        numbers = [0] * pad + words[first:last].tolist() + [0] * pad
        numbers += [0] * (max(net.windows) - len(numbers))
        values = []
        for h in net.windows:
            layer = net.cnn.windows.get_submodule(f"conv{h}")
            weight, bias = layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()
            for f, b in zip(weight, bias, strict=True):
                windows = [
                    sum((f[c] * table[numbers[i : i + h]]).sum() for c, table in enumerate(tables))
                    for i in range(len(numbers) - h + 1)
                ]
                act = {"relu": lambda x: max(x, 0.0), "tanh": np.tanh, None: lambda x: x}[net.activation]
                values.append(max(act(w + b) for w in windows))
        output = net.cnn.output
        rows.append(output.weight.detach().double().numpy() @ values + output.bias.detach().double().numpy())
    return np.array(rows)


def test_the_declaration_is_the_papers_net():
    net = sentence_net(56)
    assert net.input == (1, 64, 300) and net.output_shape == (2,)
    assert net.parameters == 100 * 300 * (3 + 4 + 5) + 300 + 2 * 300 + 2
    assert sentence_net(56, channels=2).parameters == 2 * 360_000 + 902
    assert net.row("windows.conv5").output_shape == (100, 60, 1)
    assert [sentence_net(0, windows=w).input[1] for w in ((1,), (2,), (1, 7))] == [1, 2, 12]
    assert net.row("softmax").kind == "Softmax" and sentence_net(9, multi_label=True).rows[-1].name == "output"


@pytest.mark.parametrize(
    ("trained", "options"),
    [
        ((True,), {}),
        ((False, True), {}),
        ((True,), {"activation": "tanh", "windows": (1, 2)}),
        ((False,), {"activation": "none", "windows": (1,)}),
        ((True,), {"windows": (7,), "labels": 2}),
    ],
)
def test_the_fast_path_the_declared_net_and_the_formulas_agree(trained, options):
    net = module(trained, **options)
    words, lengths = batch(5, 1, 0, 12, 3)
    with torch.no_grad():
        fast, declared = net(words, lengths), net.cnn(net.maps_of(words, lengths))
    expected = by_the_formulas(net, words, lengths)
    assert np.abs(fast.numpy() - expected).max() < 1e-5
    assert np.abs(declared.numpy() - expected).max() < 1e-5


def test_the_predictor_agrees_with_the_net():
    net = module((False, True))
    words, lengths = batch(5, 1, 0, 12, 3)
    names = tuple(f"w{number}" for number in range(ROWS - 2))
    model = text_model(portable_weights(net), net.windows, labels=("a", "b", "c"), words=names, cleaning="none")
    texts = [[names[n - 2] if n > 1 else "<new>" for n in part] for part in words.split(lengths.tolist())]
    with torch.no_grad():
        expected = net(words, lengths).numpy()
    assert np.abs(Predictor(model).scores(texts) - expected).max() < 1e-5
    assert model.pad == padding(net.windows) == 4 and model.windows == (3, 4, 5) and model.maps == 21


@pytest.mark.parametrize("trained", [(True,), (False,), (False, True)])
def test_gradients_of_the_fast_path_equal_those_of_the_declared_net(trained):
    words, lengths = batch(5, 1, 0, 12, 3, 5, 8)
    target = torch.arange(7) % 3
    found = []
    for path in (lambda net: net(words, lengths), lambda net: net.cnn(net.maps_of(words, lengths))):
        net = module(trained)
        torch.nn.functional.cross_entropy(path(net), target).backward()
        grads = {name: p.grad for name, p in net.named_parameters() if p.grad is not None}
        found.append({name: g.to_dense() if g.is_sparse else g for name, g in grads.items()})
    assert found[0].keys() == found[1].keys() == {n for n, p in module(trained).named_parameters() if p.requires_grad}
    for name, gradient in found[1].items():
        assert gradient.abs().max() > 1e-3, name
        assert torch.allclose(found[0][name], gradient, atol=1e-6), name
    table = f"tables.{len(trained) - 1}.weight"
    if table in found[0]:
        unused = sorted(set(range(ROWS)) - set(words.tolist()))
        assert not found[0][table][unused].any()  # the pad position among them


@pytest.mark.parametrize("trained", [(True,), (False, True)])
def test_several_threads_share_the_work_and_find_the_same(trained):
    """Values and filters' gradients to the last bit; the vectors' but for the order in which they are added up."""

    def grads(threads, *lengths):
        torch.set_num_threads(threads)
        net = module(trained)
        logits = net(*batch(*lengths))
        logits.square().sum().backward()
        pairs = {name: p.grad for name, p in net.named_parameters() if p.grad is not None}
        return logits.detach(), {name: g.to_dense() if g.is_sparse else g for name, g in pairs.items()}

    before = torch.get_num_threads()
    try:
        for lengths in ((5, 1, 0, 12, 3), (4,), (0,)):
            (logits, alone), *others = (grads(threads, *lengths) for threads in (1, 2, 3, 3))
            for found, several in others:
                assert torch.equal(found, logits)
                for name, gradient in several.items():
                    same = torch.equal if name.startswith("cnn.windows") else torch.allclose
                    assert same(gradient, alone[name]), name
            assert all(torch.equal(others[1][1][name], others[2][1][name]) for name in alone)
    finally:
        torch.set_num_threads(before)


def test_gradients_equal_finite_differences():
    net = module(dim=3, windows=(2, 3), activation="tanh")
    words, lengths = batch(4, 2)
    net(words, lengths).pow(2).sum().backward()
    for parameter in (net.tables[0].weight, net.cnn.windows.conv2.weight, net.cnn.windows.conv3.bias):
        gradient = parameter.grad.to_dense() if parameter.grad.is_sparse else parameter.grad
        flat = parameter.detach().view(-1)
        for place in gradient.abs().flatten().topk(4).indices.tolist():
            values = []
            for step in (1e-4, -1e-4):
                before = flat[place].item()
                flat[place] = before + step
                values.append((by_the_formulas(net, words, lengths) ** 2).sum())
                flat[place] = before
            assert gradient.flatten()[place].item() == pytest.approx((values[0] - values[1]) / 2e-4, rel=2e-3)


@pytest.mark.parametrize("declared", [False, True])
def test_a_sentence_does_not_depend_on_its_companions(declared):
    net = module((False, True))
    words, lengths = batch(5, 1, 0, 30, 3)
    parts = words.split(lengths.tolist())

    def logits(numbers):
        pair = torch.cat([parts[n] for n in numbers]), lengths[numbers]
        with torch.no_grad():
            return net.cnn(net.maps_of(*pair)) if declared else net(*pair)

    alone = [logits([n])[0] for n in range(5)]
    for order in ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [2, 3], [1, 1, 3, 1]):
        for row, number in zip(logits(order), order, strict=True):
            assert torch.allclose(row, alone[number], atol=1e-6)


def test_pooling_sees_the_windows_over_the_pads_and_no_others():
    """With 4 pads a side, window 3 has windows of pads alone, window 5 has none: it always meets the only word."""
    net = module(dim=2, windows=(3, 5), labels=2, activation="none")
    with torch.no_grad():
        for layer in (net.cnn.windows.conv3, net.cnn.windows.conv5):
            layer.bias.zero_()
            layer.weight[:] = -net.tables[0].weight[7]  # every window that sees the word is negative
        pooled = net.cnn.windows(net.maps_of(torch.tensor([7, 7]), torch.tensor([1, 1])))
    assert (pooled[:, :7] == 0).all() and (pooled[:, 7:] < -1e-3).all()


def test_starting_values_and_channels_are_kims():
    table = np.zeros((ROWS, 50), np.float32)
    net = SentenceModule([table, table + np.eye(ROWS, 50, dtype=np.float32) * 0], [False, True], 2)
    weight = net.cnn.windows.conv3.weight
    assert weight.shape == (100, 2, 3, 50) and weight.abs().max() <= 0.01 and weight.std() > 0.005
    assert not net.cnn.output.weight.any() and not net.cnn.output.bias.any() and not net.cnn.windows.conv4.bias.any()
    assert [t.weight.requires_grad for t in net.tables] == [False, True]
    again = SentenceModule([table, table], [False, True], 2)
    assert torch.equal(again.cnn.windows.conv5.weight, net.cnn.windows.conv5.weight)
    with pytest.raises(ValueError, match="frozen channels must come before"):
        SentenceModule([table, table], [True, False], 2)


def test_the_norm_limit_is_on_the_output_rows_only():
    net = module()
    recipe = PAPER.steps(100, 0)
    (limited,) = constrained(net, recipe)
    assert limited is net.cnn.output.weight and recipe.max_norm == 1.5 and recipe.weight_decay == 0
    with torch.no_grad():
        limited.mul_(10)
        before = {name: p.clone() for name, p in net.named_parameters()}
        limit_rows(limited, recipe.max_norm)
    assert torch.allclose(limited.norm(dim=1), torch.full((3,), 1.5), atol=1e-5)
    assert all(torch.equal(p, before[name]) for name, p in net.named_parameters() if p is not limited)
    dense, lazy = build_optimizers(net, recipe)
    assert (dense.param_groups[0]["rho"], dense.param_groups[0]["eps"], dense.param_groups[0]["lr"]) == (0.95, 1e-6, 1)
    assert (lazy.param_groups[0]["rho"], lazy.param_groups[0]["eps"], lazy.param_groups[0]["lr"]) == (0.95, 1e-6, 1)


def test_dropout_is_inverted_and_off_in_evaluation():
    net = module(maps=400)
    words, lengths = batch(6)
    with torch.no_grad():
        plain = net(words, lengths)
        net.train()
        torch.manual_seed(0)
        drawn = torch.stack([net(words, lengths) for _ in range(200)])
    assert (drawn.mean(0) - plain).abs().max() < 0.15 * drawn.std(0).max() * 3
    assert drawn.std(0).min() > 0.1
