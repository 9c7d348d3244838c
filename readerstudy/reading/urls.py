"""Doors of the reading room."""

from django.urls import path

from readerstudy.reading import api, views
from readerstudy.reading.stage import Stage

app_name = "reading"
urlpatterns = [
    path("", views.start, name="start"),
    path("consent/", views.step, {"stage": Stage.CONSENT}, name="consent"),
    path("profile/", views.step, {"stage": Stage.PROFILE}, name="profile"),
    path("display/", views.step, {"stage": Stage.DISPLAY}, name="display"),
    path("noticed/", views.step, {"stage": Stage.BEFORE_REVEAL}, name="noticed"),
    path("going-on/", views.step, {"stage": Stage.REVEAL}, name="going-on"),
    path("cues/", views.step, {"stage": Stage.AT_END}, name="cues"),
    path("room/", views.room, name="room"),
    path("slot/", api.slot, name="slot"),
    path("film/<str:code>/", api.film, name="film"),
    path("film/<str:code>/right/", api.film, {"right": True}, name="film-right"),
    path("answer/<str:code>/", api.answer, name="answer"),
    path("remark/<str:code>/", api.remark, name="remark"),
    path("report/<str:code>/", api.report, name="report"),
    # Tokens are longer than any word above.
    path("<str:token>/", views.enter, name="enter"),
]
