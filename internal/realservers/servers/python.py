"""An echo server on Python's websockets. It prints its port, then counts, and prints its counts as one
line of JSON when stdin ends."""
import asyncio
import json
import sys
from collections import Counter

import websockets

count = {"connections": 0, "rejected": 0, "received": 0, "sent": 0}
closes = Counter()


async def echo(ws, path=None):
    count["connections"] += 1
    try:
        async for message in ws:
            count["received"] += 1
            await ws.send(message)
            count["sent"] += 1
    except websockets.ConnectionClosed:
        pass
    finally:
        closes[str(ws.close_code)] += 1


async def main():
    async with websockets.serve(echo, "127.0.0.1", 0, compression=None, backlog=4096, ping_interval=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        await asyncio.sleep(0.2)
        print(json.dumps({**count, "closes": closes}), flush=True)


asyncio.run(main())
