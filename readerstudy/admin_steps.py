"""Acts that the admin asks about before it does them: freeze a study, withdraw a reader, import films."""

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
    """One act: who may do it, what is asked, and what is done. `act` returns what to say when it is done.

    `act` gets the request, the row (None where the act is on no row) and the form's answers, which a link may suggest.
    """

    name: str
    label: str | Promise
    question: str | Promise
    permission: str
    act: Callable[[HttpRequest, Any, dict[str, Any]], str]
    form: type[forms.Form] = Confirmation
    states: frozenset[str] = field(default_factory=frozenset)
    """States in which the act is offered; empty means always."""


class StepsAdmin(admin.ModelAdmin):
    """Offers `steps` on the page of one row and `list_steps` on that of all, each behind a page that asks."""

    steps: tuple[Step, ...] = ()
    list_steps: tuple[Step, ...] = ()
    change_form_template = "admin/change_form_with_steps.html"
    change_list_template = "admin/change_list_with_steps.html"

    def state_of(self, row: Any) -> str:
        """What decides which steps are offered."""
        return ""

    def get_urls(self) -> list[URLPattern]:
        guarded = self.admin_site.admin_view
        return [
            path("<int:pk>/step/<slug:name>/", guarded(self.step_view), name=self._url_name("step")),
            path("step/<slug:name>/", guarded(self.list_step_view), name=self._url_name("list_step")),
            *super().get_urls(),
        ]

    def step_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        row = get_object_or_404(self.get_queryset(request), pk=pk)
        step = self._permitted(request, self.steps, name)
        return self._ask(request, step, row, reverse(f"admin:{self._url_name('change')}", args=[row.pk]))

    def list_step_view(self, request: HttpRequest, name: str) -> HttpResponse:
        step = self._permitted(request, self.list_steps, name)
        return self._ask(request, step, None, reverse(f"admin:{self._url_name('changelist')}"))

    def _permitted(self, request: HttpRequest, steps: tuple[Step, ...], name: str) -> Step:
        step = next((step for step in steps if step.name == name), None)
        if step is None or not request.user.has_perm(step.permission):
            raise PermissionDenied
        return step

    def _ask(self, request: HttpRequest, step: Step, row: Model | None, back: str) -> HttpResponse:
        form = step.form(request.POST) if request.method == "POST" else step.form(initial=request.GET.dict())
        if request.method == "POST" and form.is_valid():
            try:
                said = step.act(request, row, form.cleaned_data)
            except ValidationError as error:
                form.add_error(None, error.messages)
            else:
                self.message_user(request, said, messages.SUCCESS)
                return HttpResponseRedirect(back)
        context = self.admin_site.each_context(request) | {
            "title": step.label,
            "subtitle": str(row) if row else None,
            "step": step,
            "row": row,
            "back": back,
            "opts": self.opts,
            "form": form,
        }
        return TemplateResponse(request, "admin/step.html", context)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        steps = [
            (step.label, reverse(f"admin:{self._url_name('list_step')}", args=[step.name]))
            for step in self.list_steps
            if request.user.has_perm(step.permission)
        ]
        return super().changelist_view(request, {"steps": steps} | (extra_context or {}))

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
