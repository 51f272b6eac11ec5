"""Compiled VUMATs called from Python exactly as Abaqus/Explicit calls them (docs/vumat.md).

`HostedVumat` makes a material of the contract of one; `VumatLibrary.call` is the bare call with all its arguments.
"""

from pybridge.host.hosted import HostedVumat
from pybridge.host.library import VumatLibrary, load_vumat, our_library

__all__ = ["HostedVumat", "VumatLibrary", "load_vumat", "our_library"]
