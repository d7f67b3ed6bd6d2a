"""Which model wrote a text stands beside it; a model on hold lets nobody order anything."""

import pytest
from django.test import Client

from generation.models import Brand, Brief
from generation.services import brief_request, variant_pick
from tests.generation.conftest import run_jobs
from tests.generation.views.conftest import Url
from tests.generation.views.test_batches import write
from tests.generation.views.test_write import answers
from tests.training.conftest import upload
from training.models import ModelVersion
from training.services import version_import, version_promote, version_quarantine


@pytest.fixture
def live(in_acme: None) -> ModelVersion:
    version = version_import(upload=upload())
    version_promote(version=version)
    return version


def test_a_text_says_which_model_wrote_it(
    live: ModelVersion, note: str, brand: Brand, viewer: Client, url: Url
) -> None:
    brief = brief_request(kind=note, fields={"topic": "Anvils"}, brand=brand)
    version_promote(version=None)
    later = brief_request(kind=note, fields={"topic": "Anvils"}, brand=brand)
    run_jobs()
    content = variant_pick(variant=brief.variants.get(number=1))
    for page, count in (
        (url("brief", brief.pk), 3),
        (url("variant", brief.pk, 1), 3),
        (url("content", content.pk), 1),
        (url("brief", later.pk), 0),
    ):
        text = viewer.get(page).content.decode()
        assert text.count("Written with “Autumn voice” (number 1)") == count, page


def test_nothing_is_ordered_while_the_live_model_is_on_hold(
    live: ModelVersion, note: str, brand: Brand, editor: Client, url: Url
) -> None:
    version_quarantine(version=live)
    answer = editor.post(url("brief-new", "note"), answers(brand))
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "“Autumn voice” is on hold." in page
    assert "Anvils" in page
    answer = write(editor, url, brand, "topic\nAnvils\n")
    assert "“Autumn voice” is on hold." in answer.content.decode()
    assert not Brief.objects.exists()
