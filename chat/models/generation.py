"""Generation: one model call in a turn."""

from django.db import models
from django.db.models.functions import Now


class Generation(models.Model):
    """Recorded before the call, so that one whose worker was killed is known: it has no `usage` yet.

    `route` is what is needed to reckon its cost then (see `chat.turns.usage`). `began_at_characters` is how
    long the answer was; what came after that is this call's.
    """

    turn = models.ForeignKey("chat.Turn", models.CASCADE, related_name="generations")
    attempt = models.PositiveIntegerField()
    number = models.PositiveIntegerField(help_text="Counts the calls of a turn, over all attempts.")
    route = models.JSONField(default=dict)
    prompt_characters = models.PositiveIntegerField(default=0)
    began_at_characters = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(db_default=Now())
    usage = models.OneToOneField("providers.Usage", models.PROTECT, null=True, related_name="generation")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["turn", "number"], name="generation_number_once")]

    def __str__(self) -> str:
        return str(self.pk)
