"""OpenAI's endpoints, so that any program that speaks to theirs can speak to ours."""
