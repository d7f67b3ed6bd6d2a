"""Scenarios: the places on a site, edited beside a preview of what somebody would get there."""

from dataclasses import asdict
from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from recommendations.forms import ScenarioForm
from recommendations.models import Person, Scenario
from recommendations.services.answers import Answer, Ask, recommend
from recommendations.services.scenarios import scenario_save, scenario_undo
from saas.errors import Invalid
from tenants.access import role_required
from tenants.portal import PortalRequest, attempt, go, posted, rendered
from tenants.undo import deleted, done

PREVIEW = 8


@require_GET
def scenario_list(request: PortalRequest, slug: str) -> HttpResponse:
    context = {
        "scenarios": Scenario.objects.order_by("name"),
        "can_change": request.membership.may("editor"),
    }
    return rendered(request, "recommendations/scenario_list.html", context)


@require_http_methods(["GET", "POST"])
@role_required("editor")
def scenario_new(request: PortalRequest, slug: str) -> HttpResponse:
    return edited(request, Scenario())


@require_http_methods(["GET", "POST"])
@role_required("editor")
def scenario_edit(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    return edited(request, get_object_or_404(Scenario, pk=pk))


def edited(request: PortalRequest, scenario: Scenario) -> HttpResponse:
    form = ScenarioForm(posted(request), instance=scenario)
    if form.is_bound and form.is_valid() and saved(request, form):
        messages.success(request, _("“%s” is saved.") % form.instance.name)
        return go(request, "recommend-scenario", form.instance.pk)
    context = {
        "form": form,
        "scenario": scenario,
        "fresh": scenario._state.adding,
        "people": Person.objects.present().order_by("-last_seen_at")[:20],
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return rendered(request, "recommendations/scenario_form.html", context, status=status)


def saved(request: PortalRequest, form: ScenarioForm) -> bool:
    """Store what was filled in, once it has answered a question: a broken rule is never saved."""
    try:
        with transaction.atomic():
            dry_run(form, None)
            scenario_save(scenario=form.instance, settings=form.chosen())
    except Invalid as error:
        form.refuse(error)
        return False
    return True


def dry_run(form: ScenarioForm, person: Person | None) -> Answer:
    """What the settings in the form would answer; nothing of it stays."""
    with transaction.atomic():
        own = asdict(form.chosen())
        answer = recommend(ask=Ask(count=PREVIEW, person=person, own=own, explain=True))
        transaction.set_rollback(True)
    return answer


@require_POST
@role_required("editor")
def scenario_preview(request: PortalRequest, slug: str) -> HttpResponse:
    """The cards beside the form: what the chosen person would get with what is filled in."""
    form = ScenarioForm(request.POST)
    form.fields.pop("key", None)
    form.fields.pop("name", None)
    person = Person.objects.present().filter(key=request.POST.get("person", "")).first()
    context: dict[str, object] = {"person": person}
    if form.is_valid():
        try:
            answer = dry_run(form, person)
            context |= {"shown": answer.shown, "reason": answer.reason}
        except Invalid as error:
            form.refuse(error)
    context["form"] = form
    return rendered(request, "recommendations/_preview.html", context)


@require_POST
@role_required("editor")
def scenario_undone(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    scenario = get_object_or_404(Scenario, pk=pk)
    attempt(
        request,
        lambda: scenario_undo(scenario=scenario),
        _("The settings before the last change hold again."),
    )
    return go(request, "recommend-scenario", scenario.pk)


@require_POST
@role_required("editor")
def scenario_delete(request: PortalRequest, slug: str, pk: UUID) -> HttpResponse:
    scenario = get_object_or_404(Scenario, pk=pk)
    noted = deleted(scenario)
    done(request, _("“%s” is deleted.") % scenario.name, "restore", noted)
    return go(request, "recommend-scenarios")
