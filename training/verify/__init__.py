"""Checks of training for `pybridge verify`: surrogates against the fine scale, readers against bad files."""
