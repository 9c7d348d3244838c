"""Doors: the front page, the reading room, results, the admin, the API's schema."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import TemplateView

urlpatterns = [
    path("", TemplateView.as_view(template_name="home.html"), name="home"),
    path("read/", include("readerstudy.reading.urls")),
    path("results/", include("readerstudy.results.urls")),
    path("admin/", admin.site.urls),
]
