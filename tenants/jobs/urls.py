"""Running and recent work, under /w/<slug>/."""

from django.urls import include, path

from tenants.jobs import views

# jobs/
job_urls = [
    path("", views.job_list, name="job-list"),
    path("drawer", views.job_drawer, name="job-drawer"),
    path("<uuid:pk>/status", views.job_status, name="job-status"),
    path("<uuid:pk>/stream", views.job_stream, name="job-stream"),
    path("<uuid:pk>/cancel", views.job_cancelled, name="job-cancel"),
]

urlpatterns = [path("jobs/", include(job_urls))]
