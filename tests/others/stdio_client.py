"""The client of the Python SDK over stdio. Its argument is JSON; it prints what it saw as JSON."""

import asyncio
import json
import sys

from mcp import Client, StdioServerParameters
from mcp.types import ElicitResult


async def answer(_context, _params):
    return ElicitResult(action="accept", content=task["answer"])


async def main():
    progress = []

    async def on_progress(value, _total, _message):
        progress.append(value)

    server = StdioServerParameters(command=task["command"], args=task["args"], env=task["env"])
    async with Client(server, mode=task["mode"], elicitation_callback=answer) as client:
        tools = await client.list_tools()
        results = []
        for call in task["calls"]:
            callback = on_progress if call["hasProgress"] else None
            result = await client.call_tool(call["name"], call["arguments"], progress_callback=callback)
            results.append([block.text for block in result.content if block.type == "text"])
        seen = {"version": client.protocol_version, "tools": [tool.name for tool in tools.tools]}
    print(json.dumps({**seen, "results": results, "progress": progress}))


task = json.loads(sys.argv[1])
asyncio.run(main())
