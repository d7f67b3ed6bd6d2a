"""The studio's rows as JSON."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from generation import kinds
from generation.kinds.kind import Kind
from generation.models import Audience, Brand, Brief, Content, ContentVersion, Variant
from generation.models.briefs import LANGUAGES, MAX_VARIANTS
from saas.api.fields import CharField, ChoiceField, IntegerField, TenantRelatedField
from saas.api.serializers import StrictModelSerializer, StrictSerializer

MAX_LINES = 50
MAX_TEXT = 100_000
MAX_BULK = 100
STAMPS = ("created_at", "updated_at")


def at_most(lines: int, *names: str) -> dict[str, dict[str, Any]]:
    return {name: {"max_length": lines} for name in names}


class JSONObject(serializers.DictField):
    """An object whose names another schema explains."""


class BrandSerializer(StrictModelSerializer):
    """A brand: its voice and words, and the facts that copy may state."""

    class Meta:
        model = Brand
        fields = (
            *("id", "name", "about", "url", "tone", "do", "dont", "terms", "banned"),
            *("samples", "facts", "is_default", *STAMPS),
        )
        read_only_fields = ("id", *STAMPS)
        validators: ClassVar[list[Any]] = []
        extra_kwargs = at_most(MAX_LINES, "do", "dont", "terms", "banned", "samples", "facts")


class AudienceSerializer(StrictModelSerializer):
    """The people that copy is for."""

    class Meta:
        model = Audience
        fields = ("id", "name", "description", "pains", "goals", *STAMPS)
        read_only_fields = ("id", *STAMPS)
        validators: ClassVar[list[Any]] = []
        extra_kwargs = at_most(MAX_LINES, "pains", "goals")


class KindSerializer(serializers.Serializer[Any]):
    """A kind of copy: the schema of a brief's `fields`, and that of the finished copy."""

    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    description = serializers.CharField()
    fields_schema = serializers.SerializerMethodField()
    copy_schema = serializers.SerializerMethodField()

    @extend_schema_field({"type": "object"})
    def get_fields_schema(self, kind: Kind) -> dict[str, Any]:
        return kind.fields_schema()

    @extend_schema_field({"type": "object"})
    def get_copy_schema(self, kind: Kind) -> dict[str, Any]:
        return kind.schema()


class VariantSummarySerializer(StrictModelSerializer):
    """A variant in its brief: how far it is, and the job that writes it."""

    class Meta:
        model = Variant
        fields = ("id", "number", "state", "job")
        read_only_fields = fields


class BriefSerializer(StrictModelSerializer):
    """An order for copy."""

    fields = JSONObject(read_only=True)  # type: ignore[assignment]
    variants = VariantSummarySerializer(many=True, read_only=True)

    class Meta:
        model = Brief
        fields = (
            *(
                "id",
                "kind",
                "title",
                "fields",
                "brand",
                "audience",
                "language",
                "length",
                "campaign",
            ),
            *("seed", "variants", *STAMPS),
        )
        read_only_fields = fields


class BriefRequestSerializer(StrictSerializer):
    """What is to be written, and how many times."""

    kind = ChoiceField(choices=list(kinds.KINDS))
    fields = JSONObject(  # type: ignore[assignment]
        help_text="As the kind's `fields_schema` says."
    )
    brand = TenantRelatedField(queryset=Brand.objects)
    audience = TenantRelatedField(queryset=Audience.objects, allow_null=True, default=None)
    language = ChoiceField(choices=LANGUAGES, default="en")
    length = IntegerField(max_value=5000, default=0, help_text="In words; 0 is the kind's own.")
    campaign = CharField(max_length=80, allow_blank=True, default="")
    variants = IntegerField(min_value=1, max_value=MAX_VARIANTS, default=3)
    seed = IntegerField(allow_null=True, default=None, help_text="The same seed, the same text.")


