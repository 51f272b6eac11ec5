"""Sub-commands of training."""
