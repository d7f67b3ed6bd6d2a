"""What changes more than one row of the studio at once, or reaches outside of it."""

from generation.services.batches import batch_cancel, batch_estimate, batch_request
from generation.services.brief_changes import brief_change, brief_delete, briefs_request
from generation.services.briefs import (
    brief_request,
    variant_edit,
    variant_pick,
    variant_retry,
    variant_stop,
    variants_add,
)
from generation.services.contents import (
    content_approve,
    content_archive,
    content_create,
    content_delete,
    content_edit,
    content_exported,
    content_publish,
    content_restore,
    content_return,
    content_submit,
    content_unarchive,
)
from generation.services.endpoint_setup import (
    endpoint_delete,
    endpoint_save,
    endpoint_switch,
    endpoint_tried,
    endpoint_try,
)

__all__ = [
    "batch_cancel",
    "batch_estimate",
    "batch_request",
    "brief_change",
    "brief_delete",
    "brief_request",
    "briefs_request",
    "content_approve",
    "content_archive",
    "content_create",
    "content_delete",
    "content_edit",
    "content_exported",
    "content_publish",
    "content_restore",
    "content_return",
    "content_submit",
    "content_unarchive",
    "endpoint_delete",
    "endpoint_save",
    "endpoint_switch",
    "endpoint_tried",
    "endpoint_try",
    "variant_edit",
    "variant_pick",
    "variant_retry",
    "variant_stop",
    "variants_add",
]
