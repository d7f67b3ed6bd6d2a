"""Recombee's items and users, with their properties and values."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from recommendations.api.recombee.base import flag_of, key_of, names_of, refuse, whole_of
from recommendations.api.serializers import MAX_TEXT, MOST_TAGS
from recommendations.models import Catalogue, Item, Person
from recommendations.ranking.rules import RuleContext
from recommendations.services.catalogue import (
    ItemData,
    items_write,
    lock_catalogue,
    persons_write,
)
from recommendations.services.interactions import person_forget, person_merge
from recommendations.serving.pipeline import rule_of
from recommendations.serving.store import catalogues

Params = Mapping[str, Any]
OK = "ok"
TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "double": (int, float),
    "string": (str,),
    "boolean": (bool,),
    "timestamp": (int, float, str),
    "set": (list,),
    "image": (str,),
    "imageList": (list,),
}
CASCADE = "!cascadeCreate"
MAX_VALUE = 20_000
# Properties of these names are what we rank texts, tags and prices by, too.
TITLES, TEXTS, TAGS = ("title", "name"), ("description", "text"), ("tags", "categories")


def item_by(key: str) -> Item:
    found: Item | None = Item.objects.filter(key=key).first()
    if found is None:
        raise refuse(_("There is no item “%s”.") % key, 404)
    return found


def person_by(key: str) -> Person:
    found: Person | None = Person.objects.select_related("merged_into").filter(key=key).first()
    if found is None:
        raise refuse(_("There is no user “%s”.") % key, 404)
    return found.merged_into or found


def item_add(params: Params, item: str) -> str:
    if Item.objects.filter(key=item).exists():
        raise refuse(_("There is such an item already."), 409)
    items_write(items=[ItemData(item, {})])
    return OK


def item_delete(params: Params, item: str) -> str:
    item_by(item).delete()
    return OK


def item_values(params: Params, item: str) -> dict[str, Any]:
    return shown(item_by(item).attributes, declared("item_properties"))


def item_set(params: Params, item: str) -> str:
    values, cascade = told(params)
    found = Item.objects.filter(key=item).first()
    if found is None and not cascade:
        raise refuse(_("There is no item “%s”.") % item, 404)
    checked(values, declared("item_properties"))
    items_write(items=[change_of(item, found.attributes if found else {}, values)])
    return OK


def told(params: Params) -> tuple[dict[str, Any], bool]:
    """The values that are set, and whether to make what is not there."""
    return {name: value for name, value in params.items() if name != CASCADE}, flag_of(
        params, CASCADE
    )


def change_of(key: str, known: Mapping[str, Any], values: Mapping[str, Any]) -> ItemData:
    """The item's attributes with the new values, and the fields of ours that they come to."""
    found: dict[str, Any] = {"attributes": {**known, **values}}
    for name, value in values.items():
        if name in TITLES and isinstance(value, str):
            found["title"] = value[:300]
        elif name in TEXTS and isinstance(value, str):
            found["text"] = value[:MAX_TEXT]
        elif name in TAGS and isinstance(value, list):
            found["tags"] = [each[:60] for each in value if isinstance(each, str)][:MOST_TAGS]
        elif name == "price" and isinstance(value, int | float) and 0 <= value < 1e9:
            found["price"] = round(Decimal(str(value)), 2)
    return ItemData(key, found)


def checked(values: Mapping[str, Any], kinds: Mapping[str, str]) -> None:
    """Raise for a value that was not declared, or not like this."""
    for name, value in values.items():
        if name not in kinds:
            raise refuse(_("There is no property “%s”.") % name)
        fits = value is None or isinstance(value, TYPES[kinds[name]])
        odd = isinstance(value, bool) and kinds[name] != "boolean"
        if not fits or odd or len(str(value)) > MAX_VALUE:
            raise refuse(
                _("The value of “%(name)s” is no %(kind)s.") % {"name": name, "kind": kinds[name]}
            )


def shown(attributes: Mapping[str, Any], kinds: Mapping[str, str]) -> dict[str, Any]:
    return {name: attributes.get(name) for name in kinds}


def declared(which: str) -> dict[str, str]:
    found = Catalogue.objects.values_list(which, flat=True).first()
    return dict(found or {})


