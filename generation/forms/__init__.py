"""The studio's forms."""

from generation.forms.brands import AudienceForm, BrandForm
from generation.forms.briefs import BatchForm, BriefForm, ColumnsForm, first_values
from generation.forms.endpoint import EndpointForm
from generation.forms.library import LibraryForm

__all__ = [
    "AudienceForm",
    "BatchForm",
    "BrandForm",
    "BriefForm",
    "ColumnsForm",
    "EndpointForm",
    "LibraryForm",
    "first_values",
]
