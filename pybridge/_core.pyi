"""What the compiled module offers; its docstrings and pybridge.material say what each does."""

from typing import Any

class MaterialError(ValueError): ...

def __getattr__(name: str) -> Any: ...
