from django.urls import path

from accounts import data_views, session_views, token_views, views

app_name = "accounts"
urlpatterns = [
    path("", views.home, name="home"),
    path("name/", views.rename, name="rename"),
    path("data/", data_views.download, name="download"),
    path("delete/", data_views.delete, name="delete"),
    path("guest/", views.start_as_guest, name="guest"),
    path("invitation/<str:token>/", views.accept_invitation, name="invitation"),
    path("operator/<str:token>/", views.become_operator, name="operator"),
    path("sessions/", session_views.home, name="sessions"),
    path("sessions/others/end/", session_views.end_others, name="end_other_sessions"),
    path("sessions/<int:session_id>/end/", session_views.end_one, name="end_session"),
    path("tokens/", token_views.home, name="tokens"),
    path("tokens/<int:token_id>/revoke/", token_views.revoke, name="revoke_token"),
]
