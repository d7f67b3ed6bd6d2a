"""A user's own profile, and the way to their sign-in settings."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from tenants.forms import ProfileForm
from tenants.http_types import UserRequest


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def profile(request: UserRequest) -> HttpResponse:
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, _("Saved."))
        return redirect("profile")
    status = 422 if form.is_bound else 200
    return render(request, "tenants/profile.html", {"form": form}, status=status)
