"""Scripts for Abaqus's own Python (2.7 and 3.10): they import nothing of the package."""
