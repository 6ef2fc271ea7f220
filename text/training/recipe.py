"""How to train a sentence CNN: all settings as one frozen value, Kim's and those found best."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from casecnn.checks import one_of, positive, whole, within
from casecnn.errors import UsageError
from casecnn.nets.sentence import ACTIVATIONS
from casecnn.text.words.cleaning import CLEANINGS
from casecnn.training.recipe import Recipe

if TYPE_CHECKING:
    from casecnn.text.model.model import TextModel

VARIANTS = ("rand", "static", "non-static", "multichannel")
_CHOICES = {
    "variant": VARIANTS,
    "activation": tuple(ACTIVATIONS),
    "optimizer": ("adadelta", "adamw", "sgd"),
    "keep": ("best", "last"),
    "cleaning": tuple(CLEANINGS),
}
_LEAST = {"batch_size": 1, "epochs": 1, "min_count": 1, "least_steps": 0, "extra_words": 0, "subwords": 0}


@dataclass(frozen=True, kw_only=True)
class TextRecipe:
    """The settings of a training run; the defaults are Kim's (2014, section 3.1, and his code).

    Raises UsageError, one line, for a value out of its range. Not in it: the data, the word vectors, class weights and
    the seed, which belong to the call of `train`.
    """

    variant: Literal["rand", "static", "non-static", "multichannel"] = "non-static"
    windows: tuple[int, ...] = (3, 4, 5)  # words a filter sees
    maps: int = 100  # filters of each window
    activation: str = "relu"
    dropout: float = 0.5  # on the pooled maps, inverted
    max_norm: float | None = 1.5  # of a label's output weights; Kim's 3 acts on weights that are halved at test time
    filter_range: float = 0.01  # filters start in U[-r, r], biases and the output layer at 0 (Kim's code)
    dim: int = 300  # of random vectors; vectors from files bring their own
    rand_range: float = 0.25  # random vectors, where there are no others, start in U[-r, r] (Kim's code)
    optimizer: Literal["adadelta", "adamw", "sgd"] = "adadelta"
    lr: float = 1.0  # Adadelta has no rate of its own: 1
    rho: float = 0.95  # PyTorch's own default is 0.9
    batch_size: int = 50
    epochs: int = 25  # Kim's code
    least_steps: int = 0  # small data are gone through more often, to this number of updates
    ema_decay: float | None = None  # the exponential average of the weights, a step; Kim has none
    dev_share: float = 0.1  # held out to choose the epoch where no validation data are given; 0: the last weights
    keep: Literal["best", "last"] = "best"  # weights of the best epoch on the held-out part (the later of equals)
    min_count: int = 1  # rarer words are unknown words
    max_length: int | None = None  # words of a text that count
    extra_words: int = 0  # words of the vector file, the most frequent first, to know besides those of the texts
    subwords: int = 0  # rows of vectors for n-grams of characters, by which new words are read; 0: none
    cleaning: str = "mr"

    def __post_init__(self) -> None:
        object.__setattr__(self, "windows", tuple(sorted(set(self.windows))))
        for name, choices in _CHOICES.items():
            one_of(name, getattr(self, name), choices)
        if not self.windows:
            raise UsageError("`windows` must be at least one whole number")
        for window in self.windows:
            whole("windows", window, 1, 100)
        for name in ("maps", "dim"):
            whole(name, getattr(self, name), 1, 100_000)
        for name, least in _LEAST.items():
            whole(name, getattr(self, name), least)
        if self.max_length is not None:
            whole("max_length", self.max_length, 1)
        if self.maps * sum(self.windows) > 1_000_000:
            raise UsageError(f"`maps` (={self.maps}) times the words of all `windows` must be at most 1000000")
        for name in ("dropout", "dev_share"):
            within(name, getattr(self, name), 0, 1)
        for name in ("filter_range", "rand_range"):
            positive(name, getattr(self, name))
        self.steps(1, 1)  # the rest is checked there

    def steps(self, samples: int, seed: int) -> Recipe:
        """Return the core's recipe for a number of samples: epochs become steps."""
        per_epoch = math.ceil(samples / self.batch_size)
        return Recipe(
            optimizer=self.optimizer,
            lr=self.lr,
            rho=self.rho,
            steps=max(self.epochs, math.ceil(self.least_steps / per_epoch)) * per_epoch,
            batch_size=self.batch_size,
            ema_decay=self.ema_decay,
            max_norm=self.max_norm,
            max_norm_parameters=("cnn.output.weight",) if self.max_norm is not None else (),
            precision="float32",
            channels_last=False,
            seed=seed,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values; `replace(PAPER, **fields)` makes the recipe of them again."""
        return {**asdict(self), "windows": list(self.windows)}


PAPER = TextRecipe()
BEST = replace(PAPER, ema_decay=0.998, epochs=5, least_steps=2400, cleaning="folded")
RECIPES = {"paper": PAPER, "best": BEST}


def recipe_of(model: TextModel, recipe: TextRecipe, **changes: Any) -> TextRecipe:
    """Return the recipe for training on from a model: with its windows, maps, activation, cleaning and vectors.

    With one channel the variant "rand" becomes "non-static", with two it is "multichannel". Fields in ``changes`` hold
    nevertheless. Raises UsageError for a model that has not as many maps for each window.
    """
    sizes = {len(bias) for _, bias in model.filters.values()}
    if len(sizes) > 1:
        raise UsageError(
            f"a model with different numbers of maps for its windows ({sorted(sizes)}) cannot be trained on"
        )
    variant = recipe.variant if recipe.variant in ("static", "non-static") else "non-static"
    own: dict[str, Any] = {
        "windows": model.windows, "maps": sizes.pop(), "activation": model.activation, "cleaning": model.cleaning,
        "dim": model.dim, "variant": variant if len(model.embeddings) == 1 else "multichannel",
        "max_length": model.max_length,
    }  # fmt: skip
    return replace(recipe, **{**own, **changes})


def recipe_named(name: str, **changes: Any) -> TextRecipe:
    """Return the recipe "paper" or "best" with some of its fields changed; those that are None stay.

    Where ``epochs`` is given it holds: there is no ``least_steps`` then, unless that is given too. Raises UsageError
    for another name and for values out of range.
    """
    one_of("recipe", name, RECIPES)
    given = {field: value for field, value in changes.items() if value is not None}
    if "epochs" in given:
        given.setdefault("least_steps", 0)
    return replace(RECIPES[name], **given)
