"""Cross-validation of a recipe: folds, repeated with several seeds, and what their spread says."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from statistics import fmean, stdev
from typing import Any, TypeVar

import numpy as np

from casecnn.checks import whole
from casecnn.console import progress, tell
from casecnn.errors import UsageError
from casecnn.seeds import derive_seed
from casecnn.text.data.labels import targets_of
from casecnn.text.data.splits import folds as folds_of
from casecnn.text.model.model import TextModel
from casecnn.text.model.predict import Predictor
from casecnn.text.training.recipe import TextRecipe
from casecnn.text.training.trainer import Training, fit, measure
from casecnn.text.words.cleaning import cleaning
from casecnn.text.words.vectors import load_all, words_of

Task = TypeVar("Task")


@dataclass(frozen=True)
class Run:
    """One training and its test: figures on the test part, and how it came about."""

    seed: int
    fold: int
    accuracy: float
    macro_f1: float
    log_loss: float
    dev_accuracy: float | None
    epoch: float
    texts: int
    tested: int
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """The fields, as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Summary:
    """Runs taken together, in percent of accuracy.

    `mean` is over all runs; `fold_sd` the standard deviation between the folds of a seed (0 for one fold), averaged
    over the seeds; `seed_sd` that between the seeds' means (None for one seed): how far a repetition of the whole
    experiment may differ. `means` has the mean of each seed.
    """

    runs: int
    mean: float
    fold_sd: float
    seed_sd: float | None
    means: tuple[float, ...]
    macro_f1: float

    def report(self) -> str:
        """The figures in sentences, with the mean of each repetition where there are several."""
        folds = self.runs // len(self.means)
        text = (
            f"accuracy {self.text()} % (mean and standard deviation over {folds} folds), macro-F1 {self.macro_f1:.2f} %"
        )
        if self.seed_sd is None:
            return text
        means = ", ".join(f"{mean:.2f}" for mean in self.means)
        return f"{text}\nrepetitions: {means}; standard deviation {self.seed_sd:.2f}"

    def text(self) -> str:
        """`80.12 ± 1.05`: the mean and, over folds, their spread, else that of the seeds."""
        spread = self.fold_sd if self.fold_sd else self.seed_sd or 0.0
        return f"{self.mean:.2f} ± {spread:.2f}"


def summarise(runs: Iterable[Run]) -> Summary:
    """Take runs together; raises UsageError for none."""
    chosen = list(runs)
    if not chosen:
        raise UsageError("there are no runs to summarise; let at least one finish")
    by_seed: dict[int, list[float]] = {}
    for run in chosen:
        by_seed.setdefault(run.seed, []).append(100 * run.accuracy)
    means = tuple(fmean(by_seed[seed]) for seed in sorted(by_seed))
    spreads = [stdev(values) if len(values) > 1 else 0.0 for values in by_seed.values()]
    return Summary(
        len(chosen),
        fmean(100 * run.accuracy for run in chosen),
        fmean(spreads),
        stdev(means) if len(means) > 1 else None,
        means,
        100 * fmean(run.macro_f1 for run in chosen),
    )


def cross_validate(
    texts: Sequence[str],
    labels: Sequence[Any],
    recipe: TextRecipe,
    *,
    folds: int = 10,
    seeds: int = 1,
    seed: int = 0,
    jobs: int = 1,
    multi_label: bool = False,
    done: Callable[[Run], None] | None = None,
    **options: Any,
) -> list[Run]:
    """Train and test on each of `folds` parts of the texts, `seeds` times over with other folds and starting values.

    The dev part that chooses the epoch is taken from each fold's training part, never from its test part. Folds are
    drawn evenly over the labels (`casecnn.text.data.splits.folds`) by the seed alone, so that recipes with the same
    seed are measured on the same rows. `jobs` processes work at once, one thread each where there are several. `done`
    hears of each run as it ends. `options` go to `casecnn.text.training.trainer.fit`. The runs come back in order of
    seed and fold.

    Raises UsageError for fewer than two folds or more folds than texts, and what `fit` raises.
    """
    whole("seeds", seeds, 1, 10_000)
    targets = targets_of(labels, len(texts), multi_label=multi_label)
    clean = cleaning(recipe.cleaning)
    words = words_of(clean(text) for text in texts)
    vectors = load_all(options.pop("vectors", ()), words, recipe.extra_words)  # once for all folds
    options |= {"multi_label": multi_label, "classes": targets.names, "vectors": vectors}
    tasks = [
        (number, fold, test)
        for number in range(seed, seed + seeds)
        for fold, test in enumerate(folds_of(targets, folds, number))
    ]
    runs = []
    for run in in_processes(_one_fold, tasks, (texts, labels, recipe, options), jobs):
        runs.append(run)
        if done is not None:
            done(run)
    return sorted(runs, key=lambda run: (run.seed, run.fold))


