"""`manage.py add_endpoint`: what the environment does on start, for any address, from a script."""

import asyncio
import re
from argparse import ArgumentParser
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils.text import slugify

from betterchat.core.errors import ErrorCode, UserFacingError
from betterchat.core.outbound import AddressRefusedError, check_url, refuse_private
from providers.environment import KEYS
from providers.listing import list_models
from providers.models import Endpoint, Provider
from providers.offers import listed_offers, take_offers

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PRIVATE = "The address {url} is private. Add --allow-private if this server may call it."


class Command(BaseCommand):
    help = "Add an endpoint and the models it serves. Without --model, the endpoint is asked for its models."

    def add_arguments(self, parser: ArgumentParser) -> None:
        kinds = [kind.value for kind in Provider if kind is not Provider.DEMO]
        parser.add_argument("kind", choices=kinds, metavar="KIND", help=", ".join(kinds))
        parser.add_argument("--base-url", metavar="URL", default="", help="Else the provider's own.")
        parser.add_argument("--key-env", metavar="NAME", help="Environment variable that holds the key.")
        parser.add_argument("--model", metavar="NAME", action="append", default=[], help="May be repeated.")
        parser.add_argument("--allow-private", action="store_true", help="The address may be a private one.")
        parser.add_argument("--name", metavar="NAME", default="", help="Of the endpoint: letters, digits, -.")

    def handle(
        self,
        *args: object,
        kind: str,
        base_url: str,
        key_env: str | None,
        model: list[str],
        allow_private: bool,
        name: str,
        **options: object,
    ) -> None:
        provider = Provider(kind)
        url = _url(provider, base_url)
        endpoint = Endpoint(
            name=_name(provider, name=name, base_url=base_url),
            provider=provider,
            base_url=url,
            key_env=_key_env(provider, key_env),
            # Ollama's own address is this machine: choosing the kind is the permission.
            allow_private=allow_private or (provider is Provider.OLLAMA and not base_url),
        )
        if provider is Provider.LITELLM and not all("/" in each for each in model or [""]):
            raise CommandError("Name its models as litellm does: --model provider/model.")
        names = model or _asked(endpoint)
        _refuse_private(endpoint)
        with transaction.atomic():
            endpoint.save()
            offers = listed_offers(provider, names, endpoint_name=endpoint.name)
            take_offers(endpoint, offers, from_environment=False)
        self.stdout.write(f"Added the endpoint {endpoint.name} with {len(offers)} models:")
        for offer in offers:
            self.stdout.write(f"  {offer.model.pk}")
        if endpoint.key_env and not endpoint.key_is_set:
            self.stderr.write(
                f"{endpoint.key_env} is not set here. Set it for the worker before using a model."
            )


def _name(provider: Provider, *, name: str, base_url: str) -> str:
    host = urlsplit(base_url).hostname or ""
    chosen = name or (
        slugify(host.replace(".", "-")) if provider is Provider.OPENAI_COMPATIBLE else provider.value
    )
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,59}", chosen):
        raise CommandError("Give the endpoint a --name of small letters, digits and hyphens.")
    if Endpoint.objects.platform().filter(name=chosen).exists():
        raise CommandError(f"There is an endpoint named {chosen} already. Choose another --name.")
    return chosen


def _url(provider: Provider, base_url: str) -> str:
    if not base_url and provider in {Provider.OPENAI_COMPATIBLE, Provider.LITELLM}:
        raise CommandError("This kind needs its --base-url, for example http://192.168.1.5:8000/v1.")
    try:
        return check_url(base_url) if base_url else ""
    except ValueError as error:
        raise CommandError(str(error)) from None


def _key_env(provider: Provider, key_env: str | None) -> str:
    chosen = KEYS.get(provider, "") if key_env is None else key_env
    if chosen and not _VARIABLE.fullmatch(chosen):
        raise CommandError("--key-env takes the name of an environment variable, not the key itself.")
    return chosen


def _asked(endpoint: Endpoint) -> list[str]:
    try:
        names = list_models(
            Provider(endpoint.provider),
            url=endpoint.url,
            key=endpoint.environment_key,
            label=endpoint.label,
            allow_private=endpoint.allow_private,
        )
    except UserFacingError as error:
        if error.code is ErrorCode.ADDRESS_REFUSED:
            raise CommandError(_PRIVATE.format(url=endpoint.url)) from None
        raise CommandError(
            f"{error.sentence} Name its models with --model, or correct the address."
        ) from None
    if not names:
        raise CommandError(f"{endpoint.label} lists no models. Name them with --model.")
    return names


def _refuse_private(endpoint: Endpoint) -> None:
    try:
        asyncio.run(refuse_private(endpoint.url, allow_private=endpoint.allow_private))
    except AddressRefusedError:
        raise CommandError(_PRIVATE.format(url=endpoint.url)) from None
