"""The image pipeline: from a file to batches of a net's input.

Names load on first use.
"""

from casecnn.public import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "Augmentation": "augment",
        "Framing": "framing",
        "ImageError": "image_file",
        "Loader": "loading",
        "Preprocess": "preprocess",
        "read_image": "image_file",
    },
)
