from django.urls import path

from chat import views

app_name = "chat"
urlpatterns = [
    path("", views.home, name="home"),
    path("c/<uuid:conversation_id>/", views.conversation, name="conversation"),
    path("c/<uuid:conversation_id>/branch/", views.branch, name="branch"),
    path("sidebar/", views.sidebar, name="sidebar"),
    path("healthz/", views.healthz, name="healthz"),
]
