"""Recipes check their values and survive JSON; schedules give the rates that their formulas say."""

import json
import math
from dataclasses import FrozenInstanceError, replace

import pytest

from casecnn.errors import InputError, UsageError
from casecnn.training.recipe import Recipe
from casecnn.training.schedule import Schedule

SGD = Recipe(optimizer="sgd", lr=0.1, steps=10)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"optimizer": "adam"}, "`optimizer` (=adam) must be one of sgd, adadelta, adamw, muon"),
        ({"schedule": "exp"}, "`schedule` (=exp) must be one of constant, step, plateau, cosine, linear"),
        ({"precision": "half"}, "`precision` (=half) must be one of auto, float32, bfloat16"),
        ({"channels_last": "yes"}, "`channels_last` (=yes) must be one of True, False, auto"),
        ({"steps": 0}, "`steps` (=0) must be a whole number of at least 1"),
        ({"steps": 1.5}, "`steps` (=1.5) must be a whole number of at least 1"),
        ({"batch_size": True}, "`batch_size` (=True) must be a whole number of at least 1"),
        ({"seed": -1}, "`seed` (=-1) must be a whole number of at least 0"),
        ({"lr": 0}, "`lr` (=0) must be a number above 0"),
        ({"lr": math.nan}, "`lr` (=nan) must be a number above 0"),
        ({"lr": "0.1"}, "`lr` (=0.1) must be a number above 0"),
        ({"clip_norm": math.inf}, "`clip_norm` (=inf) must be a number above 0"),
        ({"momentum": 1.0}, "`momentum` (=1.0) must be a number of at least 0 and below 1"),
        ({"ema_decay": -0.1}, "`ema_decay` (=-0.1) must be a number of at least 0 and below 1"),
        ({"weight_decay": -1}, "`weight_decay` (=-1) must be a number of at least 0"),
        ({"betas": (0.9,)}, "`betas` (=(0.9,)) must be two numbers"),
        ({"betas": (0.9, 1.0)}, "`betas` (=1.0) must be a number of at least 0 and below 1"),
        ({"milestones": 5}, "`milestones` (=5) must be a tuple"),
        (
            {"schedule": "step", "milestones": (5, 5)},
            "`milestones` (=(5, 5)) must rise strictly; sort them and drop the doubles",
        ),
        (
            {"schedule": "step"},
            "`milestones` (=()) must be given with `schedule` 'step' and with no other schedule",
        ),
        ({"warmup_steps": 10}, "`warmup_steps` (=10) must be less than `steps` (=10)"),
        (
            {"max_norm": 3.0},
            "`max_norm` and `max_norm_parameters` must be given together; give both or neither",
        ),
        (
            {"nesterov": True, "momentum": 0.0},
            "`nesterov` (=True) needs `momentum` above 0; set `momentum`, for instance to 0.9",
        ),
    ],
)
def test_a_bad_value_is_one_line(change, message):
    with pytest.raises(UsageError) as caught:
        replace(SGD, **change)
    assert str(caught.value) == message


def test_what_is_left_open_takes_the_value_of_its_optimizer():
    assert (SGD.momentum, SGD.nesterov, SGD.eps) == (0.9, False, None)
    muon = Recipe(optimizer="muon", lr=0.02, steps=1)
    assert (muon.momentum, muon.nesterov, muon.eps) == (0.95, True, 1e-8)
    assert Recipe(optimizer="adadelta", lr=1.0, steps=1).eps == 1e-6
    assert Recipe(optimizer="adamw", lr=1.0, steps=1, eps=1e-4).eps == 1e-4
    with pytest.raises(FrozenInstanceError):
        SGD.lr = 1.0  # type: ignore[misc]


def test_a_recipe_survives_json():
    recipe = replace(SGD, schedule="step", milestones=(3, 6), max_norm=3.0, max_norm_parameters=("head.weight",))
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    with pytest.raises(InputError, match="unknown field `speed`"):
        Recipe.from_dict({**recipe.to_dict(), "speed": 1})
    with pytest.raises(InputError, match="lacks the field `lr`"):
        Recipe.from_dict({"optimizer": "sgd", "steps": 1})


def rates(**change):
    recipe = replace(SGD, **change)
    schedule = Schedule(recipe)
    return [schedule.factor(step) for step in range(recipe.steps)]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"steps": 3}, [1, 1, 1]),
        ({"schedule": "linear"}, [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1]),
        ({"schedule": "linear", "warmup_steps": 2, "steps": 6}, [0.5, 1, 1, 0.75, 0.5, 0.25]),
        ({"schedule": "cosine", "steps": 4}, [1, 0.5 + 0.25 * 2**0.5, 0.5, 0.5 - 0.25 * 2**0.5]),
        ({"schedule": "step", "milestones": (2, 5), "steps": 7}, [1, 1, 0.1, 0.1, 0.1, 0.01, 0.01]),
        ({"schedule": "step", "milestones": (3,), "gamma": 0.5, "warmup_steps": 2, "steps": 5}, [0.5, 1, 1, 0.5, 0.5]),
        ({"warmup_steps": 4, "steps": 6}, [0.25, 0.5, 0.75, 1, 1, 1]),
    ],
)
def test_the_factors_of_a_schedule(change, expected):
    assert rates(**change) == pytest.approx(expected, abs=1e-12)


def test_plateau_drops_after_patience_evaluations_without_a_new_best():
    schedule = Schedule(replace(SGD, schedule="plateau", patience=2, gamma=0.1, steps=100))
    seen = []
    for figure in [1.0, 0.9, 0.95, 0.9, 0.8, math.nan, 0.85, 0.7, 0.7, 0.7, 0.7, 0.7]:
        schedule.observe(figure)
        seen.append(schedule.factor(50))
    assert seen == pytest.approx([1, 1, 1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.001, 0.001, 0.0001])


def test_plateau_for_a_figure_that_should_rise_and_its_state():
    recipe = replace(SGD, schedule="plateau", patience=1, gamma=0.5, steps=100)
    schedule = Schedule(recipe, higher_is_better=True)
    for figure in [0.1, 0.2, 0.2, 0.3, 0.25]:
        schedule.observe(figure)
    assert schedule.factor(0) == 0.25
    copy = Schedule(recipe, higher_is_better=True)
    copy.load_state_dict(schedule.state_dict())
    copy.observe(0.4)
    assert (copy.factor(0), copy.best) == (0.25, 0.4)
    other = Schedule(replace(SGD, schedule="linear"))
    other.observe(1.0)
    other.observe(2.0)
    assert other.factor(0) == 1.0
