"""A server of FastMCP at /mcp, with sessions. It prints its port."""

import socket

import uvicorn
from fastmcp import FastMCP
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

mcp = FastMCP("fastmcp")


@mcp.tool
def add(a: float, b: float) -> float:
    """Add two numbers"""
    return a + b


@mcp.resource("text://words")
def words() -> str:
    """Some words"""
    return "some words"


@mcp.prompt
def ask(topic: str) -> str:
    """A question"""
    return f"Tell me about {topic}"


cors = Middleware(
    CORSMiddleware,
    allow_origins=["*"],
    allow_methods=["GET", "POST", "DELETE"],
    allow_headers=["*"],
    expose_headers=["mcp-session-id"],
)
listener = socket.create_server(("127.0.0.1", 0))
print(f"port {listener.getsockname()[1]}", flush=True)
uvicorn.Server(uvicorn.Config(mcp.http_app(middleware=[cors]), log_level="warning")).run(sockets=[listener])
