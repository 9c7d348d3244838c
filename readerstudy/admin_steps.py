"""Acts on one row that the admin asks about before it does them: freeze a study, withdraw a reader, draw films."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Confirmation(forms.Form):
    """Nothing to fill in."""


class Reason(forms.Form):
    reason = forms.CharField(label=_("Reason"), widget=forms.Textarea(attrs={"rows": 3}))


@dataclass(frozen=True)
class Step:
    """One act: who may do it, what is asked, and what is done. `act` returns what to say when it is done."""

    name: str
    label: str | Promise
    question: str | Promise
    permission: str
    act: Callable[[HttpRequest, Any, dict[str, Any]], str]
    form: type[forms.Form] = Confirmation
    states: frozenset[str] = field(default_factory=frozenset)
    """States in which the act is offered; empty means always."""


class StepsAdmin(admin.ModelAdmin):
    """Offers `steps` as buttons on the page of one row, each behind a page that asks."""

    steps: tuple[Step, ...] = ()
    change_form_template = "admin/change_form_with_steps.html"

    def state_of(self, row: Any) -> str:
        """What decides which steps are offered."""
        return ""

    def get_urls(self) -> list[URLPattern]:
        step_url = path(
            "<int:pk>/step/<slug:name>/", self.admin_site.admin_view(self.step_view), name=self._url_name("step")
        )
        return [step_url, *super().get_urls()]

    def step_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        row = get_object_or_404(self.get_queryset(request), pk=pk)
        step = next((step for step in self.steps if step.name == name), None)
        if step is None or not request.user.has_perm(step.permission):
            raise PermissionDenied
        form = step.form(request.POST) if request.method == "POST" else step.form()
        if request.method == "POST" and form.is_valid():
            try:
                said = step.act(request, row, form.cleaned_data)
            except ValidationError as error:
                form.add_error(None, error.messages)
            else:
                self.message_user(request, said, messages.SUCCESS)
                return HttpResponseRedirect(reverse(f"admin:{self._url_name('change')}", args=[row.pk]))
        context = self.admin_site.each_context(request) | {
            "title": step.label,
            "subtitle": str(row),
            "step": step,
            "row": row,
            "opts": self.opts,
            "form": form,
        }
        return TemplateResponse(request, "admin/step.html", context)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        row: Model | None = kwargs.get("obj")
        context["steps"] = [
            (step.label, reverse(f"admin:{self._url_name('step')}", args=[row.pk, step.name]))
            for step in self.steps
            if row and (not step.states or self.state_of(row) in step.states) and request.user.has_perm(step.permission)
        ]
        return super().render_change_form(request, context, *args, **kwargs)

    def _url_name(self, name: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{name}"
