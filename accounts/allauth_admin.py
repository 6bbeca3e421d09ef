"""allauth's own admin pages show what nobody should read or type: they are replaced or taken away."""

from importlib import import_module

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib import admin

for registers in ("allauth.mfa.admin", "allauth.usersessions.admin"):
    import_module(registers)

admin.site.unregister(Authenticator)
admin.site.unregister(UserSession)
