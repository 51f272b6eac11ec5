"""Checks of the compiled library under load and abuse: `pybridge verify threads`, `sanitizers`, `fuzz`."""
