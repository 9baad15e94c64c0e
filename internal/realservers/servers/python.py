"""An echo server on Python's websockets. It prints its port, then counts, and prints its counts as one
line of JSON when stdin ends. With DEFLATE set, to the parameters of permessage-deflate as JSON, it
compresses."""
import asyncio
import json
import os
import sys
from collections import Counter

import websockets
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

count = {"connections": 0, "rejected": 0, "received": 0, "sent": 0, "deflated": 0}
closes = Counter()


async def echo(ws, path=None):
    count["connections"] += 1
    extensions = ws.extensions if hasattr(ws, "extensions") else ws.protocol.extensions  # from version 14 on
    count["deflated"] += any(e.name == "permessage-deflate" for e in extensions)
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
    extensions = []
    if "DEFLATE" in os.environ:
        extensions.append(ServerPerMessageDeflateFactory(**json.loads(os.environ["DEFLATE"])))
    async with websockets.serve(echo, "127.0.0.1", 0, compression=None, extensions=extensions, backlog=4096, ping_interval=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        await asyncio.sleep(0.2)
        print(json.dumps({**count, "closes": closes}), flush=True)


asyncio.run(main())
