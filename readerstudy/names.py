"""Finding what a person named, and telling the names there are where it is not there."""

from __future__ import annotations

from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

Row = TypeVar("Row", bound=Model)


def find_by_name(rows: QuerySet[Row], name: str, refusal: str, *, field: str = "name", **words: Any) -> Row:
    """The row with that name in `field`.

    Raises ValidationError with `refusal`, where %(name)s is the name asked for and %(names)s are those there are;
    `words` fill in the rest of it.
    """
    row = rows.filter(**{field: name}).first()
    if row is None:
        names = ", ".join(rows.order_by(field).values_list(field, flat=True)) or _("none")
        raise ValidationError(refusal % {"name": name, "names": names, **words})
    return row
