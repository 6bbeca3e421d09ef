"""What the product stores about conversations. Storage only: rules live in the rooms above."""

from chat.models.conversation import Conversation, TitleSource
from chat.models.generation import Generation
from chat.models.message import Message, Role
from chat.models.turn import Turn, TurnState

__all__ = ["Conversation", "Generation", "Message", "Role", "TitleSource", "Turn", "TurnState"]
