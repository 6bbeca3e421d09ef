from importlib import import_module

from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = "Chat"

    def ready(self) -> None:
        import_module("chat.personal_data")  # registers itself
