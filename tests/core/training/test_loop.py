"""The loop: what it logs, in which precision it runs, what it keeps, and how it fails."""

import json
import sys
from dataclasses import replace

import pytest
import torch
from torch import nn
from trainee import RECIPES, data, evaluate, loss, net, start

import casecnn
from casecnn.errors import InputError, UsageError
from casecnn.kernels.allowed import Allowed
from casecnn.kernels.cpu import avoid_hidden_tiles
from casecnn.layers import Conv, Net
from casecnn.torch_net.build import build
from casecnn.torch_net.precision import (
    autocast,
    choose_channels_last,
    choose_device,
    dtype_for,
    gains_by_bfloat16,
)
from casecnn.training.checkpoint import load_checkpoint, save_checkpoint
from casecnn.training.epochs import EpochSource
from casecnn.training.log import read_log
from casecnn.training.loop import train

SGD = RECIPES["sgd"]


def train_net(folder, model, recipe, **options):
    return train(
        model, EpochSource(data(), 8), recipe, loss=loss, output=folder, device="cpu", progress=False, **options
    )


@pytest.mark.slow
def test_the_log_says_what_was_run_and_how_it_went(tmp_path):
    metadata = {"net": "toy", "data": ["sixty pictures"], "größe": 5}
    heard = []
    recipe = replace(SGD, schedule="linear", steps=20, warmup_steps=4)
    start(tmp_path, recipe, log_every=5, evaluate_every=10, metadata=metadata, log=heard.append, workers=2)
    rows = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows == json.loads(json.dumps(heard))
    head = rows[0]
    assert head["event"] == "start" and head["recipe"] == recipe.to_dict() and head["recipe"]["seed"] == 0
    assert head["metadata"] == metadata and head["processes"] == 1 and head["precision"] == "float32"
    assert head["versions"]["torch"] == torch.__version__ and head["versions"]["casecnn"] == casecnn.__version__
    assert head["device"].startswith("cpu (") and head["threads"] == 1
    assert head["command"] == sys.argv and {"commit", "time"} <= head.keys() and head["workers"] == 2
    assert head["parameters"] == sum(p.numel() for p in net().parameters())
    steps = [row for row in rows if "lr" in row]
    assert [row["step"] for row in steps] == [5, 10, 15, 20]
    # the rate of the update that the row ends with: steps 4, 9, 14, 19 counted from 0, four of them warm-up
    assert [row["lr"] for row in steps] == pytest.approx([0.05, 0.05 * 11 / 16, 0.05 * 6 / 16, 0.05 / 16])
    for row in steps:
        assert {"loss", "top1", "grad_norm"} <= row.keys()
        assert row["samples_per_second"] > 0 and 0 <= row["wait_share"] <= 1
    assert [row["elapsed"] for row in steps] == sorted(row["elapsed"] for row in steps)
    judged = [row for row in rows if row.get("event") == "evaluation"]
    assert [row["step"] for row in judged] == [10, 20] and judged[0]["best"] is True
    assert set(judged[0]["validation"]) == {"loss", "top1"}
    assert rows[-1]["event"] == "end" and rows[-1]["step"] == 20


def test_a_row_is_the_mean_over_its_steps(tmp_path):
    start(tmp_path / "each", SGD, log_every=1)
    start(tmp_path / "ten", SGD, log_every=10)
    each = [row["loss"] for row in read_log(tmp_path / "each" / "log.jsonl") if "lr" in row]
    ten = [row["loss"] for row in read_log(tmp_path / "ten" / "log.jsonl") if "lr" in row]
    assert ten == pytest.approx([sum(each[i : i + 10]) / 10 for i in range(0, 40, 10)], rel=1e-5)


def test_workers_do_not_change_the_weights(tmp_path):
    results = [
        start(tmp_path / f"{i}", replace(SGD, steps=10), workers=workers, dropout=True).weights
        for i, workers in enumerate((0, 3))
    ]
    assert all(torch.equal(results[0][name], results[1][name]) for name in results[0])


def test_the_seed_decides_the_dropout_and_the_callers_generator_is_left_alone(tmp_path):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    runs = []
    for i, seed in enumerate((0, 0, 1)):
        model = net()
        torch.set_rng_state(before)
        train_net(tmp_path / f"{i}", model, replace(SGD, steps=5, seed=seed))
        assert torch.equal(torch.get_rng_state(), before)
        runs.append(model.head.weight)
    assert torch.equal(runs[0], runs[1]) and not torch.equal(runs[0], runs[2])


