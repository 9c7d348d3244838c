"""Doors: the front page, the reading room, results, the review of archives, the admin, the API's schema."""

from django.contrib import admin
from django.urls import include, path
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView
from drf_spectacular.views import SpectacularAPIView
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import IsAdminUser

from readerstudy.reading import preview
from readerstudy.reading.admin import readers_of_study

admin.site.site_header = admin.site.site_title = _("Reader study")
admin.site.index_title = _("Films, studies, readers, results")

# For those who write another reading screen; readers have no business with it.
schema = SpectacularAPIView.as_view(authentication_classes=[SessionAuthentication], permission_classes=[IsAdminUser])

urlpatterns = [
    path("", TemplateView.as_view(template_name="home.html"), name="home"),
    path("read/", include("readerstudy.reading.urls")),
    path("preview/", include("readerstudy.reading.preview_urls", namespace="preview")),
    path("results/", include("readerstudy.results.urls")),
    path("review/", include("readerstudy.steering.urls")),
    path("api/schema/", schema, name="schema"),
    path("admin/studies/study/<int:pk>/preview/", preview.begin, name="begin-preview"),
    path("admin/studies/study/<int:pk>/readers/", admin.site.admin_view(readers_of_study), name="readers-of-study"),
    path("admin/", admin.site.urls),
]
