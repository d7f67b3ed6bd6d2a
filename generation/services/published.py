"""Published contents as items of the recommender: what is approved for readers can be shown."""

from generation.models import Content
from recommendations.models import Item
from recommendations.models.catalogue import MAX_KEY
from recommendations.services.catalogue import ItemData, items_write

SOURCE = "contents"
# As much as an item's text may have.
MOST_TEXT = 20_000


def item_key(content: Content) -> str:
    return f"content-{content.pk}"


def item_update(content: Content) -> None:
    """Show it where it is published, and hide it where it is not any more.

    Contents of one brief are variants of each other: an answer holds one of them.
    """
    key = item_key(content)
    live = content.status == Content.Status.PUBLISHED and content.archived_at is None
    if live:
        items_write(items=[ItemData(key, values_of(content))], source=SOURCE)
    elif Item.objects.filter(key=key, hidden=False).exists():
        items_write(items=[ItemData(key, {"hidden": True})], source=SOURCE)


def values_of(content: Content) -> dict[str, object]:
    brief = content.brief
    audience = brief.audience.name if brief and brief.audience else ""
    return {
        "type": content.kind,
        "title": content.title,
        "text": content.text[:MOST_TEXT],
        "tags": list(content.labels),
        "attributes": {"language": content.language, "audience": audience},
        "hidden": False,
        "variant_of": f"brief-{brief.pk}"[:MAX_KEY] if brief else "",
    }
