"""What the tests share: servers, rows, callers, counts."""
