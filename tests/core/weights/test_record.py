"""Records of weights: what is refused matters as much as what is read."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest
from packaged_net import FIELDS, NAME, package

from casecnn.errors import InputError, UsageError
from casecnn.weights import record as records
from casecnn.weights.record import Figure, WeightsRecord


@pytest.fixture
def folder(tmp_path) -> Path:
    return package(tmp_path)


def record(**changes) -> WeightsRecord:
    return WeightsRecord(**{"name": NAME, "sha256": "a" * 64, "size": 1, "file": "a.safetensors", **FIELDS, **changes})


def test_a_record_reads_back_equal(folder):
    made = records.read(folder / f"{NAME}.json")
    assert made == WeightsRecord.from_json(made.to_json(), "x")
    assert made.figures["top1"] == Figure(0.47, "one half of a month", "casecnn go eval")
    assert made.size == (folder / f"{NAME}.safetensors").stat().st_size
    assert made.sha256 == hashlib.sha256((folder / f"{NAME}.safetensors").read_bytes()).hexdigest()
    assert made.file == f"{NAME}.safetensors" and made.url == ""


def test_labels_may_be_a_list_of_names():
    made = record(labels=("cat", "dog"))
    assert WeightsRecord.from_json(made.to_json(), "x").labels == ("cat", "dog")


def test_a_record_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        record().name = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("field", "value", "rule"),
    [
        ("name", "policy", "NET.DATA-vN in lower case, such as 'lenet.mnist-v1'"),
        ("name", "Policy.data-v1", "NET.DATA-vN in lower case, such as 'lenet.mnist-v1'"),
        ("name", "policy.data-v0", "NET.DATA-vN in lower case, such as 'lenet.mnist-v1'"),
        ("name", "../policy.data-v1", "NET.DATA-vN in lower case, such as 'lenet.mnist-v1'"),
        ("sha256", "A" * 64, "64 lower-case hexadecimal digits"),
        ("sha256", "a" * 63, "64 lower-case hexadecimal digits"),
        ("size", 0, "at least 1 byte"),
        ("parameters", 0, "at least 1"),
        ("macs", -1, "at least 1"),
        ("file", "", "given, or url, not both"),
        ("file", "../a.safetensors", "a name without a folder"),
    ],
)
def test_a_field_that_is_wrong(field, value, rule):
    with pytest.raises(InputError) as caught:
        record(**{field: value})
    name = value if field == "name" else NAME
    assert str(caught.value) == f"record '{name}': {field} (={value!r}) must be {rule}"


def test_a_record_has_a_file_or_an_address():
    with pytest.raises(InputError, match=r"file \(='a'\) must be given, or url, not both"):
        record(file="a", url="https://example.org/a")
    with pytest.raises(InputError, match=r"url \(='ftp://a'\) must be an http\(s\) address"):
        record(file="", url="ftp://a")


def test_a_figure_is_a_finite_number():
    with pytest.raises(InputError) as caught:
        record(figures={"top1": Figure(float("nan"), "a", "b")})
    assert str(caught.value) == f"record '{NAME}': figure 'top1' (=nan) must be a finite number"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"macs": None}, "'x.json': field 'macs' is missing"),
        ({"mac": 1}, "'x.json': there is no field 'mac' in a weights record"),
        ({"macs": "6"}, "'x.json': field 'macs' (='6') must be of type int"),
        ({"size": True}, "'x.json': field 'size' (=True) must be of type int"),
        ({"labels": 3}, "'x.json': field 'labels' (=3) must be of type str or tuple"),
        ({"commit": 3}, "'x.json': field 'commit' (=3) must be of type str"),
        ({"figures": {"top1": 0.5}}, "'x.json': each of the figures must hold value, data and command"),
        ({"figures": [1]}, "'x.json': each of the figures must hold value, data and command"),
        (
            {"figures": {"top1": {"value": "0.5", "data": "a", "command": "b"}}},
            "'x.json': figure 'top1' must hold a number, and the data and command as text",
        ),
        (
            {"figures": {"top1": {"value": 0.5, "data": 1, "command": 2}}},
            "'x.json': figure 'top1' must hold a number, and the data and command as text",
        ),
    ],
)
def test_json_that_is_not_a_record(change, message):
    fields = json.loads(record().to_json()) | change
    fields = {key: value for key, value in fields.items() if value is not None}
    with pytest.raises(InputError) as caught:
        WeightsRecord.from_json(json.dumps(fields), "x.json")
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "'x.json' is not a weights record: it must be one JSON object"),
        ("{", "'x.json' is not JSON: "),
        (b"\xff\xfe\x00", "'x.json' is not JSON: "),
    ],
)
def test_text_that_is_not_a_record(text, message):
    with pytest.raises(InputError) as caught:
        WeightsRecord.from_json(text, "x.json")
    assert str(caught.value).startswith(message) and "\n" not in str(caught.value)


def test_a_record_is_named_as_its_file(folder):
    (folder / f"{NAME}.json").rename(folder / "other.a-v1.json")
    with pytest.raises(InputError, match=f"holds the record '{NAME}'; the file must be named '{NAME}.json'"):
        records.read_folder(folder)


@pytest.mark.parametrize(
    ("names", "wanted", "remedy"),
    [
        ([NAME], "policy-k49.tygem9d-v1", f"did you mean {NAME}?"),
        ([NAME], "zzz", f"choose from {NAME}, or give a file"),
        ([], "zzz", "none are packaged here; give a file"),
    ],
)
def test_an_unknown_name(names, wanted, remedy):
    with pytest.raises(UsageError) as caught:
        records.find({name: record(name=name) for name in names}, wanted)
    assert str(caught.value) == f"there are no weights '{wanted}'; {remedy}"
