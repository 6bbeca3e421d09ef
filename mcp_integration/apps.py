from django.apps import AppConfig


class McpIntegrationConfig(AppConfig):
    name = "mcp_integration"
    verbose_name = "Tools"
