"""Files and fine-tuning jobs, as OpenAI's clients ask for them."""
