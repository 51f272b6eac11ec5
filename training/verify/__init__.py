"""Checks of surrogates against the fine scale and against what a solver may ask of them."""
