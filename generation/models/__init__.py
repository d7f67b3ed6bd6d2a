"""The studio's rows: brands and audiences, briefs and their variants, contents and approvals."""

from generation.models.brands import Audience, Brand
from generation.models.briefs import Batch, Brief, Variant
from generation.models.contents import Approval, Content, ContentVersion, Favourite
from generation.models.endpoints import Endpoint

__all__ = [
    "Approval",
    "Audience",
    "Batch",
    "Brand",
    "Brief",
    "Content",
    "ContentVersion",
    "Endpoint",
    "Favourite",
    "Variant",
]
