"""pybridge: learned material behaviour in Abaqus, and in anything that speaks its interface."""

__version__ = "0.1.0"
