"""Tools over MCP: who acts. Nothing here yet; the chat knows no tools."""
