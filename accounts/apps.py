from importlib import import_module

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "People"

    def ready(self) -> None:
        for listening_to_allauth in ("accounts.factors", "accounts.ownership", "accounts.sessions"):
            import_module(listening_to_allauth)
