"""The model that adapters are made for."""

from dataclasses import dataclass

from training.lora.peft import Shape


@dataclass(frozen=True, slots=True)
class Base:
    """`sha256` is of its weights; without a `shape` an adapter's sizes cannot be checked.

    It rests while another server writes for the workspace in scope, without adapters.
    """

    name: str
    sha256: str
    shape: Shape | None = None
    resting: bool = False
