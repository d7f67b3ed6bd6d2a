"""What pages and API calls take in the web server."""
