"""casecnn.vision: the case-study nets of the lectures, from LeNet-5 to ResNet, as an application.

Names load on first use, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from casecnn.public import lazily

if TYPE_CHECKING:
    from casecnn.nets.catalogue import get_net as get_net
    from casecnn.vision.data.labelled_images import open_data as open_data
    from casecnn.vision.evaluation.measure import Evaluation as Evaluation
    from casecnn.vision.evaluation.measure import evaluate as evaluate
    from casecnn.vision.model import Model as Model
    from casecnn.vision.model import load_model as load_model
    from casecnn.vision.pipeline.image_file import ImageError as ImageError
    from casecnn.vision.pipeline.image_file import PictureError as PictureError
    from casecnn.vision.pipeline.image_file import read_image as read_image
    from casecnn.vision.pipeline.preprocess import Preprocess as Preprocess

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "Evaluation": "evaluation.measure",
        "Model": "model",
        "ImageError": "pipeline.image_file",
        "PictureError": "pipeline.image_file",
        "Preprocess": "pipeline.preprocess",
        "evaluate": "evaluation.measure",
        "get_net": "casecnn.nets.catalogue",
        "load_model": "model",
        "open_data": "data.labelled_images",
        "read_image": "pipeline.image_file",
    },
)
