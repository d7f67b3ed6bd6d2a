"""Small heads on a sentence encoder: sort texts, find things in texts. It knows no Django."""
