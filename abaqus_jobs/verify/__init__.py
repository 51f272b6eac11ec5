"""Verification of whole problems."""
