"""How the API's reference presents the addresses for Gorse's clients."""

from saas.api.sections import Section

ABOUT = (
    "**Gorse's clients** work with the entry point `/gorse` and an API key of ours in `X-API-Key`. "
    "Categories are tags here, labels an attribute, and the comment is the title or, where it is "
    "long, the text. What is written back counts as shown: it does not come again."
)
SAMPLE = """from gorse import Gorse

client = Gorse("{server}gorse", "sk_…")
client.insert_feedback("star", "bob", "fern", "2026-11-30T12:00:00Z")
print(client.get_recommend("bob", n=10))"""
SECTION = Section("gorse", "Gorse", order=91, about=ABOUT, sample=SAMPLE)
