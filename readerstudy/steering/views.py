"""The pages on which radiologists review the films of an archive, and its contact sheets.

They are for signed-in accounts with the permission to review. Scores of classifiers are nowhere on them, and films come
in the order of their seeds, so that nothing but the film says how far it is to be believed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

import numpy as np
from django.contrib import messages
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from gan.pixels import read_film
from readerstudy.archive.pictures import picture_of
from readerstudy.audit.models import record
from readerstudy.steering.models import FilmReview, Goal, LabelledArchive, SteeredFilm
from readerstudy.steering.review import PERMISSION, add_review, asks_for_tubes, name_of, reviewed_by, said_by
from readerstudy.steering.sheets import contact_sheet

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
FILMS_ON_A_PAGE = 12
BEGUN = "archives_under_review"
View = Callable[..., HttpResponse]


def never_kept(view: View) -> View:
    """A page or film that runs our own script only and that no browser keeps."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        add_never_cache_headers(response)
        response["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        return response

    return guarded


def for_reviewers(view: View) -> View:
    """For staff accounts that may review. A reader's personal link is no account."""
    permitted = permission_required(PERMISSION, raise_exception=True)
    return staff_member_required(permitted(never_kept(view)))


# Pages


@require_safe
@for_reviewers
def archives(request: HttpRequest) -> HttpResponse:
    """All archives, and how far this reviewer has come with each goal."""
    rows = LabelledArchive.objects.select_related("collection").order_by("collection__name")
    return render(
        request,
        "steering/archives.html",
        {"archives": [(archive, _goals(archive, _reviewer(request))) for archive in rows], "begun": _begun(request)},
    )


@require_POST
@for_reviewers
def begin(request: HttpRequest, archive: int) -> HttpResponse:
    """The reviewer says that they read in none of the studies that show these films; from here on they see them."""
    row = get_object_or_404(LabelledArchive, pk=archive)
    record(
        actor=_reviewer(request).get_username(),
        action="declared to read in no study with these films",
        subject=f"labelled archive:{row}",
    )
    request.session[BEGUN] = [*_begun(request), row.pk]
    return redirect("review:archives")


@require_safe
@for_reviewers
def goal(request: HttpRequest, archive: int, position: int) -> HttpResponse:
    """A page of one goal's films in a grid."""
    goal = _goal(archive, position)
    page = Paginator(_in_order(goal), FILMS_ON_A_PAGE).get_page(request.GET.get("page"))
    said = said_by(_reviewer(request), page.object_list)
    films = [(number, film, said.get(film.pk)) for number, film in enumerate(page, page.start_index())]
    return render(request, "steering/goal.html", _context(request, goal) | {"page": page, "films": films})


@require_http_methods(["GET", "HEAD", "POST"])
@for_reviewers
def film(request: HttpRequest, pk: int) -> HttpResponse:
    """One film, enlarged, where window and level can be changed; and where verdicts are sent."""
    film = _film(pk)
    if request.method == "POST":
        return _store(request, film)
    films = _in_order(film.goal)
    beside = {
        "number": _number(film),
        "before": films.filter(seed__lt=film.seed).last(),
        "after": films.filter(seed__gt=film.seed).first(),
        "back": _place_in_grid(film),
        "said_of_film": said_by(_reviewer(request), [film]).get(film.pk),
    }
    return render(request, "steering/film.html", _context(request, film.goal) | beside | {"film": film})


# Films


@require_safe
@for_reviewers
def picture(request: HttpRequest, pk: int) -> HttpResponse:
    """A film of the grid: a PNG of 256 greys."""
    return HttpResponse(picture_of(_canonical(_film(pk))), content_type="image/png")


@require_safe
@for_reviewers
def pixels(request: HttpRequest, pk: int) -> HttpResponse:
    """The enlarged film: side × side little-endian 16-bit greys, row by row."""
    return HttpResponse(_canonical(_film(pk)).astype("<u2").tobytes(), content_type="application/octet-stream")


@require_safe
@staff_member_required
@never_kept
def sheet(request: HttpRequest, archive: int, position: int) -> HttpResponse:
    """The contact sheet of a goal, for reviewers and for whoever may see the archive in the admin."""
    if not any(map(_reviewer(request).has_perm, (PERMISSION, "steering.view_labelledarchive"))):
        raise PermissionDenied
    try:
        return HttpResponse(contact_sheet(_goal(archive, position)), content_type="image/png")
    except (ValueError, FileNotFoundError) as error:
        raise Http404(str(error)) from error


# What they are made of


def _store(request: HttpRequest, film: SteeredFilm) -> HttpResponse:
    """Stores a verdict. The page's script is told how far the goal is reviewed; a plain form goes back to its page."""
    try:
        add_review(film=film, reviewer=_reviewer(request), **_given(request.POST, film.goal))
        error = ""
    except ValidationError as refusal:
        error = " ".join(refusal.messages)
    if not request.accepts("text/html"):
        if error:
            return JsonResponse({"error": error}, status=400)
        return JsonResponse({"reviewed": _reviewed(request, film.goal)})
    if error:
        messages.error(request, error)
    if "enlarged" in request.POST:
        return redirect("review:film", film.pk)
    return HttpResponseRedirect(_place_in_grid(film))


def _given(said: QueryDict, goal: Goal) -> dict[str, Any]:
    if "take_back" in said:
        return {"verdict": FilmReview.Verdict.TAKEN_BACK}
    return {"verdict": said.get("verdict", ""), "tubes": "tubes" in said if asks_for_tubes(goal) else None}


def _context(request: HttpRequest, goal: Goal) -> dict[str, Any]:
    return {
        "goal": goal,
        "archive": goal.archive,
        "name": name_of(goal),
        "asks_for_tubes": asks_for_tubes(goal),
        "verdicts": VERDICTS,
        "reviewed": _reviewed(request, goal),
        "total": goal.films.count(),
        "begun": _begun(request),
        "said": _said(),
    }


Verdict = FilmReview.Verdict
# Each with its key.
VERDICTS = [(Verdict.PLAUSIBLE, "p"), (Verdict.IMPLAUSIBLE, "i"), (Verdict.ARTEFACT, "a")]


def _said() -> dict[str, str]:
    """What the pages' scripts say; braces are filled by them."""
    return {
        "reviewed": _("{reviewed} of {total} reviewed"),
        "stored": _("{film}: {verdict}. Stored; you have reviewed {reviewed} of {total} films of this goal."),
        "tube": _("{verdict}, a tube is seen"),
        "no_tube": _("{verdict}, no tube is seen"),
        "taken_back": _("your verdict is taken back"),
        "nothing": _("{film}: there is no verdict of yours to take back."),
        "waiting": _("The tube goes with your verdict, which is still to be given."),
        "unreached": _("{film}: not stored, because the server cannot be reached. Say it again."),
        "ended": _("{film}: not stored, because you are no longer signed in. Load this page again."),
        "refused": _("{film}: not stored. {error}"),
        "failed": _("The film cannot be shown ({error}). Load this page again."),
        "view": _("Window {window}, level {level}, zoom {zoom}\u00a0%"),
        "plain": _(", drawn without the graphics driver"),
        "turned": _("flipped or rotated"),
        "inverted": _("inverted"),
    }


def _goals(archive: LabelledArchive, reviewer: User) -> list[dict[str, Any]]:
    reviewed = reviewed_by(reviewer, archive)
    return [
        {"goal": goal, "name": name_of(goal), "films": goal.number_of_films, "reviewed": reviewed[goal.pk]}
        for goal in archive.goals.annotate(number_of_films=Count("films")).order_by("position")
    ]


def _reviewed(request: HttpRequest, goal: Goal) -> int:
    return reviewed_by(_reviewer(request), goal.archive)[goal.pk]


def _goal(archive: int, position: int) -> Goal:
    return get_object_or_404(Goal.objects.select_related("archive__collection"), archive=archive, position=position)


def _film(pk: int) -> SteeredFilm:
    return get_object_or_404(SteeredFilm.objects.select_related("goal__archive__collection", "radiograph"), pk=pk)


def _canonical(film: SteeredFilm) -> np.ndarray:
    try:
        return read_film(film.radiograph.path)
    except FileNotFoundError as error:
        raise Http404 from error


def _in_order(goal: Goal) -> QuerySet[SteeredFilm]:
    """By their seeds: an order that stays, also while the archive grows, and says nothing of scores."""
    return goal.films.select_related("radiograph").order_by("seed")


def _number(film: SteeredFilm) -> int:
    return film.goal.films.filter(seed__lte=film.seed).count()


def _place_in_grid(film: SteeredFilm) -> str:
    grid = reverse("review:goal", args=[film.goal.archive_id, film.goal.position])
    return f"{grid}?page={(_number(film) - 1) // FILMS_ON_A_PAGE + 1}#film-{film.pk}"


def _begun(request: HttpRequest) -> list[int]:
    """The archives (their ids) for which this session's reviewer said that they read in no study with its films."""
    return list(request.session.get(BEGUN, []))


def _reviewer(request: HttpRequest) -> User:
    return cast(User, request.user)
