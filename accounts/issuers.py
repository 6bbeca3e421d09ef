"""Sign-in by others, as the environment names them. Read by the settings: nothing here needs the database."""

from betterchat.core import env

# What it is called in the environment, in allauth, and on the button.
_KNOWN = (("GOOGLE", "google", "Google"), ("GITHUB", "github", "GitHub"))


def from_environment() -> dict[str, dict[str, object]]:
    """`SOCIALACCOUNT_PROVIDERS`: whatever has a client id."""
    providers: dict[str, dict[str, object]] = {
        "google": {"OAUTH_PKCE_ENABLED": True, "SCOPE": ["profile", "email"]},
        "github": {"OAUTH_PKCE_ENABLED": True, "SCOPE": ["user:email"]},
        "openid_connect": {"OAUTH_PKCE_ENABLED": True},
    }
    for prefix, id_, name in _KNOWN:
        if client_id := env.text(f"{prefix}_CLIENT_ID"):
            secret = env.text(f"{prefix}_CLIENT_SECRET")
            providers[id_]["APPS"] = [{"client_id": client_id, "secret": secret, "name": name}]
    if issuer := env.text("OIDC_ISSUER"):
        providers["openid_connect"]["APPS"] = [
            {
                "provider_id": "sso",
                "name": env.text("OIDC_NAME", "single sign-on"),
                "client_id": env.text("OIDC_CLIENT_ID"),
                "secret": env.text("OIDC_CLIENT_SECRET"),
                "settings": {"server_url": issuer},
            }
        ]
    return providers
