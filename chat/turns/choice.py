"""Which model answers and how much it thinks: what a command says, else what the conversation has."""

from dataclasses import dataclass

from accounts.models import User
from betterchat.core.errors import ErrorCode, UserFacingError
from chat.models import Conversation
from providers import catalogue
from providers.models import Effort


@dataclass(frozen=True, slots=True)
class Choice:
    """`effort` is "" where the model decides itself."""

    model_id: str
    effort: str


def choose(user: User, standing: Conversation | None, *, model_id: str, effort: str) -> Choice:
    """`standing` is the conversation so far, None for a new one. Empty ids are left to it.

    An effort that is asked for has to be offered; the conversation's own falls back to the nearest one
    that is, so that another model is never an error. Raises what `catalogue.require_model` raises, and
    EFFORT_UNAVAILABLE.
    """
    model_id = model_id or (standing.model_id if standing else catalogue.default_model(user).id)
    model = catalogue.require_model(user, model_id)
    if effort and effort not in model.efforts:
        offered = ", ".join(each.value for each in model.efforts) or "none"
        details = {"model": model.name, "effort": effort, "offered": offered}
        raise UserFacingError(ErrorCode.EFFORT_UNAVAILABLE, details=details)
    wish = effort or (standing.effort if standing else "")
    fitted: Effort | None = catalogue.fitted_effort(wish, offered=model.efforts)
    return Choice(model.id, fitted.value if fitted else "")
