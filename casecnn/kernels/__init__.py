"""Convolutions that are faster than torch on some machines. Nothing here imports `casecnn.torch_net`."""