def test_the_model_and_the_result_hold_the_average(tmp_path):
    model = net()
    result = train_net(tmp_path, model, SGD)
    content = load_checkpoint(tmp_path / "checkpoint.pt")
    for name, value in model.state_dict().items():
        assert torch.equal(value, result.weights[name]) and result.weights[name].is_contiguous()
    assert torch.equal(model.head.weight, content["average"]["values"]["head.weight"])
    assert not torch.equal(model.head.weight, content["model"]["head.weight"])
    assert model.training and result.best is None and result.step == 40


def test_the_best_evaluation_is_kept_and_sees_the_average_in_evaluation_mode(tmp_path):
    figures = iter([0.5, 0.8, 0.8, 0.6])
    seen = []

    def judge(model):
        assert not model.training and not torch.is_grad_enabled()
        seen.append(model.head.weight.detach().clone())
        return {"top1": next(figures), "phases": {"opening": torch.tensor(0.25)}}

    result = train_net(tmp_path, net(), SGD, evaluate=judge, evaluate_every=10, metric="top1", better="higher")
    assert (result.best.step, result.best.figure) == (20, 0.8)
    assert result.best.metrics == {"top1": 0.8, "phases": {"opening": 0.25}}
    assert torch.equal(result.best.weights["head.weight"], seen[1])
    assert torch.equal(result.weights["head.weight"], seen[3])


def test_clipping_bounds_the_step(tmp_path):
    recipe = one_plain_step(clip_norm=0.01)
    before = net(dropout=False)
    after = start(tmp_path, recipe, dropout=False).weights
    moved = torch.cat([(after[name] - value).flatten() for name, value in before.state_dict().items()]).norm()
    assert moved == pytest.approx(0.1 * 0.01, rel=1e-3)
    (row,) = [row for row in read_log(tmp_path / "log.jsonl") if "lr" in row]
    assert row["grad_norm"] > 0.05  # what it was before clipping


def one_plain_step(**change):
    return replace(SGD, steps=1, lr=0.1, momentum=0.0, weight_decay=0.0, schedule="constant", ema_decay=None, **change)


@pytest.mark.parametrize("optimizer", ["sgd", "muon"])
def test_bfloat16_runs_in_autocast_with_float32_weights(tmp_path, optimizer):
    kinds = set()

    def watched(model, batch):
        logits = model(batch[0])
        kinds.add((logits.dtype, batch[0].is_contiguous(memory_format=torch.channels_last)))
        return nn.functional.cross_entropy(logits, batch[1]), {}

    recipe = replace(RECIPES[optimizer], precision="bfloat16", channels_last=True, schedule="constant", steps=30)
    result = start(tmp_path, recipe, loss=watched)
    assert kinds == {(torch.bfloat16, True)}
    assert {value.dtype for value in result.weights.values()} == {torch.float32, torch.int64}
    assert read_log(tmp_path / "log.jsonl")[0]["precision"] == "bfloat16"
    losses = [row["loss"] for row in read_log(tmp_path / "log.jsonl") if "lr" in row]
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])
    resumed = start(tmp_path, recipe, loss=watched)
    assert all(torch.equal(resumed.weights[name], value) for name, value in result.weights.items())


def test_devices_and_precisions(monkeypatch):
    cpu = torch.device("cpu")
    assert choose_device("cpu") == cpu
    with pytest.raises(UsageError, match="`device` .='abacus'. must be auto, cpu, cuda or cuda:N"):
        choose_device("abacus")
    with pytest.raises(UsageError, match="computes nothing"):
        choose_device("meta")
    with pytest.raises(UsageError, match="`device` .=xla. is not there: this torch cannot use it"):
        choose_device("xla")
    if not torch.cuda.is_available():
        assert choose_device() == cpu
        with pytest.raises(UsageError, match="torch finds no CUDA device"):
            choose_device("cuda:0")
    assert not gains_by_bfloat16(torch.device("meta"))
    automatic = replace(SGD, precision="auto")
    for native, dtype in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(
            "casecnn.torch_net.precision.gains_by_bfloat16", lambda device, net, allowed, native=native: native
        )
        assert dtype_for(automatic.precision, cpu, net()) == dtype
    assert dtype_for("bfloat16", cpu, net()) == torch.bfloat16
    assert choose_channels_last("auto", cpu, torch.float32)
    assert not choose_channels_last("auto", torch.device("cuda"), torch.float32)
    assert choose_channels_last("auto", torch.device("cuda"), torch.bfloat16)
    assert not choose_channels_last(False, cpu, torch.float32)


