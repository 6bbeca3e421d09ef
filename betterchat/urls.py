from allauth.urls import build_provider_urlpatterns
from django.contrib import admin
from django.urls import include, path

from providers.model_views import models
from providers.usage_views import usage

urlpatterns = [
    path("", include("chat.urls")),
    path("accounts/", include("accounts.urls")),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("accounts/connections/", include("allauth.socialaccount.urls")),
    path("accounts/", include(build_provider_urlpatterns())),
    path("settings/models/", models, name="models"),
    path("settings/providers/", include("providers.urls")),
    path("settings/usage/", usage, name="usage"),
    path("admin/", admin.site.urls),
]
handler500 = "betterchat.outage.server_error"
