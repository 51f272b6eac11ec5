"""Histories, data sets, surrogates, training, evaluation and export."""
