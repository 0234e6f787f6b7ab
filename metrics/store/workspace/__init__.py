"""Collections with what a workspace itself decides: at present, metrics of its own."""
