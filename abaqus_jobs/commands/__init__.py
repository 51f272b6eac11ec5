"""Sub-commands of the problems."""
