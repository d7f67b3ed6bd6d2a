"""The decoder beside transformers and PEFT: losses and the gradient of every module."""

import peft
import pytest
import torch
from torch.nn import functional as F

from generation.engine.lora.peft import MODULES, tensor_name
from tests.training.lora.conftest import some_rows
from training.lora.adapter import LoraParameters
from training.lora.decoder import Decoder, Dropout
from training.lora.recipe import Recipe

RANK, ALPHA = 4, 6


def adapted(toy, **options):
    """(decoder, our adapter, PEFT's model), both adapters with the same random numbers."""
    folder, model = toy
    recipe = Recipe(lora_r=RANK, lora_alpha=ALPHA, **options)
    decoder = Decoder(folder, 128, dtype=torch.float32)
    adapter = LoraParameters(decoder.config, recipe, torch.device("cpu"))
    adapter.reset(decoder.lengths(adapter) if recipe.use_dora else None)
    with torch.no_grad():
        noise = torch.randn(adapter.flat.shape, generator=torch.Generator().manual_seed(1))
        adapter.flat.add_(noise, alpha=0.1)
    return decoder, adapter, theirs(model, adapter)


def theirs(model, adapter):
    import copy

    recipe = adapter.recipe
    settings = peft.LoraConfig(
        task_type="CAUSAL_LM",
        r=recipe.lora_r,
        lora_alpha=recipe.lora_alpha,
        target_modules=list(recipe.target_modules),
        use_dora=recipe.use_dora,
        use_rslora=recipe.use_rslora,
    )
    adapted_model = peft.get_peft_model(copy.deepcopy(model), settings)
    result = peft.set_peft_model_state_dict(adapted_model, adapter.tensors())
    assert not result.unexpected_keys
    return adapted_model


def losses_of(model, row):
    ids = torch.from_numpy(row.tokens).long()[None]
    places = torch.from_numpy(row.targets(True)).long()
    logits = model(input_ids=ids).logits[0, places - 1]
    return F.cross_entropy(logits, ids[0, places], reduction="none")


CASES = {
    "all modules": {},
    "some modules": {"target_modules": ("q_proj", "v_proj", "down_proj")},
    "rsLoRA": {"use_rslora": True},
    "DoRA": {"use_dora": True},
    "DoRA on some": {"use_dora": True, "target_modules": ("k_proj", "up_proj", "o_proj")},
}


@pytest.mark.parametrize("case", CASES)
def test_losses_and_gradients_are_pefts(toy, case):
    decoder, adapter, adapted_model = adapted(toy, **CASES[case])
    rows = some_rows(5)
    pack = decoder.packer.pack(rows)
    losses = decoder.losses(pack, adapter)
    wanted = torch.cat([losses_of(adapted_model, row) for row in rows])
    order = torch.argsort(pack.owners, stable=True)
    torch.testing.assert_close(losses[order], wanted, rtol=1e-4, atol=1e-5)

    losses.mean().backward()
    wanted.mean().backward()
    grads = dict(zip(adapter.shapes, split_grad(adapter), strict=True))
    found = 0
    for name, weight in adapted_model.named_parameters():
        if weight.requires_grad:
            ours = grads[name.replace(".default", "").replace("vector.weight", "vector")]
            torch.testing.assert_close(ours, weight.grad, rtol=1e-3, atol=1e-6)
            found += 1
    assert found == len(grads)


def split_grad(adapter):
    sizes = [torch.Size(shape).numel() for shape in adapter.shapes.values()]
    parts = adapter.flat.grad.split(sizes)
    return [part.view(shape) for part, shape in zip(parts, adapter.shapes.values(), strict=True)]


def test_the_base_gets_no_gradient(toy):
    decoder, adapter, _ = adapted(toy)
    decoder.losses(decoder.packer.pack(some_rows(2)), adapter).mean().backward()
    weights = [decoder.embedding, decoder.norm, *(dense.weight for _, _, dense in decoder.maps())]
    assert all(not weight.requires_grad and weight.grad is None for weight in weights)


def test_a_packed_row_has_the_losses_it_has_alone(toy):
    decoder, adapter, _ = adapted(toy)
    rows = some_rows(6)
    pack = decoder.packer.pack(rows)
    together = decoder.losses(pack, adapter)
    for number, row in enumerate(rows):
        alone = decoder.losses(decoder.packer.pack([row]), adapter)
        torch.testing.assert_close(together[pack.owners == number], alone, rtol=1e-4, atol=1e-5)


def test_all_tokens_are_learnt_where_completions_alone_are_not_wanted(toy):
    decoder, adapter, _ = adapted(toy)
    (row,) = some_rows(1)
    assert len(decoder.losses(decoder.packer.pack([row], False), adapter)) == len(row) - 1


def test_kernels_and_twins_agree_on_the_whole_model(wide):
    rows = some_rows(5)
    found = []
    for dtype in (torch.bfloat16, torch.float32):
        decoder = Decoder(wide[0], 128, dtype=dtype)
        adapter = LoraParameters(decoder.config, Recipe(lora_r=4), torch.device("cpu"))
        adapter.reset()
        with torch.no_grad():
            adapter.flat.add_(0.02)
        loss = decoder.losses(decoder.packer.pack(rows), adapter).mean()
        loss.backward()
        found.append((loss.item(), adapter.flat.grad))
    (fast, fast_grad), (plain, plain_grad) = found
    assert fast == pytest.approx(plain, rel=5e-3)
    assert F.cosine_similarity(fast_grad, plain_grad, dim=0) > 0.99


def test_dropout_drops_the_adapters_input_and_the_same_for_the_same_seed(toy):
    decoder, adapter, _ = adapted(toy, lora_dropout=0.5)
    pack = decoder.packer.pack(some_rows(3))
    first, again, other, none = (
        decoder.losses(pack, adapter, dropout=Dropout(share, seed))
        for share, seed in ((0.5, 1), (0.5, 1), (0.5, 2), (0.0, 1))
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    torch.testing.assert_close(none, decoder.losses(pack, adapter))


def test_a_fresh_adapter_changes_nothing_and_starts_as_pefts_does(toy):
    decoder = Decoder(toy[0], 128, dtype=torch.float32)
    adapter = LoraParameters(decoder.config, Recipe(), torch.device("cpu"))
    adapter.reset()
    pack = decoder.packer.pack(some_rows(3))
    torch.testing.assert_close(decoder.losses(pack, adapter), decoder.losses(pack))
    down = adapter.tensors()[tensor_name(0, "q_proj", "A")]
    assert down.abs().max() <= decoder.config.hidden_size**-0.5
    assert len(adapter.shapes) == 2 * len(MODULES) * decoder.config.layers
