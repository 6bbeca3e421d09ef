from providers.models.endpoint import Endpoint, Provider, Wire
from providers.models.language_model import LanguageModel, Route
from providers.models.usage import Purpose, Usage

__all__ = ["Endpoint", "LanguageModel", "Provider", "Purpose", "Route", "Usage", "Wire"]
