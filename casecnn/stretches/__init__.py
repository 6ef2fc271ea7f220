"""Several small layers in one compiled call, where calling them one by one takes longer than computing them."""
