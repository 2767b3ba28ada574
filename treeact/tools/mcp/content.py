"""What an MCP server answers a call with, as a value for the code that called."""

from __future__ import annotations

import base64
import binascii
import mimetypes
from typing import TYPE_CHECKING, Any

from treeact.calling import working_folder
from treeact.errors import ToolError
from treeact.tools.mcp.schemas import identifier

if TYPE_CHECKING:
    import mcp_types as types


async def value_of(result: types.CallToolResult, tool: types.Tool) -> Any:
    """Return what a call gave: data where the tool has a type for it, else text.

    Raises:
        ToolError: the server says that the call failed.
    """
    parts = [await _part(block, tool.name) for block in result.content]
    if not result.is_error and tool.output_schema and result.structured_content is not None:
        return result.structured_content
    text = "\n".join(filter(None, parts))
    if result.is_error:
        raise ToolError(text or f"{tool.name} failed and did not say why")
    return text


async def _part(block: Any, tool: str) -> str:
    """Return one piece of content as text; what is no text is put into the working folder."""
    match block.type:
        case "text":
            return str(block.text)
        case "image" | "audio":
            return await _keep(block.data, block.mime_type, tool)
        case "resource" if hasattr(block.resource, "text"):
            return f"[{block.resource.uri}]\n{block.resource.text}"
        case "resource":
            return await _keep(block.resource.blob, block.resource.mime_type, tool)
        case _:
            return f"[{block.type} {getattr(block, 'uri', '')}]"


async def _keep(data: str, media_type: str | None, tool: str) -> str:
    try:
        content = base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        return "[content that cannot be decoded]"
    try:
        folder = working_folder()
    except ToolError:
        return f"[{media_type or 'content'} of {len(content)} bytes]"
    extension = mimetypes.guess_extension(media_type or "") or ".bin"
    name = f"{identifier(tool)}{extension}"
    taken, number = set(await folder.names()), 1
    while name in taken:
        number += 1
        name = f"{identifier(tool)}-{number}{extension}"
    await folder.put(name, content)
    return f"[{media_type or 'content'} of {len(content)} bytes, saved as {name}]"
