"""People who try it without an account, and how they get one without losing anything."""

from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from django.contrib import auth
from django.db import transaction
from django.http import HttpRequest

from accounts.models import User

_SIGNED_UP = "accounts_signed_up"


def guest_of(request: HttpRequest) -> User | None:
    """The guest whose session this is, also while `request.user` is hidden (see `middleware`)."""
    user = auth.get_user(request)
    return user if isinstance(user, User) and user.is_guest else None


def note_sign_up(request: HttpRequest, *, user: User) -> None:
    """Remember that the guest of this session made the account `user`, until it is signed in to."""
    if guest_of(request):
        request.session[_SIGNED_UP] = user.pk


def bring_guest_along(request: HttpRequest, *, user: User) -> None:
    """Called when `user` is about to be signed in to this session.

    An account that the guest has just made becomes the guest's own row, so that all it owns stays where
    it is. An account that existed before only remembers which guest continued as it.
    """
    guest = guest_of(request)
    if guest is None or guest.pk == user.pk:
        return
    if request.session.get(_SIGNED_UP) == user.pk and user.last_login is None:
        _become(user, guest=guest)
    else:
        User.objects.filter(pk=guest.pk, is_guest=True).update(continued_by=user)


@transaction.atomic
def _become(user: User, *, guest: User) -> None:
    """Move the new account into the guest's row; afterwards `user` is that row.

    The new row has never been signed in to: it owns nothing but its addresses
    and its connection to an issuer.
    """
    locked = User.objects.select_for_update().filter(pk=guest.pk, is_guest=True).first()
    if locked is None:
        return
    new_pk = user.pk
    EmailAddress.objects.filter(user_id=new_pk).update(user_id=guest.pk)
    SocialAccount.objects.filter(user_id=new_pk).update(user_id=guest.pk)
    User.objects.filter(pk=new_pk).delete()
    locked.email, locked.password, locked.display_name = user.email, user.password, user.display_name
    locked.is_guest = False
    locked.save()
    user.pk = locked.pk
    user.refresh_from_db()
