"""Addresses of datasets, runs and models in the API, and of what OpenAI's clients teach with."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from training.api.datasets import DatasetViewSet
from training.api.models import ModelViewSet
from training.api.openai import files, ids, jobs
from training.api.runs import TrainingRunViewSet

router = SimpleRouter()
router.trailing_slash = "/?"
router.register("datasets", DatasetViewSet, basename="api-dataset")
router.register("training-runs", TrainingRunViewSet, basename="api-training-run")
router.register("models", ModelViewSet, basename="api-model")

ids.register()

# /v1/
openai_urls = [
    path("files", files.FileList.as_view(), name="openai-files"),
    path("files/<file:pk>", files.FileDetail.as_view(), name="openai-file"),
    path("files/<file:pk>/content", files.FileContent.as_view(), name="openai-file-content"),
    path("fine_tuning/jobs", jobs.JobList.as_view(), name="openai-jobs"),
    path("fine_tuning/jobs/<ftjob:pk>", jobs.JobDetail.as_view(), name="openai-job"),
    path("fine_tuning/jobs/<ftjob:pk>/cancel", jobs.JobCancel.as_view(), name="openai-job-cancel"),
    path("fine_tuning/jobs/<ftjob:pk>/pause", jobs.JobPause.as_view(), name="openai-job-pause"),
    path("fine_tuning/jobs/<ftjob:pk>/resume", jobs.JobResume.as_view(), name="openai-job-resume"),
    path("fine_tuning/jobs/<ftjob:pk>/events", jobs.JobEvents.as_view(), name="openai-job-events"),
    path(
        "fine_tuning/jobs/<ftjob:pk>/checkpoints",
        jobs.JobCheckpoints.as_view(),
        name="openai-job-checkpoints",
    ),
]

urlpatterns = [
    path("api/v1/", include(router.urls)),
    path("v1/", include(openai_urls)),
]
