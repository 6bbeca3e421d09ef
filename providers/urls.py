from django.urls import path

from providers import views

app_name = "providers"
urlpatterns = [
    path("", views.home, name="home"),
    path("add/", views.add_server, name="add_server"),
    path("add/<slug:kind>/", views.add_provider, name="add_provider"),
    path("<slug:slug>/", views.endpoint, name="endpoint"),
    path("<slug:slug>/test/", views.test, name="test"),
    path("<slug:slug>/key/", views.replace_key, name="replace_key"),
    path("<slug:slug>/key/delete/", views.delete_key, name="delete_key"),
    path("<slug:slug>/change/", views.change_server, name="change_server"),
    path("<slug:slug>/delete/", views.delete_endpoint, name="delete_endpoint"),
    path("<slug:slug>/models/add/", views.add_model, name="add_model"),
    path("<slug:slug>/models/listed/", views.listed_models, name="listed_models"),
    path("<slug:slug>/models/<int:model_pk>/", views.change_model, name="change_model"),
    path("<slug:slug>/models/<int:model_pk>/delete/", views.delete_model, name="delete_model"),
]
