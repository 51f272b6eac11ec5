"""Abaqus decks: what they say (model), reading and writing .inp files."""