@contextmanager
def runs_shown(total: int) -> Iterator[Callable[[Run], None] | None]:
    """Show a bar over so many runs, and a line for each that ends; gives what to call then, None off a terminal."""
    with progress(total, "fold", keep=True) as bar:

        def done(run: Run) -> None:
            bar.update()
            tell(f"seed {run.seed}, fold {run.fold}: {100 * run.accuracy:.2f} % of {run.tested}")

        yield None if bar.disable else done


def _one_fold(task: tuple[int, int, np.ndarray], shared: tuple[Any, ...]) -> Run:
    seed, fold, test = task
    texts, labels, recipe, options = shared
    train = np.setdiff1d(np.arange(len(texts)), test)
    return train_and_test(
        [texts[i] for i in train],
        [labels[i] for i in train],
        [texts[i] for i in test],
        [labels[i] for i in test],
        recipe,
        seed=seed,
        fold=fold,
        **options,
    )


def train_and_test(
    texts: Sequence[str],
    labels: Sequence[Any],
    test_texts: Sequence[str],
    test_labels: Sequence[Any],
    recipe: TextRecipe,
    *,
    seed: int = 0,
    fold: int = 0,
    members: int = 1,
    **options: Any,
) -> Run:
    """Train on some texts, test on others. The test texts' words are looked up in the vectors; their labels are not.

    `options` go to `fit`; the seed of each fold is its own. With several `members` as many nets are trained, each with
    a seed of its own, and their probabilities averaged; what the run says of the training is then said of the first.
    """
    whole("members", members, 1)
    options = {"progress": False, **options}
    seeds = [derive_seed(seed, fold), *(derive_seed(seed, fold, member) for member in range(1, members))]
    trained = [fit(texts, labels, recipe, other_texts=test_texts, seed=own >> 31, **options) for own in seeds]
    return tested(trained[0], test_texts, test_labels, seed, fold, [other.model for other in trained[1:]])


def tested(
    trained: Training,
    texts: Sequence[str],
    labels: Sequence[Any],
    seed: int,
    fold: int,
    others: Sequence[TextModel] = (),
) -> Run:
    """Score a trained model as a user would, by its fast predictor; with `others` the mean of the probabilities."""
    model = trained.model
    clean = cleaning(model.cleaning)
    targets = targets_of(labels, len(texts), classes=model.labels, multi_label=model.multi_label)
    words = [clean(text) for text in texts]
    figures = measure(
        averaged([Predictor(each).scores(words) for each in (model, *others)], model.multi_label), targets
    )
    dev = trained.dev["accuracy"] if trained.dev else None
    return Run(
        seed,
        fold,
        figures["accuracy"],
        figures["macro_f1"],
        figures["log_loss"],
        dev,
        trained.epoch,
        trained.texts,
        len(texts),
        trained.seconds,
    )


def averaged(logits: Sequence[np.ndarray], multi_label: bool = False) -> np.ndarray:
    """Return logits whose probabilities are the means of those of several models, each [texts, labels]."""
    if len(logits) == 1:
        return logits[0]
    stacked = np.stack(logits).astype(np.float64)
    if multi_label:
        for_it, against = (np.logaddexp.reduce(-np.logaddexp(0, sign * stacked), 0) for sign in (-1, 1))
        return for_it - against
    shares = stacked - np.logaddexp.reduce(stacked, 2, keepdims=True)
    return np.logaddexp.reduce(shares, 0) - np.log(len(logits))


def in_processes(function: Callable[[Task, Any], Any], tasks: Sequence[Task], shared: Any, jobs: int) -> Iterator[Any]:
    """Yield function(task, shared) for all tasks as they end, in `jobs` processes; with one job in this process.

    Worker processes use one thread each and get `shared` once. On an exception or when the caller leaves, tasks that
    have not begun are dropped. Raises UsageError for fewer than one job.
    """
    whole("jobs", jobs, 1)
    if jobs == 1 or len(tasks) < 2:
        for task in tasks:
            yield function(task, shared)
        return
    context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
    with ProcessPoolExecutor(min(jobs, len(tasks)), context, _begin, (function, shared)) as pool:
        waiting: set[Future[Any]] = {pool.submit(_work, task) for task in tasks}
        try:
            while waiting:
                ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in ended:
                    yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_worker: tuple[Callable[[Any, Any], Any], Any] | None = None


def _begin(function: Callable[[Any, Any], Any], shared: Any) -> None:
    global _worker
    import torch

    torch.set_num_threads(1)
    _worker = function, shared


def _work(task: Any) -> Any:
    assert _worker is not None
    return _worker[0](task, _worker[1])
