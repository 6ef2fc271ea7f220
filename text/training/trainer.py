"""Training a sentence CNN on texts and labels in memory, by the core's loop; what comes out is a `TextModel`."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from casecnn.console import warn
from casecnn.errors import InputError, UsageError
from casecnn.interruption import Interrupted
from casecnn.text.data.labels import Targets, targets_of
from casecnn.text.data.splits import hold_out
from casecnn.text.model.model import TextModel
from casecnn.text.net.sentence_module import SentenceModule, text_model
from casecnn.text.report import evaluation
from casecnn.text.training.batches import ClassWeight, SentenceBatches, as_tensors, text_weights
from casecnn.text.training.recipe import PAPER, TextRecipe, recipe_of
from casecnn.text.words.cleaning import cleaning, kept_letters
from casecnn.text.words.subwords import fitted
from casecnn.text.words.vectors import WordVectors, embedding_table, load_all, words_of
from casecnn.text.words.vocabulary import FIRST_WORD, Encoded, Numbering, Vocabulary, vocabulary_of
from casecnn.training.loop import train as train_loop
from casecnn.training.validation import portable_weights

EVALUATION_BATCH = 500
LEARNED = 0.005  # mean loss at which a run that `least_steps` makes long ends early
FEW = 2000  # texts
LEAST_KEPT, MOSTLY_KEPT = 0.5, 0.99  # of the letters and digits of the texts, by the cleaning
EVALUATIONS = 25  # on the dev texts in a run that `least_steps` makes long; else one an epoch


@dataclass(frozen=True)
class Training:
    """What a training run gives: the model, and how it came about."""

    model: TextModel
    epoch: float  # after which epoch the weights were taken
    dev: dict[str, float] | None  # figures of those weights on the held-out texts; None where nothing was held out
    texts: int  # trained on
    held_out: int
    found: int  # words of the vocabulary that the vectors have
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """The facts for `json.dumps`; `validation` has the figures on the held-out texts, or is None."""
        return {
            "labels": list(self.model.labels),
            "texts": self.texts,
            "held_out": self.held_out,
            "words": len(self.model.words),
            "words_in_vectors": self.found,
            "epoch": self.epoch,
            "validation": self.dev,
            "seconds": round(self.seconds, 1),
        }

    def report(self) -> str:
        """The facts in one line, and below it the figures on the held-out texts where there are some."""
        text = (
            f"{len(self.model.labels)} labels, {self.texts} texts, {len(self.model.words)} words "
            f"({self.found} in the vectors), epoch {self.epoch:g}, {self.seconds:.0f} s"
        )
        if not self.dev:
            return text
        figures = ", ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in self.dev.items())
        return f"{text}\non {self.held_out} held-out texts: {figures}"


def train(texts: Sequence[str], labels: Sequence[Any], recipe: TextRecipe = PAPER, **options: Any) -> TextModel:
    """Train a sentence CNN and return the model; `options` are those of `fit`."""
    return fit(texts, labels, recipe, **options).model


def fit(
    texts: Sequence[str],
    labels: Sequence[Any],
    recipe: TextRecipe = PAPER,
    *,
    vectors: Sequence[WordVectors | str | Path] = (),
    validation: tuple[Sequence[str], Sequence[Any]] | None = None,
    multi_label: bool = False,
    classes: Sequence[str] | None = None,
    class_weight: ClassWeight = None,
    sample_weight: Sequence[float] | None = None,
    other_texts: Iterable[str] = (),
    initial: TextModel | None = None,
    seed: int = 0,
    output: str | Path | None = None,
    resume: bool = True,
    device: str = "auto",
    progress: bool = True,
    metadata: Mapping[str, str] | None = None,
) -> Training:
    """Train a sentence CNN.

    `labels`: one for each text (anything that `str` makes a name of), or with `multi_label` a collection of them for
    each. `classes` fixes the labels and their order; else they are those that occur, numbers by value, others by
    alphabet. `vectors`: word vectors or their files, put side by side where there are several; the variant "rand" takes
    none, the others need them. `validation` chooses the epoch; without it `recipe.dev_share` of the texts, drawn evenly
    over the labels, is held out for that. Epochs are compared by accuracy, with `multi_label` or `class_weight` by
    macro-F1. `class_weight`: "balanced" (each label counts the same in all) or a number for each label;
    `sample_weight`: a number for each text. `other_texts` have no labels; their words get vectors too (Kim's
    vocabulary holds the test sentences' words, as a look-up in the vectors at prediction time would). Words of one
    occurrence stand for unknown ones: the unknown word's vector is their mean.

    `initial` is a model to go on from: its words, vectors, filters and, of labels with the same name, its output; the
    recipe's windows, maps, activation, cleaning and length of vectors must be its own (`recipe_of` makes it so). How it
    reads long texts and mistyped words stays.

    With `recipe.subwords` the model gets vectors of n-grams of characters, fitted to its words' vectors when training
    ends, for words that it does not know (`casecnn.text.words.subwords`).

    Small sets, which `recipe.least_steps` goes through many times, end early where the loss says that nothing is left
    to learn. In memory are the texts, 4 bytes for each of their words, and five tables of vectors for the different
    words (weights, two of Adadelta, their average, the best ones): 6 kB a word with 300 numbers.

    `output` is a folder for checkpoint and log, from which an interrupted run goes on when it is called again; without
    it nothing is kept. The same seed gives the same bits on one device with one number of threads; folds, filters and
    the vectors of unknown words do not depend on the variant. Runs in one process only.

    Raises InputError for texts and labels that nothing can be learned from, UsageError for options that do not fit
    together, and what `casecnn.training.loop.train` raises.
    """
    if initial is not None:
        _check_initial(recipe, initial)
    if recipe.variant != "rand" and not vectors and initial is None:
        raise UsageError(f"`variant` (={recipe.variant!r}) needs word vectors; give some, or choose 'rand'")
    if recipe.variant == "rand" and vectors:
        raise UsageError("`variant` (='rand') takes no word vectors; leave them out, or choose another variant")
    clean = cleaning(recipe.cleaning)
    check_texts(texts)
    numbering = Numbering()
    training = numbering.add(texts, clean)
    _check_cleaning(recipe.cleaning, texts)
    targets = targets_of(labels, len(training), classes=classes, multi_label=multi_label)
    weights = text_weights(targets, class_weight, sample_weight)
    if validation is None:
        chosen, held = hold_out(targets, recipe.dev_share, seed)
        dev, dev_targets = training.take(held), targets.take(held)
        training, targets, weights = training.take(chosen), targets.take(chosen), weights[chosen]
    else:
        check_texts(validation[0])
        dev = numbering.add(validation[0], clean)
        dev_targets = targets_of(validation[1], len(dev), classes=targets.names, multi_label=multi_label)
    counts = numbering.counts(training)
    others = words_of([numbering.counts(dev), *map(clean, other_texts)])
    known = () if initial is None else initial.words
    vocabulary, table, found = _embeddings(counts, others, vectors, recipe, seed, known)
    trained = {"rand": [True], "static": [False], "non-static": [True], "multichannel": [False, True]}[recipe.variant]
    module = SentenceModule(
        [table] * len(trained),
        trained,
        len(targets.names),
        windows=recipe.windows,
        maps=recipe.maps,
        activation=recipe.activation,
        dropout=recipe.dropout,
        multi_label=multi_label,
        filter_range=recipe.filter_range,
        seed=seed,
        sparse=recipe.optimizer == "adadelta",
    )
    if initial is not None:
        module.start_from(initial, vocabulary.words, targets.names)
    training, dev = (numbering.as_in(part, vocabulary, recipe.max_length) for part in (training, dev))
    source = SentenceBatches(training, targets, weights, recipe.batch_size, seed)
    metric = "macro_f1" if multi_label or class_weight is not None else "accuracy"
    plan = recipe.steps(len(training), seed)
    per_epoch = source.order.steps(1)
    once = _once(vocabulary, counts) if recipe.min_count == 1 else torch.empty(0)

    def evaluate(net: SentenceModule) -> dict[str, float]:
        if len(once):
            net.set_unknown(once)
        return measure(logits_of(net, dev), dev_targets)

    with _folder(output) as folder, _threads(len(training)):
        result = train_loop(
            module,
            source,
            plan,
            loss=_loss(multi_label),
            output=folder,
            evaluate=evaluate if len(dev) else None,  # type: ignore[arg-type]
            evaluate_every=max(per_epoch, plan.steps // max(EVALUATIONS, recipe.epochs)),
            metric=metric,
            better="higher",
            ties="last",
            workers=0,
            log_every=25 if plan.steps > recipe.epochs * per_epoch else 100,
            stop_below=LEARNED if plan.steps > recipe.epochs * per_epoch else None,
            checkpoint_minutes=5.0 if output is not None else 1e9,
            resume=resume and output is not None,
            device=device,
            progress=progress,
            metadata={"recipe": recipe.to_dict(), "words": len(vocabulary), "labels": list(targets.names)},
        )
    best = result.best if recipe.keep == "best" else None
    module.eval()
    if best is not None:
        module.load_state_dict(best.weights)
    figures = evaluate(module) if len(dev) else None
    if len(once):
        module.set_unknown(once)
    step = best.step if best is not None else result.step
    facts = {
        "variant": recipe.variant,
        "recipe": json.dumps(recipe.to_dict()),
        "seed": str(seed),
        "vectors": ", ".join(str(getattr(v, "source", v)) for v in vectors),
        "epoch": f"{step / per_epoch:g}",
        "texts": str(len(training)),
        "held_out": json.dumps({"texts": len(dev), **(figures or {})}),
    }
    model = text_model(
        portable_weights(module),
        recipe.windows,
        labels=targets.names,
        words=vocabulary.words,
        multi_label=multi_label,
        activation=recipe.activation,
        max_length=recipe.max_length,
        cleaning=recipe.cleaning,
        metadata={**facts, **(metadata or {})},
    )
    rows = recipe.subwords
    if initial is not None:
        model = replace(model, part=initial.part, spelling=initial.spelling)
        rows = rows or (0 if initial.subwords is None else len(initial.subwords))
    if rows:
        model = replace(model, subwords=fitted(model.words, model.embeddings[-1][FIRST_WORD:], rows))
    return Training(model, step / per_epoch, figures, len(training), len(dev), found, result.elapsed)


@contextmanager
def _threads(texts: int) -> Iterator[None]:
    """Compute with one thread where texts are few: several would wait for each other longer than they work."""
    before = torch.get_num_threads()
    if texts < FEW:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _folder(output: str | Path | None) -> Iterator[str | Path]:
    """The folder to train in: a temporary one where none is given, and then nothing is left of an interrupted run."""
    if output is not None:
        yield output
        return
    with tempfile.TemporaryDirectory() as folder:
        try:
            yield folder
        except Interrupted as error:
            raise Interrupted("training was stopped; nothing of it is kept", error.exit_code - 128) from error


def logits_of(module: nn.Module, texts: Encoded) -> np.ndarray:
    """Logits float32 [texts, labels], in evaluation mode if the module is."""
    device = next(module.parameters()).device
    parts = []
    with torch.no_grad():
        for begin in range(0, len(texts), EVALUATION_BATCH):
            part = texts.take(np.arange(begin, min(begin + EVALUATION_BATCH, len(texts))))
            parts.append(module(*(tensor.to(device) for tensor in as_tensors(part))).cpu().numpy())
    return np.concatenate(parts)


def measure(logits: np.ndarray, targets: Targets) -> dict[str, float]:
    """Return accuracy (several labels a text: all of them right), macro-F1 over the labels that occur, and log-loss."""
    truth = targets.values > 0.5 if targets.multi_label else targets.values
    found = evaluation.measure(logits, truth, targets.names)
    return {"accuracy": found.accuracy, "macro_f1": found.macro_f1, "log_loss": found.log_loss}


def check_texts(texts: Sequence[str]) -> None:
    """Raise UsageError for one string in place of many, and InputError for none, or for what is no string."""
    if isinstance(texts, (str, bytes)):
        raise UsageError("`texts` must be a sequence of strings, not a single one; put it into a list")
    if len(texts) == 0:
        raise InputError("there are no texts to learn from; give at least one a label")
    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"text {number + 1} is {type(text).__name__}, not a string")


def _check_initial(recipe: TextRecipe, initial: TextModel) -> None:
    """Raise UsageError where a recipe is for another net than the model that training is to go on from."""
    wanted = recipe_of(initial, recipe)
    for name in ("windows", "maps", "activation", "cleaning", "variant"):
        own, theirs = getattr(recipe, name), getattr(wanted, name)
        if own != theirs:
            raise UsageError(f"`{name}` (={own!r}) must be that of the model to go on from, {theirs!r}")


def _check_cleaning(rule: str, texts: Sequence[str]) -> None:
    """Raise InputError for a cleaning that drops most of the letters, warn of one that drops some.

    Then the texts are in another language than the cleaning is for, and a model would learn from what is left of them,
    digits and foreign names.
    """
    kept, seen = kept_letters(rule, texts)
    if seen and kept < LEAST_KEPT * seen:
        raise InputError(
            f"the cleaning '{rule}' drops {100 * (seen - kept) // seen} % of the letters: it is for English; set "
            "`tokens` to 'unicode' (words of any language) or 'characters'; in Python that is the cleaning"
        )
    if kept < MOSTLY_KEPT * seen:
        warn(
            f"the cleaning '{rule}' drops {100 * (seen - kept) / seen:.1f} % of the letters of the texts; "
            "`tokens` 'unicode' keeps those of every language"
        )


def _embeddings(
    counts: Mapping[str, int],
    others: set[str],
    vectors: Sequence[WordVectors | str | Path],
    recipe: TextRecipe,
    seed: int,
    known_words: Sequence[str] = (),
) -> tuple[Vocabulary, np.ndarray, int]:
    """The vocabulary, its table of vectors, and how many of its words the vectors have.

    Of the words of `others` those that the vectors have are in it as well, `recipe.extra_words` of the vectors, and
    those that are known to the model that training goes on from.
    """
    if not counts:
        raise InputError(f"the cleaning '{recipe.cleaning}' leaves no word of the texts; are they empty?")
    sets = load_all(vectors, counts.keys() | others, recipe.extra_words)
    extra = sorted(word for word in others if any(word in found for found in sets))
    extra += known_words
    extra += [word for found in sets for word in found.words[: recipe.extra_words]]
    vocabulary = vocabulary_of(counts, recipe.min_count, extra)
    table, known = embedding_table(vocabulary, sets, recipe.dim, recipe.rand_range, seed)
    if sets and not known.any() and not known_words:
        raise InputError(f"none of the {len(vocabulary)} words of the texts is in the vectors ({sets[0].source})")
    return vocabulary, table, int(known.sum())


def _loss(multi_label: bool) -> Any:
    def loss(module: nn.Module, batch: tuple[Tensor, ...]) -> tuple[Tensor, dict[str, Tensor]]:
        targets, weights, words, lengths = batch
        logits = module(words, lengths)
        if multi_label:
            each = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none").sum(1)
        else:
            each = functional.cross_entropy(logits, targets, reduction="none")
        return (each * weights).mean(), {}

    return loss


def _once(vocabulary: Vocabulary, counts: Mapping[str, int]) -> Tensor:
    """Return the numbers of the words that occur once in the texts."""
    numbers = [vocabulary.numbers[word] for word, count in counts.items() if count == 1 and word in vocabulary]
    return torch.tensor(sorted(numbers), dtype=torch.int64)
