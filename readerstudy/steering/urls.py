"""Doors of the review of archives. No address says what a film shows."""

from django.urls import path

from readerstudy.steering import views

app_name = "review"
urlpatterns = [
    path("", views.archives, name="archives"),
    path("<int:archive>/begin/", views.begin, name="begin"),
    path("<int:archive>/<int:position>/", views.goal, name="goal"),
    path("<int:archive>/<int:position>/sheet.png", views.sheet, name="sheet"),
    path("film/<int:pk>/", views.film, name="film"),
    path("film/<int:pk>/picture.png", views.picture, name="picture"),
    path("film/<int:pk>/pixels", views.pixels, name="pixels"),
]
