"""Compiled VUMATs and UMATs called from Python exactly as Abaqus calls them (docs/vumat.md, docs/umat.md).

`HostedVumat` makes a material of the contract of one; `VumatLibrary.call` is the bare call with all its arguments.
`UmatPoint` drives a UMAT through a history of F; `UmatLibrary.call` is its bare call.
"""

from pybridge.host.hosted import HostedVumat
from pybridge.host.library import VumatLibrary, load_vumat, our_library
from pybridge.host.umat_library import UmatLibrary, our_umat
from pybridge.host.umat_point import UmatAnswer, UmatPoint

__all__ = [
    "HostedVumat",
    "UmatAnswer",
    "UmatLibrary",
    "UmatPoint",
    "VumatLibrary",
    "load_vumat",
    "our_library",
    "our_umat",
]
