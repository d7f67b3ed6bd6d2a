"""Events straight from web pages: the public key's own door, and the script that calls it."""
