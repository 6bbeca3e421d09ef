"""`manage.py models`: what a person may pick, one per line: id, name, who serves it."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from providers.catalogue import default_model, pickable_models
from providers.facts import assumption_words
from providers.models import Endpoint, InputKind, LanguageModel, Route
from providers.sync.words import price_words


class Command(BaseCommand):
    help = "List the models a person may pick. The default one is marked with *."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--user", metavar="EMAIL", help="For this account; else for any account.")
        parser.add_argument("--details", action="store_true", help="With limits, prices and assumptions.")

    def handle(self, *args: object, user: str | None, details: bool, **options: object) -> None:
        person = User() if user is None else User.objects.filter(email=user).first()
        if person is None:
            raise CommandError(f"There is no account with the address {user}.")
        models = pickable_models(person)
        if not models:
            raise CommandError("No model can be picked: every endpoint or model is switched off.")
        default = default_model(person)
        known = _known([model.id for model in models]) if details else {}
        width = max(len(model.id) for model in models)
        for model in models:
            mark = "*" if model.id == default.id else " "
            self.stdout.write(f"{mark} {model.id:<{width}}  {model.name} ({model.provider})")
            for line in known.get(model.id, ()):
                self.stdout.write(f"    {line}")


def _known(ids: list[str]) -> dict[str, list[str]]:
    """People's own models are not among them."""
    routes = Route.objects.filter(enabled=True, endpoint__in=Endpoint.objects.platform().usable())
    first: dict[str, Route] = {}
    for route in routes.filter(language_model__in=ids).order_by("priority", "id").prefetch_related("prices"):
        first.setdefault(route.language_model_id, route)
    models = LanguageModel.objects.filter(pk__in=ids)
    return {model.pk: list(_lines(model, first.get(model.pk))) for model in models}


def _lines(model: LanguageModel, route: Route | None) -> list[str]:
    window = f"{model.context_window_tokens:,} tokens" if model.context_window_tokens else "unknown window"
    kinds = ", ".join(InputKind(kind).label.lower() for kind in model.input_kinds)
    efforts = f", efforts {', '.join(model.efforts)}" if model.efforts else ""
    tools = ", no tools" if model.tools is False else ", tools"
    lines = [f"{window}, reads {kinds}{tools}{efforts}"]
    if route is not None:
        lines.append(f"price per million tokens: {price_words(route)}")
    if model.assumed:
        lines.append(f"assumed: {assumption_words(model.assumed)}")
    return lines
