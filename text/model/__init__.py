"""A trained sentence CNN, used without torch.

Names load on first use.
"""

from casecnn.public import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "ACTIVATIONS": "model",
        "MOST_PAD": "model",
        "NET": "model",
        "PRECISIONS": "model",
        "TextModel": "model",
    },
)
