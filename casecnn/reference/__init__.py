"""The reference implementation: layers in NumPy float64, forward and backward, as the formulas are written.

Every fast path is tested against these functions; none of them is meant for work. Maps are [N, C, H, W], vectors [N,
n], convolution weights [out, in/groups, height, width], linear weights [out, in]. A backward function takes the
gradient of the loss with respect to the layer's output, ``dy``, and returns those with respect to its inputs. Inputs of
any real type are converted to float64. Windows, padding and rounding are those of `casecnn.layers.shapes`, and raise
its ShapeError. Whole nets are run by `forward`. Names load on first use.
"""

from casecnn.public import lazily

__getattr__, __dir__, __all__ = lazily(
    __name__,
    {
        "Array": "arrays",
        "Gradients": "arrays",
        "adaptive_mean_pool2d": "pooling",
        "adaptive_mean_pool2d_backward": "pooling",
        "adaptive_windows": "arrays",
        "batch_norm": "normalisation",
        "conv1d_weight_gradient": "convolution",
        "conv2d": "convolution",
        "conv2d_backward": "convolution",
        "counted": "arrays",
        "forward": "net",
        "group_channels": "arrays",
        "linear": "convolution",
        "linear_backward": "convolution",
        "local_response_norm": "normalisation",
        "local_response_norm_backward": "normalisation",
        "max_pool2d": "pooling",
        "max_pool2d_backward": "pooling",
        "mean_pool2d": "pooling",
        "mean_pool2d_backward": "pooling",
        "neighbour_sum": "normalisation",
        "pad": "arrays",
        "radial_basis": "historic",
        "radial_basis_backward": "historic",
        "real": "arrays",
        "relu": "pointwise",
        "relu_backward": "pointwise",
        "scaled_tanh": "pointwise",
        "scaled_tanh_backward": "pointwise",
        "sigmoid": "pointwise",
        "softmax": "pointwise",
        "softmax_backward": "pointwise",
        "subsample2d": "historic",
        "subsample2d_backward": "historic",
        "table_conv2d": "historic",
        "table_conv2d_backward": "historic",
        "unpad": "arrays",
    },
)
