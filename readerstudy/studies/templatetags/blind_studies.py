"""What pages of other rooms ask of studies, so that nobody sees there what would unblind a reader."""

from __future__ import annotations

from django import template

from readerstudy.archive.models import Collection
from readerstudy.studies.models import Study

register = template.Library()


@register.simple_tag
def blind_studies_of(collection: Collection) -> list[Study]:
    """The studies that show films of this collection and are frozen and not yet unblinded, by name."""
    blind = Study.objects.filter(state__in=[Study.State.FROZEN, Study.State.CLOSED])
    return list(blind.filter(arms__collection=collection).distinct().order_by("name"))
