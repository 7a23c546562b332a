"""The protocol over the tools: every request is its sender's, and sees what they may see."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote, unquote

from mcp import MCPError, types
from mcp.server import Server, ServerRequestContext
from pydantic import ValidationError

from ragbraid import __version__
from ragbraid.errors import RagbraidError
from ragbraid.serve.clients import ANYONE, Client, client_of
from ragbraid.serve.failures import Refused, refusal
from ragbraid.serve.mcp.tools import TOOLS, ListArguments, ReadArguments, list_sources, read_document, tool
from ragbraid.serve.site import Site

LOG = logging.getLogger("ragbraid.serve")
SCHEME = "ragbraid://document/"
_ABOUT = (
    "Answers from the user's own documents. `ask` gives an answer with verified quotes; `search` gives "
    "passages; `read_document` reads on around them."
)
_Context = ServerRequestContext[Any]


def server(site: Site) -> Server[Any]:
    """The MCP server of a site."""

    async def list_tools(_: _Context, __: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[each.described() for each in TOOLS.values()])

    async def call_tool(context: _Context, asked: types.CallToolRequestParams) -> types.CallToolResult:
        try:
            found = tool(asked.name)
            arguments = found.arguments.model_validate(asked.arguments or {})
            text, value = await found.run(site, _client(context), arguments)
        except Exception as error:
            return types.CallToolResult(content=[_text(_sentence(error))], is_error=True)
        return types.CallToolResult(content=[_text(text)], structured_content=value)

    async def list_resources(context: _Context, asked: Any) -> types.ListResourcesResult:
        after = unquote(asked.cursor or "") if asked is not None else ""
        _, page = await _or_error(list_sources(site, _client(context), ListArguments(after=after)))
        resources = [
            types.Resource(uri=SCHEME + quote(each), name=each, mime_type="text/plain")
            for each in page["sources"]
        ]
        following = None if page["next"] is None else quote(page["next"])
        return types.ListResourcesResult(resources=resources, next_cursor=following)

    async def list_templates(_: _Context, __: Any) -> types.ListResourceTemplatesResult:
        template = types.ResourceTemplate(
            uri_template=f"{SCHEME}{{+source}}", name="document", mime_type="text/plain",
            description="The text of a stored document, as it is cited.",
        )  # fmt: skip
        return types.ListResourceTemplatesResult(resource_templates=[template])

    async def read(context: _Context, asked: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        uri = str(asked.uri)
        if not uri.startswith(SCHEME):
            raise MCPError(types.INVALID_PARAMS, f"A document's address begins with {SCHEME}.")
        source = unquote(uri.removeprefix(SCHEME))
        text, _ = await _or_error(read_document(site, _client(context), ReadArguments(source=source)))
        contents = types.TextResourceContents(uri=uri, text=text, mime_type="text/plain")
        return types.ReadResourceResult(contents=[contents])

    return Server(
        "ragbraid",
        version=__version__,
        instructions=_ABOUT,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read,
    )


def _client(context: _Context) -> Client:
    """Who sent the request: over HTTP the key's holder, on standard streams whoever started the process."""
    return ANYONE if context.request is None else client_of(context.request)


def _text(text: str) -> types.TextContent:
    return types.TextContent(type="text", text=text)


async def _or_error(work: Any) -> Any:
    try:
        return await work
    except Exception as error:
        raise MCPError(types.INVALID_PARAMS, _sentence(error)) from None


def _sentence(error: Exception) -> str:
    """What a model reads of a failure."""
    if isinstance(error, RagbraidError):
        return refusal(error).message
    if isinstance(error, Refused):
        return error.message
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}."
    LOG.error("A tool failed.", exc_info=error)
    return "Something unforeseen went wrong. The server's log says what."