CPUINFO = "processor : 0\ncpuid level\t: {level}\nflags\t\t: fpu avx512f {flags}\n\nprocessor : 1\ncpuid level : 40\n"


@pytest.mark.parametrize(
    ("level", "flags", "hidden"),
    [(28, "amx_bf16 amx_tile", True), (31, "amx_bf16 amx_tile", False), (28, "avx512_bf16", False)],
)
def test_amx_without_its_tiles_described_is_avoided(level, flags, hidden):
    environment = {"HOME": "/"}
    assert avoid_hidden_tiles(CPUINFO.format(level=level, flags=flags), environment) is hidden
    assert environment.get("ONEDNN_MAX_CPU_ISA") == ("AVX512_CORE_FP16" if hidden else None)
    environment["ONEDNN_MAX_CPU_ISA"] = "AVX2"
    avoid_hidden_tiles(CPUINFO.format(level=level, flags=flags), environment)
    assert environment["ONEDNN_MAX_CPU_ISA"] == "AVX2"
    assert not avoid_hidden_tiles("", {})


@pytest.mark.parametrize("there", [True, False])
def test_where_tiles_are_hidden_our_own_kernels_decide(there):
    cpu, allowed = torch.device("cpu"), Allowed(hidden_tiles=True, tiles=there)
    assert gains_by_bfloat16(cpu, allowed=allowed) is there
    with autocast("cpu", allowed=allowed):
        assert torch.is_autocast_enabled("cpu") is there
    wide, narrow = (build(Net("net", (32, 9, 9), (Conv("c", outputs, 3),))) for outputs in (32, 31))
    assert gains_by_bfloat16(cpu, wide, allowed) is there
    assert not gains_by_bfloat16(cpu, narrow, allowed) and not gains_by_bfloat16(cpu, torch.nn.Linear(64, 64), allowed)
    assert gains_by_bfloat16(cpu, torch.nn.Sequential(wide, narrow), allowed) is there
    strided = build(Net("net", (32, 9, 9), (Conv("c", 32, 3, stride=2),)))
    assert not gains_by_bfloat16(cpu, torch.nn.Sequential(wide, narrow, strided), allowed)


def test_native_bfloat16(monkeypatch):
    cpu = torch.device("cpu")
    monkeypatch.setattr("casecnn.torch_net.precision.torch.cpu._is_avx512_bf16_supported", lambda: True, raising=False)
    monkeypatch.setattr("casecnn.torch_net.precision.torch.cpu._is_amx_tile_supported", lambda: False, raising=False)
    allowed = Allowed(hidden_tiles=False)
    assert gains_by_bfloat16(cpu, allowed=allowed)
    for precision, enabled in (("auto", True), ("bfloat16", True), ("float32", False)):
        with autocast("cpu", precision, allowed):
            assert torch.is_autocast_enabled("cpu") is enabled


def test_a_diverging_run_says_so_and_keeps_the_last_good_checkpoint(tmp_path):
    def explode(model, batch):
        value, figures = loss(model, batch)
        explode.calls += 1
        return value * (float("nan") if explode.calls > 10 else 1.0), figures

    explode.calls = 0
    with pytest.raises(InputError) as caught:
        start(tmp_path, SGD, loss=explode, checkpoint_minutes=1e-9, evaluate=None)
    assert str(caught.value) == (
        "the loss became nan by step 11: lower `lr`, or set `clip_norm` or `warmup_steps`; "
        f"'{tmp_path / 'checkpoint.pt'}' holds the last good state"
    )
    content = load_checkpoint(tmp_path / "checkpoint.pt")
    assert content["step"] == 10 and all(torch.isfinite(value).all() for value in content["model"].values())
    assert read_log(tmp_path / "log.jsonl")[-1]["loss"] is None  # JSON has no NaN


