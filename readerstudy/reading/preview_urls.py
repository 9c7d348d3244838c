"""Doors of a preview: the names of the reading room's, so that its templates lead through the preview as well."""

from django.urls import path

from readerstudy.reading import preview
from readerstudy.reading.stage import Stage

app_name = "reading"
urlpatterns = [
    path("", preview.start, name="start"),
    path("consent/", preview.form_page, {"stage": Stage.CONSENT}, name="consent"),
    path("profile/", preview.form_page, {"stage": Stage.PROFILE}, name="profile"),
    path("display/", preview.form_page, {"stage": Stage.DISPLAY}, name="display"),
    path("noticed/", preview.form_page, {"stage": Stage.BEFORE_REVEAL}, name="noticed"),
    path("going-on/", preview.form_page, {"stage": Stage.REVEAL}, name="going-on"),
    path("cues/", preview.form_page, {"stage": Stage.AT_END}, name="cues"),
    path("room/", preview.room, name="room"),
    path("slot/", preview.slot, name="slot"),
    path("film/<str:code>/", preview.film, name="film"),
    path("film/<str:code>/right/", preview.film, {"right": True}, name="film-right"),
    path("answer/<str:code>/", preview.answer, name="answer"),
    path("remark/<str:code>/", preview.remark, name="remark"),
    path("report/<str:code>/", preview.report, name="report"),
]
