"""Checks of `pybridge verify` that need nothing of training or abaqus_jobs."""