class BriefChangeSerializer(StrictSerializer):
    """What is to be another. Texts that are there stay, and are checked against the new brief."""

    fields = JSONObject(required=False)  # type: ignore[assignment]
    brand = TenantRelatedField(queryset=Brand.objects, required=False)
    audience = TenantRelatedField(queryset=Audience.objects, allow_null=True, required=False)
    language = ChoiceField(choices=LANGUAGES, required=False)
    length = IntegerField(max_value=5000, required=False)
    campaign = CharField(max_length=80, allow_blank=True, required=False)


class BulkRequestSerializer(StrictSerializer):
    """Many orders at once: all of them are taken, or none."""

    briefs = serializers.ListField(
        child=BriefRequestSerializer(), min_length=1, max_length=MAX_BULK
    )


class BulkSerializer(serializers.Serializer[Any]):
    """The briefs that were ordered, as they were sent."""

    data = BriefSerializer(many=True)  # type: ignore[assignment]


class MoreVariantsSerializer(StrictSerializer):
    """How many more variants a brief should have."""

    count = IntegerField(min_value=1, max_value=MAX_VARIANTS, default=1)


class VariantSerializer(StrictModelSerializer):
    """One text for a brief. `model_text` stays as the model wrote it."""

    text = CharField(max_length=MAX_TEXT, trim_whitespace=False, required=False)
    rating = IntegerField(min_value=-1, max_value=1, required=False, help_text="A thumb: -1, 0, 1.")

    class Meta:
        model = Variant
        fields = (
            *("id", "brief", "number", "state", "error", "job", "text", "model_text", "data"),
            *(
                "issues",
                "rating",
                "picked_at",
                "seed",
                "writer",
                "own_lines",
                "lines",
                "base_sha256",
                "adapter_sha256",
                *STAMPS,
            ),
        )
        read_only_fields = tuple(name for name in fields if name not in {"text", "rating"})


class ContentSerializer(StrictModelSerializer):
    """A piece of copy in the library. A new text voids the approval of the old one."""

    text = CharField(max_length=MAX_TEXT, trim_whitespace=False, required=False)
    writer = ChoiceField(
        choices=["", *Variant.Writer.values],
        read_only=True,
        help_text="Empty for a text that was written elsewhere.",
    )

    class Meta:
        model = Content
        fields = (
            *("id", "kind", "title", "status", "language", "version", "text", "data", "sha256"),
            *("labels", "brief", "variant", "writer", "archived_at", *STAMPS),
        )
        read_only_fields = tuple(name for name in fields if name not in {"text", "labels"})
        extra_kwargs = at_most(20, "labels")


class NewContentSerializer(StrictSerializer):
    """Copy that was written elsewhere, to be reviewed and kept with the rest."""

    kind = ChoiceField(choices=list(kinds.KINDS))
    text = CharField(max_length=MAX_TEXT, trim_whitespace=False)
    title = CharField(max_length=200, allow_blank=True, default="")
    language = ChoiceField(choices=LANGUAGES, default="en")
    brief = TenantRelatedField(
        queryset=Brief.objects, allow_null=True, default=None, help_text="What it answers."
    )
    labels = serializers.ListField(child=CharField(max_length=40), max_length=20, default=list)


class ContentVersionSerializer(StrictModelSerializer):
    """A content's text as it once was."""

    class Meta:
        model = ContentVersion
        fields = ("id", "number", "text", "data", "sha256", "note", "created_at")
        read_only_fields = fields


class CommentSerializer(StrictSerializer):
    """A word to go with a step of the review."""

    comment = CharField(max_length=1000, allow_blank=True, default="")


class ApprovalSerializer(CommentSerializer):
    """The approval of exactly one text."""

    sha256 = CharField(max_length=64, help_text="The `sha256` of the text that was read.")


class RestoreSerializer(StrictSerializer):
    """Which earlier version to take back."""

    version = IntegerField(min_value=1)
