"""Meters: what work is counted in, each registered by the app whose work it counts."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from django.core.exceptions import ImproperlyConfigured
from django.utils.functional import Promise


@dataclass(frozen=True, slots=True)
class Meter:
    """Something that is counted and charged, such as tokens written.

    It costs `price` micro-credits for each `per` units, until operators set another price.
    """

    name: str
    label: str | Promise
    price: int = 0
    per: int = 1

    def __post_init__(self) -> None:
        if self.price < 0 or self.per < 1:
            raise ImproperlyConfigured(f"The meter {self.name} has no possible price.")


@dataclass(frozen=True, slots=True)
class Usage:
    """What a piece of work consumed: units by the name of their meter.

    `seconds` are told to people and never charged. Work on the customer's own model server is
    metered and free: they pay for it elsewhere. Raises ValueError for units that cannot be.
    """

    units: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    customer_endpoint: bool = False

    def __post_init__(self) -> None:
        for name, units in self.units.items():
            if type(units) is not int or units < 0:
                raise ValueError(f"{name}: {units!r} is no number of units.")

    @classmethod
    def of(cls, given: "Usage | Mapping[str, int]") -> "Usage":
        """The usage itself, or the one that these units make."""
        return given if isinstance(given, Usage) else cls(given)

    def counted(self) -> dict[str, int]:
        """The units as they are stored: no zeros."""
        return {name: units for name, units in self.units.items() if units}

    def __getitem__(self, meter: str) -> int:
        return self.units.get(meter, 0)

    def __add__(self, other: "Usage") -> "Usage":
        names = [*self.units, *other.units]
        return Usage(
            {name: self[name] + other[name] for name in names},
            self.seconds + other.seconds,
            self.customer_endpoint and other.customer_endpoint,
        )


_meters: dict[str, Meter] = {}
_work: dict[str, str | Promise] = {}


def register(meter: Meter) -> Meter:
    """Add a meter; raises ImproperlyConfigured where there is one of that name."""
    if meter.name in _meters:
        raise ImproperlyConfigured(f"There are two meters called {meter.name}.")
    _meters[meter.name] = meter
    return meter


@contextmanager
def registered(*added: Meter) -> Iterator[None]:
    """Add meters for as long as the block lasts; for tests."""
    for meter in added:
        register(meter)
    try:
        yield
    finally:
        for meter in added:
            del _meters[meter.name]


def meters() -> list[Meter]:
    """All meters, by name."""
    return [_meters[name] for name in sorted(_meters)]


def meter(name: str) -> Meter:
    """The meter of this name; raises LookupError where no app has registered it."""
    if name not in _meters:
        raise LookupError(f"No app has registered the meter {name}.")
    return _meters[name]


def register_work(kind: str, label: str | Promise) -> None:
    """Say how people call a kind of work that is charged."""
    _work[kind] = label


def label_of(kind: str) -> str:
    """A kind of work or a meter as people call it; an unknown one by its name."""
    known = _meters.get(kind)
    return str(_work.get(kind) or (known.label if known else kind))
