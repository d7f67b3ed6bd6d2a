"""What comes out of training is what the engine serves: the same text as the plain forward."""

import hashlib

import peft
import torch

from generation.engine import load
from generation.engine.types import AdapterRef, Sampling
from tests.generation.engine.toys import ask, finish
from tests.training.lora.conftest import rhymes
from training.lora.loop import train
from training.lora.recipe import Recipe
from training.lora.types import TrainingInput

RECIPE = Recipe(learning_rate=0.01, tokens_per_step=64, num_train_epochs=10, max_length=64)


def test_the_engine_says_what_peft_says_with_the_trained_adapter(toy, tmp_path):
    folder, model = toy
    result = train(TrainingInput(folder, tmp_path / "run", RECIPE, rhymes()))
    data = (result.adapter / "adapter_model.safetensors").read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    assert result.files["adapter_model.safetensors"].sha256 == sha256
    engine = load("local", model=folder, threads=1, context=512, precision="fp32")
    try:
        ref = AdapterRef("trained", str(result.adapter), sha256)
        greedy = {"prompt": "the cat", "sampling": Sampling(temperature=0)}
        said = finish(engine, ask(adapter=ref, **greedy))
        bare = finish(engine, ask(**greedy))
        ids = torch.tensor([engine.tokenizer.encode("the cat")])
        adapted_model = peft.PeftModel.from_pretrained(model, result.adapter)
        wanted = adapted_model.generate(input_ids=ids, max_new_tokens=12, do_sample=False)
        adapted_model.unload()
        text = engine.tokenizer.fast.decode(wanted[0, ids.shape[1] :].tolist())
    finally:
        engine.close()
    assert said.adapter_sha256 == sha256
    assert said.text == text != bare.text
