"""A trained net made ready for inference: on a CPU with the kernels that are fastest there, on a GPU as CUDA graphs."""
