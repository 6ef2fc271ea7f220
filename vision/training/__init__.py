"""Training and transfer learning.

Names load on first use.
"""

from casecnn.public import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "Trained": "fit",
        "TrainingData": "fit",
        "classification_loss": "fit",
        "measure": "fit",
        "net_for": "fit",
        "open_training_data": "fit",
        "split_indices": "fit",
        "train_net": "fit",
        "use_threads": "fit",
    },
)
