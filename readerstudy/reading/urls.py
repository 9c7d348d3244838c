"""Doors of the reading room."""

from django.urls import URLPattern

app_name = "reading"
urlpatterns: list[URLPattern] = []
