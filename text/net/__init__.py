"""The sentence CNN in torch.

Names load on first use.
"""

from casecnn.public import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "ACTIVATIONS": "casecnn.nets.sentence",
        "padding": "casecnn.nets.sentence",
        "sentence_net": "casecnn.nets.sentence",
    },
)