def test_a_checkpoint_that_cannot_be_written_on_the_way_is_a_warning(tmp_path, monkeypatch, capsys):
    failures = iter(range(3))

    def full(path, content):
        if next(failures, None) is not None:
            raise InputError(f"cannot write '{path}': the disk is full; free some space or choose another folder")
        save_checkpoint(path, content)

    monkeypatch.setattr("casecnn.training.run.save_checkpoint", full)
    start(tmp_path, replace(SGD, steps=6), checkpoint_minutes=1e-9)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3 and lines[0].startswith("casecnn: warning: no checkpoint at step 1: cannot write ")
    assert load_checkpoint(tmp_path / "checkpoint.pt")["step"] == 6


def test_errors_of_source_loss_and_evaluate_pass_through(tmp_path):
    def broken(*arguments):
        raise ZeroDivisionError("mine")

    for options in ({"loss": broken}, {"evaluate": broken}):
        with pytest.raises(ZeroDivisionError, match="mine"):
            start(tmp_path, SGD, resume=False, **options)


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({}, {"log_every": 0}, "`log_every` (=0) must be a whole number of at least 1"),
        ({}, {"evaluate_every": 0}, "`evaluate_every` (=0) must be a whole number of at least 1"),
        ({}, {"checkpoint_minutes": 0}, "`checkpoint_minutes` (=0) must be a number above 0"),
        ({}, {"better": "more"}, "`better` (=more) must be one of lower, higher"),
        ({}, {"metric": "top5"}, "`metric` (=top5) must be one of what is evaluated: loss, top1"),
        (
            {"schedule": "plateau"},
            {"evaluate": None, "metric": "loss"},
            "`schedule` (='plateau') needs `evaluate` and `evaluate_every`; give both",
        ),
    ],
)
def test_arguments_that_do_not_fit_are_refused(tmp_path, change, options, message):
    with pytest.raises(UsageError) as caught:
        start(tmp_path, replace(SGD, **change), **options)
    assert str(caught.value) == message


def test_an_output_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "taken").write_text("x")
    with pytest.raises(InputError, match="cannot write '.*taken'"):
        start(tmp_path / "taken", SGD)


def test_progress_goes_to_stderr(tmp_path, capsys):
    start(tmp_path, replace(SGD, steps=3), progress=True)
    captured = capsys.readouterr()
    assert captured.out == "" and "3/3" in captured.err and "loss=" in captured.err


def test_a_log_is_repaired_on_resume_and_refused_when_it_is_something_else(tmp_path):
    recipe = replace(SGD, steps=4)
    start(tmp_path, recipe)
    log = tmp_path / "log.jsonl"
    log.write_text(log.read_text() + '{"step": 3, "lo')
    assert [row["step"] for row in read_log(log)] == [0, 1, 2, 3, 4, 4, 4]
    start(tmp_path, recipe)
    assert log.read_text().endswith("}\n")
    log.write_text("hello\nworld\n")
    with pytest.raises(InputError, match="log.jsonl', line 1, is not JSON"):
        start(tmp_path, recipe)


def test_evaluation_does_not_change_the_training(tmp_path):
    one = start(
        tmp_path / "often", SGD, evaluate_every=1, evaluate=lambda m: {**evaluate(m), "r": torch.rand(1).item()}
    )
    other = start(tmp_path / "never", SGD, evaluate=None)
    assert all(torch.equal(one.weights[name], value) for name, value in other.weights.items())


@pytest.mark.parametrize("average", [None, 0.9])
def test_a_run_that_has_nothing_left_to_learn_ends_early_and_stays_ended(tmp_path, average):
    recipe = replace(SGD, steps=20, ema_decay=average, schedule="constant")
    whole = start(tmp_path / "whole", replace(recipe, steps=10), log_every=5, evaluate_every=7)
    losses = [row["loss"] for row in read_log(tmp_path / "whole" / "log.jsonl") if "lr" in row]
    limit = (losses[0] + losses[1]) / 2
    assert losses[1] < limit < losses[0]
    found = start(tmp_path / "early", recipe, log_every=5, evaluate_every=7, stop_below=limit)
    assert found.step == 10 and found.best is not None
    for name, value in whole.weights.items():
        assert torch.equal(found.weights[name], value)
    evaluated = [row["step"] for row in read_log(tmp_path / "early" / "log.jsonl") if row.get("event") == "evaluation"]
    assert evaluated == [7, 10]  # the last step is evaluated as ever
    again = start(tmp_path / "early", recipe, log_every=5, evaluate_every=7, stop_below=limit)
    assert again.step == 10 and torch.equal(next(iter(again.weights.values())), next(iter(found.weights.values())))
