"""The form of a run that teaches a head: what the effort chooses, and each setting by its name."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from training.forms import RunForm
from training.heads.recipe import FIELDS
from training.lora.recipe import Choices, Range

HELP = {
    "method": _(
        "linear fits labels to an encoder that stays as it is, in a minute; lora and full change "
        "the encoder as well, which takes longer and mostly sorts better."
    ),
    "encoder": _("english is the faster one; multilingual reads Chinese and a hundred others."),
    "abstain": _("auto says when a text seems to have none of your labels; never always answers."),
    "target_accuracy": _(
        "Answer only where so many answers are right, such as 0.95. Empty leaves it to abstain."
    ),
    "num_train_epochs": _("How often every row is read. Empty takes what the effort says."),
    "learning_rate": _("How far each step goes in the encoder. Too much and it unlearns."),
    "head_learning_rate": _("How far each step goes in what gives the labels."),
    "per_device_train_batch_size": _("Rows of one step. More is steadier and slower to learn."),
    "warmup_ratio": _("The part of the steps in which the rate rises from nothing."),
    "weight_decay": _("Pulls weights towards zero, against learning by heart."),
    "label_smoothing": _("Takes a little trust from every label, where some may be wrong."),
    "lora_r": _("How much the encoder can change: 8 a little, 32 a lot."),
    "lora_alpha": _("How strongly that change counts; mostly twice lora_r."),
    "lora_dropout": _("Leaves out a part of the change at each step, against learning by heart."),
    "max_length": _("Tokens that are read of a text; the rest is cut."),
    "early_stopping_patience": _("Stops after so many epochs without a gain on validation."),
    "seed": _("The same seed gives the same model."),
}


def setting(name: str) -> forms.Field:
    allowed = FIELDS[name]
    options: dict[str, Any] = {"label": name, "required": False, "help_text": HELP[name]}
    if isinstance(allowed, Choices):
        choices = [("", _("As the effort says")), *((each, each) for each in allowed.values)]
        return forms.ChoiceField(choices=choices, **options)
    if isinstance(allowed, Range) and allowed.whole:
        return forms.IntegerField(**options)
    return forms.FloatField(**options)


class HeadRunForm(RunForm):
    """What a run is called, how thorough it is, and single settings for who knows them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in HELP:
            self.fields[name] = setting(name)

    @property
    def settings(self) -> list[forms.BoundField]:
        return [self[name] for name in HELP]

    def changes(self) -> dict[str, Any]:
        given = {name: self.cleaned_data[name] for name in HELP}
        return {name: value for name, value in given.items() if value not in (None, "")}
