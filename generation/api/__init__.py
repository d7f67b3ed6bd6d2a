"""The studio's API: brands to contents under /api/v1/, and OpenAI's endpoints under /v1/."""
