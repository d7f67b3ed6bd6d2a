"""`python -m saas.serve`: the web server. It stops in time, whatever its requests wait for."""

import argparse
import contextlib
import logging
import os
import sys

import uvicorn

# Who streams or uploads has so long to end after the news of a stop.
GRACE_S = 8
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saas.settings")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m saas.serve", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--grace", type=int, default=GRACE_S, help="seconds for what still runs")
    parser.add_argument(
        "--forwarded-allow-ips",
        default="127.0.0.1",
        help="proxies whose word about callers is taken; * where nothing else can reach the port",
    )
    serve(parser.parse_args())


def serve(chosen: argparse.Namespace) -> None:
    """Serve until SIGTERM or SIGINT, then end within the grace and a moment."""
    import django

    django.setup()  # before uvicorn says anything, so that its lines look like all others
    config = uvicorn.Config(
        "saas.asgi:application",
        host=chosen.host,
        port=chosen.port,
        forwarded_allow_ips=chosen.forwarded_allow_ips,
        lifespan="off",
        server_header=False,
        log_config=None,
        access_log=False,  # each request has its own two lines, which say more
        timeout_graceful_shutdown=chosen.grace,
    )
    server = uvicorn.Server(config)
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn raises Ctrl-C anew when it has stopped
        server.run()
    logging.shutdown()
    sys.stderr.flush()
    # Not sys.exit: that waits for every thread, and so for a Postgres that hangs.
    os._exit(0 if server.started else 1)


if __name__ == "__main__":
    main()
