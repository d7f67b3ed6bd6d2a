"""The generation app: the studio and what it writes."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from saas.api.sections import add_section
from saas.diagnosis import register_check
from saas.navigation import PUBLIC, SETTINGS, NavEntry, navigation
from tenants import event_types as events
from tenants.billing import meters
from tenants.billing.meters import Meter

PAGES = (
    NavEntry("home", _("Home"), "house", 10, key="h"),
    NavEntry("write", _("Write"), "pen-line", 20, role="editor", key="w", also="briefs/"),
    NavEntry("library", _("Library"), "library", 30, key="l"),
    NavEntry("brand-list", _("Brand"), "palette", 20, SETTINGS, key="b"),
    NavEntry("audience-list", _("Audiences"), "target", 30, SETTINGS, key="a"),
    NavEntry("developers", _("Developers"), "code", 65, SETTINGS, key="d"),
    NavEntry("developers-public", _("Developers"), "code", 10, PUBLIC),
    NavEntry("model-server", _("Model server"), "monitor", 50, SETTINGS, role="admin", key="m"),
)

# A credit buys 1,000 written tokens, about two short ads.
METERS = (
    Meter("prompt_tokens", _("Tokens read"), price=100),
    Meter("completion_tokens", _("Tokens written"), price=1_000),
    Meter("embedded_tokens", _("Tokens turned into vectors"), price=10),
)
EVENTS = {
    "content.created": _("Text created"),
    "content.edited": _("Text edited"),
    "content.restored": _("Earlier version restored"),
    "content.submitted": _("Review requested"),
    "content.returned": _("Text sent back"),
    "content.approved": _("Text approved"),
    "content.approval_voided": _("Approval voided by an edit"),
    "content.published": _("Text published"),
    "content.exported": _("Text exported"),
    "content.archived": _("Text archived"),
    "content.unarchived": _("Text taken out of the archive"),
    "content.deleted": _("Text deleted"),
    "brief.deleted": _("Brief deleted"),
    "endpoint.added": _("Model server added"),
    "endpoint.changed": _("Model server changed"),
    "endpoint.enabled": _("Model server switched on"),
    "endpoint.disabled": _("Model server switched off"),
    "endpoint.deleted": _("Model server removed"),
}
LIMITS = (
    ("generations", _("Orders of copy by API a minute"), 120),
    ("tokens", _("Tokens by API a minute"), 200_000),
    ("brands", _("Brands"), 100),
    ("audiences", _("Audiences"), 200),
    ("variants", _("Variants of a brief"), 8),
)


class GenerationConfig(AppConfig):
    name = "generation"

    def ready(self) -> None:
        from generation.api.openai.section import SECTION
        from generation.services.contents import contents_archive, contents_unarchive
        from generation.services.feedback import feedback
        from generation.services.rows import SOURCES
        from generation.services.teaching import copy_checked, copy_messages
        from generation.serving import base_model, job_kinds, receivers  # noqa: F401  (receivers connect)
        from generation.serving.diagnosis import engine
        from generation.views.search import SEARCHES
        from tenants import undo
        from tenants.billing import limits
        from tenants.jobs.registry import register, register_worker
        from training import base_model as training_base
        from training import feedback as training_feedback
        from training import rendering, sources

        for page in PAGES:
            navigation.add(page)
        undo.register("content-archive", contents_archive)
        undo.register("content-unarchive", contents_unarchive)
        for search in SEARCHES:
            navigation.add_search(search)
        navigation.add_fragment("key_made", "generation/_first_call.html")
        add_section(SECTION)
        events.register(EVENTS)
        training_base.provide(base_model.current)
        training_feedback.provide(feedback)
        rendering.provide("copy", copy_messages)
        rendering.provide_check("copy", copy_checked)
        for source in SOURCES:
            sources.register(source)
        for meter in METERS:
            meters.register(meter)
        for limit in LIMITS:
            limits.register(limits.Limit(*limit))
        register(job_kinds.VARIANT)
        register(job_kinds.COMPLETION)
        register_check("engine", engine)
        register(job_kinds.EMBEDDING)
        worker = "generation.serving.batch_worker"
        register_worker(job_kinds.QUEUE, f"{worker}.run", prepare=f"{worker}.prepare")
