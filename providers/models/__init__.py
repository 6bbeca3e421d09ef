from providers.models.allowed_host import AllowedHost, may_be_private
from providers.models.catalogue_change import CatalogueChange, ChangeKind, ChangeStatus
from providers.models.credential import Credential
from providers.models.endpoint import Endpoint, Provider, Wire
from providers.models.language_model import (
    CATALOGUE_FIELDS,
    Continuation,
    Effort,
    InputKind,
    LanguageModel,
    Price,
    PriceSource,
    Route,
)
from providers.models.own_model import OWN_PREFIX, OwnModel
from providers.models.preferences import ModelPreferences
from providers.models.usage import Purpose, Usage

__all__ = [
    "CATALOGUE_FIELDS",
    "OWN_PREFIX",
    "AllowedHost",
    "CatalogueChange",
    "ChangeKind",
    "ChangeStatus",
    "Continuation",
    "Credential",
    "Effort",
    "Endpoint",
    "InputKind",
    "LanguageModel",
    "ModelPreferences",
    "OwnModel",
    "Price",
    "PriceSource",
    "Provider",
    "Purpose",
    "Route",
    "Usage",
    "Wire",
    "may_be_private",
]
