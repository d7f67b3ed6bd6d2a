"""How the API's reference presents the endpoints for OpenAI's clients."""

from saas.api.sections import Section

ABOUT = "**OpenAI's clients** work with the base URL `/v1` and a key of ours."
SAMPLE = """from openai import OpenAI

client = OpenAI(base_url="{server}v1", api_key="sk_…")
answer = client.chat.completions.create(
    model="kindling",
    messages=[{{"role": "user", "content": "A headline for a tea shop, please."}}],
)
print(answer.choices[0].message.content)"""
SECTION = Section("openai", "OpenAI", order=90, about=ABOUT, sample=SAMPLE)
