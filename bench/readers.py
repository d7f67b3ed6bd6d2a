"""The web server's part: follow streams until each has ended. `python -m bench.readers URL KEY...`

Says "ready" when it follows, and at the end, as JSON, how much was read and what it cost.
"""

import asyncio
import json
import sys
import time

import django
import redis.asyncio

django.setup()

from tenants.jobs.streams import follow, sse  # noqa: E402

SOCKET_TIMEOUT_S = 30.0  # above the time that a read may wait, as in the views


async def read(client: redis.asyncio.Redis, key: str) -> int:
    """Characters sent on as server-sent events, until the stream's end."""
    sent = 0
    async for event in follow(client, key, "0"):
        if event is not None:
            sent += len(sse(event))
            if event.name == "done":
                break
    return sent


async def main(url: str, keys: list[str]) -> None:
    client = redis.asyncio.Redis.from_url(url, socket_timeout=SOCKET_TIMEOUT_S)
    async with client:
        await client.ping()
        print("ready", flush=True)
        began = time.process_time()
        sent = await asyncio.gather(*(read(client, key) for key in keys))
        cpu = time.process_time() - began
    print(json.dumps({"characters": sum(sent), "ended": len(sent), "cpu": cpu}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2:]))
