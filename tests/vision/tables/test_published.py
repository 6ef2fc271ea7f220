"""Every printed figure agrees with the declarations, or says why not."""

from __future__ import annotations

from functools import cache

import pytest

from casecnn.nets.catalogue import CATALOGUE, get_net
from casecnn.vision.tables.error_rates import RATES, error_rates
from casecnn.vision.tables.published import ROWS, TOTALS, Figure, figures

net_of = cache(get_net)


def identify(figure: Figure) -> str:
    return f"{figure.net}-{figure.part}-{figure.quantity}-{figure.printed}{figure.unit}"


@pytest.mark.parametrize("figure", [*TOTALS, *ROWS], ids=identify)
def test_a_figure_agrees_or_has_a_reason_and_not_both(figure):
    net = net_of(figure.net)
    assert figure.ours(net) > 0
    if figure.agrees(net):
        assert figure.reason == "" and figure.verdict(net) == ""
    else:
        assert figure.reason or figure.cut_off(net)
        assert figure.verdict(net)


def test_what_agrees_in_numbers():
    """The lectures' statements, worked out by hand."""
    verdicts = {(f.net, f.printed, f.part): f.agrees(net_of(f.net)) for f in (*TOTALS, *ROWS)}
    right = [("vgg16", "138", ""), ("vgg16-1x1", "134", ""), ("resnet152", "11.3", ""), ("lenet5-1998", "340908", "")]
    right += [("googlenet", "304", "inception3b"), ("googlenet", "112", "conv2"), ("resnet34-a", "3.6", "")]
    wrong = [("resnet34", "3.6", ""), ("resnet50", "3.8", ""), ("googlenet", "5", ""), ("googlenet", "34", "conv1")]
    wrong += [("googlenet", "1072", "inception5a"), ("vgg16", "24", ""), ("vgg16", "15.3", "")]
    assert all(verdicts[key] for key in right)
    assert not any(verdicts[key] for key in wrong)


def test_the_reasons_are_true():
    """The arithmetic that the reasons speak of."""
    vgg = net_of("vgg16")
    convolutions = sum(row.macs for row in vgg.rows if row.kind == "Conv")
    assert round(convolutions / 1e9, 1) == 15.3 and round((vgg.macs - convolutions) / 1e9, 2) == 0.12
    assert vgg.memory().forward_elements == 15_237_608
    difference = net_of("alexnet").parameters - net_of("alexnet-grouped").parameters
    assert round(difference / 1e6, 2) == 1.41
    google = net_of("googlenet")
    assert round((google.parameters - google.row("fc").parameters) / 1e6, 1) == 6.0
    assert 7 * 7 * 3 * 8 + 3 * 8 * 64 == 2712  # depthwise x8, then pointwise: the printed 2.7 K
    assert (7 * 7 * 3 * 8 + 3 * 8 * 64) * 112 * 112 == 34_019_328  # and the printed 34 M
    assert google.row("conv1").weights == 9408 and round(google.row("conv1").macs / 1e6) == 118
    printed = sum(float(f.printed) for f in ROWS if f.quantity == "MACs")
    assert round(printed / 1000, 1) == 1.5 and round((google.macs / 1e6 - printed - 84 + 3), 0) == 0
    for depth, percent in ((50, 6), (101, 3), (152, 2)):
        moved, paper = net_of(f"resnet{depth}-v1.5").macs, net_of(f"resnet{depth}").macs
        assert round(100 * (moved / paper - 1)) == percent


def test_zfnet_read_without_the_second_stride():
    """386.5 M parameters, as the declaration's note says."""
    import dataclasses

    from casecnn.nets.catalogue import declaration

    literal = dataclasses.replace(declaration("zfnet"), conv2=(5, 1, 2)).net()
    assert literal.row("pool3").output_shape == (512, 13, 13)
    assert round(literal.parameters / 1e6, 1) == 386.5


@pytest.mark.parametrize(
    ("printed", "unit", "agrees", "cut_off"),
    [("61706", "", True, True), ("62", "K", True, False), ("61", "K", False, True), ("61.7", "K", True, True),
     ("60.3", "Ki", True, False), ("0.06", "M", True, True), ("63", "K", False, False)],
)  # fmt: skip
def test_rounding(printed, unit, agrees, cut_off):
    """LeNet-5's 61,706 parameters are 60.26 Ki."""
    figure = Figure("lenet5", "parameters", printed, unit, "here")
    net = net_of("lenet5")
    assert (figure.agrees(net), figure.cut_off(net)) == (agrees, cut_off)


def test_records_name_nets_of_the_catalogue_and_stand_once():
    assert {figure.net for figure in (*TOTALS, *ROWS)} | {rate.net for rate in RATES} <= set(CATALOGUE)
    assert len(set(RATES)) == len(RATES) and len({*TOTALS, *ROWS}) == len(TOTALS) + len(ROWS)
    assert figures("lenet5") == () and {figure.net for figure in figures("vgg16")} == {"vgg16"}


def test_the_lectures_error_table():
    """003's table: top-1 and top-5 with ten crops."""
    table = {
        "vgg16": (28.07, 9.33), "googlenet": (None, 9.15), "plain34": (28.54, 10.02), "resnet34-a": (25.03, 7.76),
        "resnet34-b": (24.52, 7.46), "resnet34-c": (24.19, 7.40), "resnet50": (22.85, 6.71),
        "resnet101": (21.75, 6.05), "resnet152": (21.43, 5.71),
    }  # fmt: skip
    for net, errors in table.items():
        assert errors in [(rate.top1, rate.top5) for rate in error_rates(net) if (rate.crops, rate.models) == (10, 1)]
    assert [rate.top1 for rate in error_rates("plain18")] == [27.94]


def test_error_rates_are_percentages_and_a_top5_is_below_its_top1():
    for rate in RATES:
        assert 0 < (rate.top1 or rate.top5 or 0) < 100 and rate.source
        assert rate.top1 is None or rate.top5 is None or rate.top5 < rate.top1
