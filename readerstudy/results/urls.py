"""Doors of the results."""

from django.urls import path

from readerstudy.results import views

app_name = "results"
urlpatterns = [
    path("<str:code>/", views.report, name="report"),
    path("<str:code>/<str:name>", views.beside_report, name="beside_report"),
]
