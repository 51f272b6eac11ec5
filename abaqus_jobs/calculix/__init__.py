"""CalculiX as a second host: built from Debian's source with its loader of user materials, and driven."""
