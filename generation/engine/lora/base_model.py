"""The model that adapters are made for."""

from dataclasses import dataclass

from generation.engine.lora.peft import Shape


@dataclass(frozen=True, slots=True)
class BaseModel:
    """`sha256` is of its weights; without a `shape` an adapter's sizes cannot be checked.

    It is bypassed while another server writes for the workspace in scope, without adapters.
    """

    name: str
    sha256: str
    shape: Shape | None = None
    bypassed: bool = False
