"""A declared net in torch: modules, initial weights, preparation for inference.

A layer and its module have one name: `casecnn.layers.Conv` is run by `casecnn.torch_net.convolution.Conv`.
"""
