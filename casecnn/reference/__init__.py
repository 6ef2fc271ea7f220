"""The reference implementation: layers in NumPy float64, forward and backward, as the formulas are written.

Names load on first use.
"""

from casecnn.public import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "Array": "operations",
        "Gradients": "operations",
        "adaptive_mean_pool2d": "operations",
        "adaptive_mean_pool2d_backward": "operations",
        "adaptive_windows": "operations",
        "batch_norm": "operations",
        "conv1d_weight_gradient": "operations",
        "conv2d": "operations",
        "conv2d_backward": "operations",
        "counted": "operations",
        "group_channels": "operations",
        "linear": "operations",
        "linear_backward": "operations",
        "local_response_norm": "operations",
        "local_response_norm_backward": "operations",
        "max_pool2d": "operations",
        "max_pool2d_backward": "operations",
        "mean_pool2d": "operations",
        "mean_pool2d_backward": "operations",
        "neighbour_sum": "operations",
        "pad": "operations",
        "real": "operations",
        "relu": "operations",
        "relu_backward": "operations",
        "scaled_tanh": "operations",
        "scaled_tanh_backward": "operations",
        "sigmoid": "operations",
        "softmax": "operations",
        "softmax_backward": "operations",
        "unpad": "operations",
        "windows": "operations",
    },
)
