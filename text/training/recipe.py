"""How to train a sentence CNN: every number as one frozen value, with Kim's values and with those found best."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from casecnn.errors import UsageError
from casecnn.nets.sentence import ACTIVATIONS
from casecnn.text.words.cleaning import CLEANINGS
from casecnn.training.recipe import Recipe

VARIANTS = ("rand", "static", "non-static", "multichannel")


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
    least_steps: int = 0  # small data are gone through more often, until there are so many updates
    ema_decay: float | None = None  # the exponential average of the weights, a step; Kim has none
    dev_share: float = 0.1  # held out to choose the epoch where no validation data are given; 0: the last weights
    keep: Literal["best", "last"] = "best"  # weights of the best epoch on the held-out part (the later of equals)
    min_count: int = 1  # rarer words are unknown words
    max_length: int | None = None  # words of a text that count
    extra_words: int = 0  # words of the vector file, the most frequent first, to know besides those of the texts
    cleaning: str = "mr"

    def __post_init__(self) -> None:
        object.__setattr__(self, "windows", tuple(sorted(set(self.windows))))
        _choice("variant", self.variant, VARIANTS)
        _choice("activation", self.activation, ACTIVATIONS)
        _choice("optimizer", self.optimizer, ("adadelta", "adamw", "sgd"))
        _choice("keep", self.keep, ("best", "last"))
        _choice("cleaning", self.cleaning, CLEANINGS)
        if not self.windows or not all(_is_whole(h) and 1 <= h <= 100 for h in self.windows):
            raise UsageError(f"`windows` (={self.windows}) must be whole numbers from 1 to 100")
        for name, least in (("maps", 1), ("dim", 1), ("batch_size", 1), ("epochs", 1), ("min_count", 1),
                            ("least_steps", 0), ("extra_words", 0), ("max_length", 1)):  # fmt: skip
            value = getattr(self, name)
            if not (_is_whole(value) and value >= least or (name == "max_length" and value is None)):
                raise UsageError(f"`{name}` (={value!r}) must be a whole number of at least {least}")
        for name in ("maps", "dim"):
            if getattr(self, name) > 100_000:
                raise UsageError(f"`{name}` (={getattr(self, name)}) must be at most 100000")
        if self.maps * sum(self.windows) > 1_000_000:
            raise UsageError(f"`maps` (={self.maps}) times the words of all `windows` must be at most 1000000")
        for name in ("dropout", "dev_share"):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(f"`{name}` (={getattr(self, name)!r}) must be at least 0 and below 1")
        for name in ("filter_range", "rand_range"):
            if not 0 < getattr(self, name) < math.inf:
                raise UsageError(f"`{name}` (={getattr(self, name)!r}) must be above 0")
        self.steps(1, 1)  # the rest is checked there

    def steps(self, samples: int, seed: int) -> Recipe:
        """The core's recipe for so many samples: epochs become steps."""
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
        """The fields as JSON values; `replace(PAPER, **fields)` makes the recipe of them again."""
        return {**asdict(self), "windows": list(self.windows)}


def _choice(name: str, value: object, choices: Any) -> None:
    if value not in choices:
        raise UsageError(f"`{name}` (={value!r}) must be one of {', '.join(choices)}")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


PAPER = TextRecipe()
BEST = replace(PAPER, ema_decay=0.998, epochs=5, least_steps=2400, cleaning="folded")
RECIPES = {"paper": PAPER, "best": BEST}


def recipe_named(name: str, **changes: Any) -> TextRecipe:
    """The recipe "paper" or "best" with some of its fields changed; those that are None stay.

    Whoever says how many `epochs` gets so many: there is no `least_steps` then, unless it is given, too. Raises
    UsageError for another name and for values out of range.
    """
    _choice("recipe", name, RECIPES)
    given = {field: value for field, value in changes.items() if value is not None}
    if "epochs" in given:
        given.setdefault("least_steps", 0)
    return replace(RECIPES[name], **given)
