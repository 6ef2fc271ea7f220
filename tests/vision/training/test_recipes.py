"""The presets: the papers' numbers, and runs of another length."""

from __future__ import annotations

import dataclasses

import pytest

from casecnn.errors import UsageError
from casecnn.nets.catalogue import CATALOGUE
from casecnn.vision.pipeline.augment import parse_augmentation
from casecnn.vision.training.recipes import PRESETS, find_preset, preset_for


def test_the_numbers_are_those_of_the_papers():
    """AlexNet, section 5; VGG, 3.1; ResNet, 3.4 and 4.2."""
    rows = {name: (p.batch_size, p.lr, p.momentum, p.weight_decay) for name, p in PRESETS.items()}
    assert rows["alexnet"] == (128, 0.01, 0.9, 5e-4)
    assert rows["vgg"] == (256, 0.01, 0.9, 5e-4)
    assert rows["resnet"] == (256, 0.1, 0.9, 1e-4)
    assert rows["resnet-cifar"] == (128, 0.1, 0.9, 1e-4)
    assert PRESETS["alexnet"].init == "normal(0.01)" and PRESETS["resnet"].init == "he"
    assert PRESETS["vgg"].framing.shorter == (256, 512) and PRESETS["resnet"].framing.shorter == (256, 480)
    assert PRESETS["googlenet"].framing.area == (0.08, 1.0)
    assert str(PRESETS["resnet-cifar"].augmentation) == "mirror=0.5,crop=4"


def test_the_rate_of_resnet_on_cifar_drops_at_32k_and_48k_of_64k():
    recipe = PRESETS["resnet-cifar"].recipe(50_000)
    assert (recipe.steps, recipe.milestones, recipe.gamma) == (64_000, (32_000, 48_000), 0.1)
    shorter = PRESETS["resnet-cifar"].recipe(50_000, epochs=10)
    assert (shorter.steps, shorter.milestones) == (3907, (1954, 2930))


def test_googlenet_falls_by_4_percent_every_8_epochs():
    recipe = PRESETS["googlenet"].recipe(128_000)
    assert recipe.gamma == 0.96 and recipe.milestones[:3] == (8_000, 16_000, 24_000) and recipe.steps == 250_000


def test_lengths_and_changes_are_taken():
    recipe = PRESETS["lenet"].recipe(60_000, steps=5, lr=0.5, batch_size=None, seed=3)
    assert (recipe.steps, recipe.lr, recipe.batch_size, recipe.seed) == (5, 0.5, 64, 3)
    assert PRESETS["lenet"].recipe(60_000).steps == 18_750
    assert PRESETS["lenet"].recipe(60_000, batch_size=128).steps == 9_375
    assert PRESETS["resnet-cifar"].recipe(100, steps=1).schedule == "constant"
    assert PRESETS["resnet-cifar"].recipe(100, steps=50, schedule="cosine").milestones == ()


def test_another_optimizer_has_a_rate_and_momentum_of_its_own():
    recipe = PRESETS["resnet-cifar"].recipe(50_000, optimizer="muon", epochs=1, schedule="linear")
    assert (recipe.optimizer, recipe.lr, recipe.momentum, recipe.nesterov) == ("muon", 0.02, 0.95, True)
    assert PRESETS["resnet-cifar"].recipe(50_000, optimizer="adamw").lr == 2e-3
    assert PRESETS["resnet-cifar"].recipe(50_000, optimizer="muon", lr=0.05).lr == 0.05
    assert PRESETS["resnet-cifar"].recipe(50_000, optimizer="sgd").momentum == 0.9


def test_what_is_changed_is_said():
    text = PRESETS["lenet"].describe(lr=0.1, epochs=3.0, steps=None)
    assert text == PRESETS["lenet"].describe() + "\n  in its place here: lr 0.1, epochs 3.0"
    assert PRESETS["lenet"].describe(lr=None) == PRESETS["lenet"].describe()


def test_wrong_lengths_are_told():
    with pytest.raises(UsageError, match=r"`epochs` \(=2\) and `steps` \(=5\) exclude each other"):
        PRESETS["lenet"].recipe(100, epochs=2, steps=5)
    with pytest.raises(UsageError, match=r"epochs` \(=0\) must be a number above 0"):
        PRESETS["lenet"].recipe(100, epochs=0)
    with pytest.raises(UsageError, match="there is no recipe 'resnet-cifer'; did you mean resnet-cifar"):
        find_preset("resnet-cifer")


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_every_preset_says_what_differs_and_cannot_be_changed(preset):
    text = preset.describe()
    assert preset.source in text and all(deviation in text for deviation in preset.deviations)
    assert len(preset.deviations) >= 2
    assert parse_augmentation(str(preset.augmentation)) == preset.augmentation
    with pytest.raises(dataclasses.FrozenInstanceError):
        preset.lr = 1.0


def test_every_net_for_pictures_has_a_recipe():
    found = {name: preset_for(name, row.net().input[1]).name for name, row in CATALOGUE.items()
             if len(row.net().input) == 3}  # fmt: skip
    assert found["lenet5-1998"] == "lenet-1998"
    assert found["lenet5"] == "lenet" and found["vgg16-bn"] == "vgg" and found["zfnet"] == "alexnet"
    assert found["resnet20"] == found["plain56"] == "resnet-cifar"
    assert found["resnet50-v1.5"] == found["plain34"] == "resnet"


def test_the_command_offers_every_recipe():
    from casecnn.vision.cli.train import RECIPES

    assert list(PRESETS) == RECIPES
