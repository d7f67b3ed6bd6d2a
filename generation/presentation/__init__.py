"""How texts are shown to people: previews, differences, findings, files."""
