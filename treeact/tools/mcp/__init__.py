"""MCP: tools of servers that speak the Model Context Protocol (modelcontextprotocol.io)."""

from treeact.tools.mcp.adapting import mcp_tools as mcp_tools
from treeact.tools.mcp.servers import McpServer as McpServer
from treeact.tools.mcp.servers import read_config as read_config
