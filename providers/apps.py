from importlib import import_module

from django.apps import AppConfig


class ProvidersConfig(AppConfig):
    name = "providers"
    verbose_name = "Models and providers"

    def ready(self) -> None:
        import_module("providers.personal_data")  # registers itself
