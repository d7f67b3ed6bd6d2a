"""What changes more than one row: model versions, datasets, training runs."""

from training.services.versions import (
    Upload,
    live_switch,
    live_version,
    usable,
    version_erase,
    version_import,
    version_promote,
    version_quarantine,
    version_resume,
    version_rollback,
    writer,
)

__all__ = [
    "Upload",
    "live_switch",
    "live_version",
    "usable",
    "version_erase",
    "version_import",
    "version_promote",
    "version_quarantine",
    "version_resume",
    "version_rollback",
    "writer",
]
