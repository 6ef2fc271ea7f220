"""Convolutions with gradients that are faster than torch's on some machines."""
