from django.urls import path

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("", views.home, name="home"),
    path("name/", views.rename, name="rename"),
    path("guest/", views.start_as_guest, name="guest"),
    path("operator/<str:token>/", views.become_operator, name="operator"),
    path("tokens/", views.create_token, name="create_token"),
    path("tokens/<int:token_id>/revoke/", views.revoke_token, name="revoke_token"),
]
