"""Gorse's addresses, below /gorse/."""

from django.urls import URLPattern, include, path, re_path

from recommendations.api.gorse import answers, feedback, rows
from recommendations.api.gorse.base import GorseView
from recommendations.models.catalogue import KEY_PATTERN

KEY = KEY_PATTERN.strip("^").removesuffix(r"\Z")
USER, ITEM = rf"(?P<user>{KEY})", rf"(?P<item>{KEY})"
NAME, KIND = r"(?P<name>[\w.-]+)", r"(?P<kind>[A-Za-z][\w-]*)"
CATEGORY = r"(?P<category>[^/]+)"


def at(pattern: str, view: type[GorseView], name: str) -> URLPattern:
    """An address with or without a slash at its end."""
    return re_path(rf"^{pattern}/?$", view.as_view(), name=f"gorse-{name}")


api_urls = [
    at("health/(?P<name>live|ready)", answers.HealthView, "health"),
    at("items", rows.ItemsView, "items"),
    at("item", rows.NewItemView, "item-new"),
    at(f"item/{ITEM}", rows.ItemView, "item"),
    at(f"item/{ITEM}/category/{CATEGORY}", rows.CategoryView, "item-category"),
    at(f"item/{ITEM}/feedback(?:/{KIND})?", feedback.ItemFeedbackView, "item-feedback"),
    at(f"item/{ITEM}/neighbors(?:/{CATEGORY})?", answers.NeighboursView, "item-neighbors"),
    at(f"item-to-item/{NAME}/{ITEM}", answers.NeighboursView, "item-to-item"),
    at("users", rows.UsersView, "users"),
    at("user", rows.NewUserView, "user-new"),
    at(f"user/{USER}", rows.UserView, "user"),
    at(f"user/{USER}/feedback(?:/{KIND})?", feedback.UserFeedbackView, "user-feedback"),
    at(f"user/{USER}/neighbors", answers.UserNeighboursView, "user-neighbors"),
    at(f"user-to-user/{NAME}/{USER}", answers.UserNeighboursView, "user-to-user"),
    at("feedback", feedback.FeedbackListView, "feedback"),
    at(f"feedback/{KIND}", feedback.FeedbackListView, "feedback-of-type"),
    at(f"feedback/{USER}/{ITEM}", feedback.PairView, "feedback-pair"),
    at(f"feedback/{KIND}/{USER}/{ITEM}", feedback.PairView, "feedback-one"),
    at("session/recommend(?:/" + CATEGORY + ")?", answers.SessionView, "session"),
    at(f"recommend/{USER}(?:/{CATEGORY})?", answers.RecommendView, "recommend"),
    at(f"(?P<name>latest|popular)(?:/{CATEGORY})?", answers.ListView, "list"),
    at(f"non-personalized/{NAME}", answers.ListView, "non-personalized"),
    at(f"collaborative-filtering/{USER}", answers.LearntView, "collaborative-filtering"),
]

urlpatterns = [path("gorse/api/", include(api_urls))]
