"""From texts and labels to a model.

Names load on first use.
"""

from casecnn.public import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "ClassWeight": "batches",
        "EVALUATIONS": "trainer",
        "EVALUATION_BATCH": "trainer",
        "SentenceBatches": "batches",
        "Training": "trainer",
        "as_tensors": "batches",
        "check_texts": "trainer",
        "fit": "trainer",
        "logits_of": "trainer",
        "measure": "trainer",
        "train": "trainer",
    },
)
