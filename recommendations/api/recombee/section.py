"""How the API's reference presents the addresses for Recombee's clients."""

from saas.api.sections import Section

ABOUT = (
    "**Recombee's clients** work with our address as `base_uri`, and a database and a token that "
    "are made in the room Recommend, under Connect. Items, users, their properties, interactions, "
    "batches, recommendations, next pages, segments (of tags) and search are there; series, "
    "synonyms, segmentations and composite recommendations are not."
)
SAMPLE = """from recombee_api_client.api_client import RecombeeClient
from recombee_api_client.api_requests import AddDetailView, RecommendItemsToUser

client = RecombeeClient("your-database", "st_…", options={{"base_uri": "your-host/recombee"}})
client.send(AddDetailView("bob", "fern", cascade_create=True))
print(client.send(RecommendItemsToUser("bob", 10)))"""
SECTION = Section("recombee", "Recombee", order=92, about=ABOUT, sample=SAMPLE)
