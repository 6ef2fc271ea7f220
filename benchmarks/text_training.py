"""A training step of the sentence CNN on one CPU core: `window_pooling` against the convolution it stands for.

    OMP_NUM_THREADS=1 python benchmarks/text_training.py [--texts DATA] [--dim 300] [--channels 1] [--runs 5] [--json]

Both compute the same function on the same batches of 50 sentences, the same gradients (the largest difference is
printed), in one process, taking turns; a round is 20 steps. Without --texts the sentences are drawn at random: 20 words
on average of a Zipf-distributed vocabulary of 20,000, like the film reviews of the paper. CPU time, forward and
backward; the optimiser's part is the same for both and left out.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from casecnn.text.data.examples import read_examples
from casecnn.text.net.sentence_module import SentenceModule
from casecnn.text.words.vocabulary import build_vocabulary

BATCH, STEPS = 50, 20
Batch = tuple[Tensor, Tensor]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", metavar="DATA", help="a file that `casecnn text train` reads")
    parser.add_argument("--dim", type=int, default=300, help="numbers of a word vector")
    parser.add_argument("--channels", type=int, default=1, choices=(1, 2), help="2: the first one is frozen")
    parser.add_argument("--runs", type=int, default=5, help="rounds of 20 steps")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if options.runs < 1 or options.dim < 1:
        parser.error("--runs and --dim must be at least 1")
    torch.set_num_threads(1)
    batches, rows = real(options.texts) if options.texts else drawn()
    table = np.random.default_rng(1).normal(0, 0.1, (rows, options.dim)).astype(np.float32)
    table[0] = 0
    module = SentenceModule([table] * options.channels, [False, True][-options.channels :], 2, dropout=0.0, seed=0)
    with torch.no_grad():  # the output layer starts at 0: no gradient would go further
        module.cnn.output.weight.normal_(0, 0.1, generator=torch.Generator().manual_seed(2))  # type: ignore[union-attr,operator]
    apart = difference(module, batches[0])
    times: dict[str, list[float]] = {"window_pooling": [], "convolution": []}
    for number in range(options.runs + 1):
        for name, seconds in times.items():
            start = time.process_time()
            for step in range(STEPS):
                gradients(module, batches[step % len(batches)], name)
            if number:  # the first round compiles and warms up
                seconds.append((time.process_time() - start) / STEPS)
    ratios = [slow / fast for fast, slow in zip(*times.values(), strict=True)]
    if options.json:
        print(json.dumps({"seconds_a_step": times, "ratios": ratios, "largest_difference": apart}))
        return
    for name, seconds in times.items():
        print(f"{name:16}{1000 * statistics.median(seconds):8.2f} ms a step ({BATCH / statistics.median(seconds):,.0f} "
              f"sentences/s)")  # fmt: skip
    print(
        f"{statistics.median(ratios):.1f} times as fast ({min(ratios):.1f} - {max(ratios):.1f}, {options.runs} pairs)"
    )
    print(f"the gradients differ by {apart:.1e} of the largest at most")


def gradients(module: SentenceModule, batch: Batch, name: str) -> list[Tensor]:
    """One forward and backward pass; the gradients of all that is trained."""
    words, lengths = batch
    module.zero_grad(set_to_none=True)
    logits = module(words, lengths) if name == "window_pooling" else module.cnn(module.maps_of(words, lengths))
    functional.cross_entropy(logits, torch.arange(len(lengths)) % 2).backward()
    return [p.grad.to_dense() for p in module.parameters() if p.grad is not None]


def difference(module: SentenceModule, batch: Batch) -> float:
    """How far the two gradients are apart, as a share of the largest number in each."""
    pairs = zip(*(gradients(module, batch, name) for name in ("window_pooling", "convolution")), strict=True)
    return max(float((a - b).abs().max() / b.abs().max()) for a, b in pairs)


def drawn() -> tuple[list[Batch], int]:
    """Batches of made-up sentences, and how many rows a table for them needs."""
    generator = np.random.default_rng(0)
    rows = 20_000
    shares = 1 / np.arange(2, rows)
    batches = []
    for _ in range(STEPS):
        lengths = np.maximum(1, generator.normal(20, 9, BATCH)).astype(np.int64)
        words = 2 + generator.choice(rows - 2, lengths.sum(), p=shares / shares.sum())
        batches.append((torch.from_numpy(words), torch.from_numpy(lengths)))
    return batches, rows


def real(path: str) -> tuple[list[Batch], int]:
    """Batches of a file's texts in random order."""
    from casecnn.text.training.trainer import as_tensors
    from casecnn.text.words.cleaning import cleaning

    texts = [cleaning("folded")(text) for text in read_examples(path).texts]
    vocabulary = build_vocabulary(texts)
    order = np.random.default_rng(0).permutation(len(texts))
    encoded = vocabulary.encode(texts)
    whole = len(order) // BATCH
    return [as_tensors(encoded.take(part)) for part in np.split(order[: whole * BATCH], whole)], vocabulary.rows


if __name__ == "__main__":
    main()
