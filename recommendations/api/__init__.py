"""The API of catalogue, people, events and answers."""
