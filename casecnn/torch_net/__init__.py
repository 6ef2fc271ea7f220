"""A declared net in torch: modules, initial weights, preparation for inference."""
