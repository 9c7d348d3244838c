"""Doors of the results."""

from django.urls import path

from readerstudy.results import views
from readerstudy.results.own import own_results

app_name = "results"
urlpatterns = [
    path("own/", own_results, name="own"),
    # Codes of reports are longer than the word above.
    path("<str:code>/", views.report, name="report"),
    path("<str:code>/<str:name>", views.beside_report, name="beside_report"),
]
