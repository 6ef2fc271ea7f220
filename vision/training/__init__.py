"""Training and transfer learning.

Names load on first use.
"""

from casecnn.public import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "Trained": "run",
        "TrainingData": "data",
        "classification_loss": "run",
        "measure": "casecnn.vision.evaluation.measure",
        "net_for": "fit",
        "open_training_data": "data",
        "split_indices": "data",
        "train_net": "fit",
        "use_threads": "run",
    },
)
