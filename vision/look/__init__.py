"""What a net sees: filters, patches, projections, evidence for a class, and images made for it.

Names load on first use.
"""

from casecnn.public import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "Deconvnet": "deconvnet",
        "Embedding": "embedding",
        "HeatMaps": "gradcam",
        "Inverted": "inversion",
        "Maximised": "maximisation",
        "embed": "embedding",
        "first_filters": "filters",
        "grad_cam": "gradcam",
        "invert": "inversion",
        "maximise": "maximisation",
        "pixel_gradients": "saliency",
        "top_patches": "patches",
        "window": "receptive",
    },
)
