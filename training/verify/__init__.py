"""Checks of training's own readers for `pybridge verify`."""
