"""What several options of the vision commands say together, and values that are no numbers."""

from __future__ import annotations

import pytest

from casecnn.cli import main
from casecnn.errors import UsageError
from casecnn.vision.cli.options import height_and_width, held_out, whole_numbers


def test_held_out_images_are_a_data_set_or_a_fraction(capsys):
    assert held_out(None, None) is None and held_out("val", None) == "val" and held_out(None, 0.2) == 0.2
    assert capsys.readouterr().err == ""
    with pytest.raises(UsageError, match="`validation` and `validation_fraction` exclude each other; give one"):
        held_out("val", 0.2)
    with pytest.raises(
        UsageError, match=r"`validation_fraction` \(=1\) must be a number of at least 0 and at most 0.9"
    ):
        held_out(None, 1)


def test_a_fraction_as_version_0_1_took_it(capsys):
    assert held_out("0.1", None) == 0.1
    assert capsys.readouterr().err == (
        "casecnn: warning: '--validation 0.1' is now '--validation-fraction 0.1'; "
        "the old form goes with the next version\n"
    )


def test_numbers_of_an_option():
    assert height_and_width("size", "224") == (224, 224) and height_and_width("size", "96x64") == (96, 64)
    assert height_and_width("size", None) is None and whole_numbers("widths", None) == ()
    assert whole_numbers("widths", "32, 64,128") == (32, 64, 128)
    with pytest.raises(UsageError, match=r"`size` \(=x\) must be a size such as 224"):
        height_and_width("size", "x")
    with pytest.raises(UsageError, match=r"`widths` \(=1,a\) must be whole numbers"):
        whole_numbers("widths", "1,a")


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["table", "alexnet", "--input", "x"], "`--input` (=x) must be a size such as 224, or height x width"),
        (["table", "[CONV-RELU]*2-FC", "--widths", "1,a"], "`--widths` (=1,a) must be whole numbers"),
        (["train", "lenet5", "mnist", "-o", "run", "--validation-fraction", "2"], "`--validation-fraction` (=2.0)"),
        (
            ["transfer", "lenet5", "mnist", "-o", "run", "--validation", "v", "--validation-fraction", "0.1"],
            "`--validation` and `--validation-fraction` exclude each other",
        ),
    ],
)
def test_errors_name_the_options(arguments, line, capsys):
    assert main(["vision", *arguments]) == 2
    assert line in capsys.readouterr().err
