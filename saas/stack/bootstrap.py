"""`python -m saas.stack.bootstrap --admin-url …` makes roles and database on one's own server."""

import argparse
import os
from collections.abc import Sequence
from urllib.parse import urlsplit

from saas.stack.database import Login, bootstrap


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m saas.stack.bootstrap", description=__doc__)
    parser.add_argument("--admin-url", required=True, help="a superuser's postgres:// URL")
    parser.add_argument(
        "--url", default=os.environ.get("DATABASE_URL"), help="default: DATABASE_URL"
    )
    parser.add_argument(
        "--owner-url",
        default=os.environ.get("DATABASE_OWNER_URL"),
        help="default: DATABASE_OWNER_URL",
    )
    chosen = parser.parse_args(arguments)
    if not (chosen.url and chosen.owner_url):
        parser.error("set DATABASE_URL and DATABASE_OWNER_URL, or give --url and --owner-url")
    database = urlsplit(chosen.url).path.lstrip("/")
    bootstrap(
        chosen.admin_url,
        owner=Login.of(chosen.owner_url),
        app=Login.of(chosen.url),
        database=database,
    )
    print(f"Database {database} is ready: now run `python manage.py migrate`.")


if __name__ == "__main__":
    main()
