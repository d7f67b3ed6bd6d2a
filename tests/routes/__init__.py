"""Who may call which route, and what they are answered: one table for each app.

`tests/test_routes.py` calls every route of the URL resolver as everybody, and fails for a route
that is in no table. Add a route's line in the same commit as the route.
"""
