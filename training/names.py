"""What programs call a workspace's models: `kindling`, `kindling:7`, `kindling@challenger`."""

from django.utils.translation import gettext as _

from training.errors import ModelNotFound
from training.models import ModelVersion
from training.services.aliases import version_called

# What a workspace writes with, whatever that is today: a name that programs need not change.
OWN = "kindling"


def name_of(version: ModelVersion) -> str:
    return f"{OWN}:{version.number}"


def version_named(name: str) -> ModelVersion | None:
    """The version that `kindling:7` or `kindling@challenger` means, in whatever state it is.

    None is the bare base, which `kindling@champion` means before anything is live. Raises
    ModelNotFound.
    """
    own, _at, alias = name.partition("@")
    if own == OWN and alias:
        try:
            return version_called(alias)
        except LookupError as error:
            raise ModelNotFound(_("There is no model “%s”.") % name[:80]) from error
    return numbered(name)


def numbered(name: str) -> ModelVersion:
    own, _colon, number = name.partition(":")
    if own == OWN and number.isascii() and number.isdigit() and len(number) < 10:
        found = ModelVersion.objects.filter(number=int(number)).first()
        if found is not None:
            return found
    raise ModelNotFound(_("There is no model “%s”.") % name[:80])
