"""Window arithmetic, by hand and against counting the windows one by one."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from casecnn.errors import InputError
from casecnn.layers.shapes import ShapeError, Span, span, spans, window_sum


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "windows"),
    [
        (227, 11, 4, (0, 0), 55),  # AlexNet's CONV1
        (55, 3, 2, (0, 0), 27),
        (19, 5, 1, (2, 2), 19),  # AlphaGo's first layer
        (7, 7, 1, (0, 0), 1),
        (4, 2, 3, (1, 0), 2),
    ],
)
def test_the_lectures_sum(size, kernel, stride, padding, windows):
    assert span(size, kernel, stride, padding) == Span(windows, *padding)


def test_width_13_filter_6_stride_5():
    assert span(13, 6, 5, "valid") == Span(2, 0, 0, dropped=2)  # columns 12 and 13 are dropped
    assert span(13, 6, 5, "same") == Span(3, 1, 2)  # one column of zeros left, two right
    with pytest.raises(ShapeError, match=r"\(13-6\)/5\+1 = 2\.4 is not a whole number of windows"):
        span(13, 6, 5)


def test_a_remainder_is_refused_unless_a_rounding_is_named():
    with pytest.raises(ShapeError) as error:
        span(228, 11, 4, axis="height")
    assert str(error.value) == (
        "height (228-11)/4+1 = 55.25 is not a whole number of windows; "
        "change input, kernel, stride or padding, or round: floor drops the rest, ceil adds zeros"
    )
    assert isinstance(error.value, InputError)
    assert span(228, 11, 4, rounding="floor") == Span(55, 0, 0, dropped=1)
    assert span(228, 11, 4, rounding="ceil") == Span(56, 0, 0, overhang=3)


def test_ceil_leaves_out_a_window_that_starts_in_the_padding_after_the_input():
    assert span(3, 1, 2, (0, 1), "ceil") == Span(2, 0, 1, dropped=1)  # a third would start at cell 4 of 3
    assert span(4, 2, 2, (1, 1), "ceil") == Span(3, 1, 1)


@pytest.mark.parametrize("rounding", ["exact", "floor", "ceil"])
def test_a_kernel_larger_than_its_input_is_refused_with_the_sum(rounding):
    with pytest.raises(ShapeError, match=r"\(2-5\)/1\+1 = -2: the kernel is larger than its input"):
        span(2, 5, rounding=rounding)
    with pytest.raises(ShapeError, match="the kernel is larger"):
        span(2, 5, padding="valid")


def test_sums_are_written_as_the_lectures_write_them():
    assert window_sum(224, 7, 2, (3, 3)) == "(224-7+2*3)/2+1 = 112.5"
    assert window_sum(224, 7, 2, (2, 3)) == "(224-7+2+3)/2+1 = 112"


def test_axes_are_independent_and_named():
    rows, columns = spans(10, 300, (3, 300), (1, 1), ((1, 2), (0, 0)), "exact")
    assert (rows.windows, columns.windows) == (11, 1)
    with pytest.raises(ShapeError, match=r"width \(9-2\)/2\+1 = 4\.5"):
        spans(8, 9, (2, 2), (2, 2), 0, "exact")


sizes = st.integers(1, 40)
small = st.integers(1, 7)
pads = st.tuples(st.integers(0, 6), st.integers(0, 6))


@given(size=sizes, kernel=small, stride=small, padding=pads, dilation=st.integers(1, 3))
def test_floor_counts_the_windows_that_fit(size, kernel, stride, padding, dilation):
    padded = size + sum(padding)
    starts = [s for s in range(0, padded, stride) if s + dilation * (kernel - 1) < padded]
    assume(starts)
    laid = span(size, kernel, stride, padding, "floor", dilation)
    assert laid.windows == len(starts)
    assert laid.dropped == padded - (starts[-1] + dilation * (kernel - 1) + 1)


@given(size=sizes, kernel=small, stride=small, padding=pads)
def test_ceil_covers_every_cell_of_the_input_where_windows_touch(size, kernel, stride, padding):
    assume(size + sum(padding) >= kernel and stride <= kernel)
    laid = span(size, kernel, stride, padding, "ceil")
    last = (laid.windows - 1) * stride
    assert last + kernel >= size + padding[0]  # all of the input is seen
    if padding[1] < kernel:
        assert last < size + padding[0]  # and no window lies past it
    assert last + kernel == size + sum(padding) + laid.overhang - laid.dropped


@given(size=sizes, kernel=small, stride=small)
def test_same_follows_tensorflow(size, kernel, stride):
    laid = span(size, kernel, stride, "same")
    assert laid.windows == -(-size // stride)
    assert 0 <= laid.after - laid.before <= 1
    covered = (laid.windows - 1) * stride + kernel
    assert covered == size + laid.before + laid.after - laid.dropped
    if stride <= kernel:
        assert laid.dropped == 0


@given(size=sizes, kernel=small, stride=small, padding=pads)
def test_exact_agrees_with_floor_and_ceil_or_refuses(size, kernel, stride, padding):
    assume(size + sum(padding) >= kernel)
    floor = span(size, kernel, stride, padding, "floor")
    if floor.dropped:
        with pytest.raises(ShapeError):
            span(size, kernel, stride, padding)
    else:
        assert span(size, kernel, stride, padding) == floor == span(size, kernel, stride, padding, "ceil")
