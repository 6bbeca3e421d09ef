from django.apps import AppConfig


class BetterChatConfig(AppConfig):
    name = "betterchat"
    verbose_name = "Better Chat"
