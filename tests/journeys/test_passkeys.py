"""A passkey, with the browser's own virtual authenticator: made, then enough alone."""

import re

from tests.journeys.conftest import People
from tests.journeys.product import PASSWORD, Product

_AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def test_a_passkey_is_made_and_signs_in_alone(people: People, product: Product) -> None:
    url = product.url.replace("127.0.0.1", "localhost")
    person = people(signed_in=False, url=url)
    page = person.page
    person.open("/accounts/signup/")
    page.fill("input[name=email]", "passkey@example.org")
    page.fill("input[name=password1]", PASSWORD)
    page.get_by_role("button", name="Create account").click()
    page.wait_for_url(f"{url}/")
    devtools = person.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": _AUTHENTICATOR})
    person.open("/accounts/2fa/webauthn/add/")
    if "reauthenticate" in page.url:
        page.fill("input[name=password]", PASSWORD)
        page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Add", exact=True).click()
    page.wait_for_url(re.compile("recovery-codes"))
    person.open("/accounts/")
    page.get_by_role("button", name="Sign out").click()
    person.open("/accounts/login/")
    page.get_by_role("button", name="Use a passkey").click()
    page.wait_for_url(f"{url}/")
    person.open("/accounts/")
    page.get_by_text("passkey@example.org").wait_for()
