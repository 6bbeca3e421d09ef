"""Everything the product keeps of a person, as one archive of JSON and Markdown."""

import io
import json
import zipfile

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession

from accounts.models import User
from betterchat.core import personal_data
from betterchat.core.personal_data import ExportedFile

_README = """# Your data

Everything this server keeps about you. `conversations` holds each conversation twice: the whole tree as
JSON, the branch last shown as Markdown. Secrets (passwords, keys, tokens, second factors) are not here:
where you have one, its name or its last four characters are.
"""


def archive(user: User) -> bytes:
    """A ZIP. Files of the guests this person was before are in folders of their own."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as files:
        files.writestr("README.md", _README)
        files.writestr("account.json", _account(user).text)
        people = {user.pk: ""} | {
            pk: f"guest-{pk}/"
            for pk in User.objects.filter(continued_by=user, is_guest=True).values_list("pk", flat=True)
        }
        for pk, folder in people.items():
            for holder in personal_data.holders():
                for file in holder.export(pk):
                    files.writestr(folder + file.path, file.text)
    return packed.getvalue()


def _account(user: User) -> ExportedFile:
    of_user = {"user_id": user.pk}
    tokens = user.access_tokens.values(
        "name", "last_four", "created_at", "expires_at", "last_used_at", "revoked_at"
    )
    content = {
        "email": user.email,
        "name": user.display_name,
        "joined": user.date_joined,
        "last_sign_in": user.last_login,
        "time_zone": user.time_zone,
        "addresses": list(EmailAddress.objects.filter(**of_user).values("email", "verified", "primary")),
        "access_tokens": list(tokens),
        "sessions": list(
            UserSession.objects.filter(**of_user).values("ip", "user_agent", "created_at", "last_seen_at")
        ),
        "second_factors": list(
            Authenticator.objects.filter(**of_user).values("type", "created_at", "last_used_at")
        ),
        "connected_accounts": list(
            SocialAccount.objects.filter(**of_user).values("provider", "uid", "extra_data", "date_joined")
        ),
    }
    return ExportedFile("account.json", json.dumps(content, ensure_ascii=False, indent=1, default=str))
