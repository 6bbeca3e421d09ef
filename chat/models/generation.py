"""Generation: one model call in a turn."""

from django.db import models


class Generation(models.Model):
    """Which call of which attempt spent which usage. Calls that end before any report keep a row."""

    turn = models.ForeignKey("chat.Turn", models.CASCADE, related_name="generations")
    attempt = models.PositiveIntegerField()
    usage = models.OneToOneField("providers.Usage", models.PROTECT, related_name="generation")

    def __str__(self) -> str:
        return str(self.pk)
