"""Model fields of accounts."""

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    _EmailField = models.EmailField[str | None, str | None]
else:
    _EmailField = models.EmailField


class CaselessEmailField(_EmailField):
    """An address kept and looked up in lower case, so that one mailbox is one account.

    Nothing is NULL, never "": several guests without an address must not collide.
    """

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return (value.strip().lower() or None) if isinstance(value, str) else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        value = self.get_prep_value(super().pre_save(model_instance, add))
        setattr(model_instance, self.attname, value)
        return value