def property_add(which: str, params: Params, name: str) -> str:
    kind = params.get("type")
    if kind not in TYPES:
        raise refuse(_("Choose of: %s.") % ", ".join(TYPES))
    catalogue = lock_catalogue()
    kinds = getattr(catalogue, which)
    if name in kinds:
        raise refuse(_("There is such a property already."), 409)
    kinds[key_of(name, "property")] = kind
    catalogue.save(update_fields=[which, "updated_at"])
    return OK


def property_delete(which: str, params: Params, name: str) -> str:
    catalogue = lock_catalogue()
    if getattr(catalogue, which).pop(name, None) is None:
        raise refuse(_("There is no property “%s”.") % name, 404)
    catalogue.save(update_fields=[which, "updated_at"])
    return OK


def property_info(which: str, params: Params, name: str) -> dict[str, str]:
    kinds = declared(which)
    if name not in kinds:
        raise refuse(_("There is no property “%s”.") % name, 404)
    return {"name": name, "type": kinds[name]}


def property_list(which: str, params: Params) -> list[dict[str, str]]:
    return [{"name": name, "type": kind} for name, kind in sorted(declared(which).items())]


def items_filtered(text: str) -> Callable[[Item], bool]:
    """What a filter of Recombee's language keeps; everything where there is none."""
    if not text:
        return lambda item: True
    columns = catalogues.get().fresh()
    rule = rule_of(text, columns, "filter")
    mask = rule.mask(columns.rule_columns(), columns.size, RuleContext())
    return lambda item: item.number < len(mask) and bool(mask[item.number])


def item_list(params: Params) -> list[Any]:
    keep = items_filtered(str(params.get("filter") or ""))
    rows = [item for item in Item.objects.order_by("key") if keep(item)]
    return listed(rows, params, "item_properties", "itemId")


def listed(rows: list[Any], params: Params, which: str, name: str) -> list[Any]:
    """A page of ids, or of values with their ids."""
    start = whole_of(params, "offset", 0, 10**8)
    count = whole_of(params, "count", len(rows), 10**8)
    page = rows[start : start + count]
    if not flag_of(params, "returnProperties"):
        return [row.key for row in page]
    kinds = declared(which)
    wanted = names_of(params.get("includedProperties")) or list(kinds)
    kept = {each: kinds[each] for each in wanted if each in kinds}
    return [{name: row.key, **shown(row.attributes, kept)} for row in page]


def more_items_update(params: Params) -> dict[str, Any]:
    keep = items_filtered(str(params.get("filter") or ""))
    changes = params.get("changes")
    if not isinstance(changes, Mapping):
        raise refuse(_("changes: give an object of values."))
    checked(changes, declared("item_properties"))
    rows = [item for item in Item.objects.order_by("key") if keep(item)]
    items_write(items=[change_of(row.key, row.attributes, changes) for row in rows])
    return {"itemIds": [row.key for row in rows], "count": len(rows)}


def more_items_delete(params: Params) -> dict[str, Any]:
    text = str(params.get("filter") or "")
    if not text:
        raise refuse(_("filter: say which items to delete."))
    keep = items_filtered(text)
    rows = [item for item in Item.objects.order_by("key") if keep(item)]
    for row in rows:
        row.delete()
    return {"itemIds": [row.key for row in rows], "count": len(rows)}


def user_add(params: Params, user: str) -> str:
    if Person.objects.filter(key=user).exists():
        raise refuse(_("There is such a user already."), 409)
    persons_write(persons={user: {}})
    return OK


def user_delete(params: Params, user: str) -> str:
    person_forget(person=person_by(user))
    return OK


def user_values(params: Params, user: str) -> dict[str, Any]:
    return shown(person_by(user).attributes, declared("person_properties"))


def user_set(params: Params, user: str) -> str:
    values, cascade = told(params)
    found = Person.objects.filter(key=user).first()
    if found is None and not cascade:
        raise refuse(_("There is no user “%s”.") % user, 404)
    checked(values, declared("person_properties"))
    known = found.attributes if found else {}
    persons_write(persons={user: {"attributes": {**known, **values}}})
    return OK


def user_list(params: Params) -> list[Any]:
    rows = list(Person.objects.present().order_by("key"))
    return listed(rows, params, "person_properties", "userId")


def user_merge(params: Params, user: str, source: str) -> str:
    if flag_of(params, "cascadeCreate"):
        persons_write(persons={user: {}})
    into, person = person_by(user), person_by(source)
    if into == person:
        raise refuse(_("Name another person, who is known already."))
    person_merge(person=person, into=into)
    return OK
