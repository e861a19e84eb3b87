"""The tiny models of the area "models": each writes its folder. (Imported by make_models.py.)

Together: MHA and GQA, tied and untied, biases, head_dim of its own, F32 / BF16 / F16, shards,
config.json in the spelling of Transformers 4.x and 5.x, rope default / linear / llama3, 3 to 28
adapters of equal and unequal ranks with missing modules, rsLoRA, patterns, bundles, plain folders
with adapters and gates beside them, published checkpoints.
"""

import numpy as np

import tensors
from llama import MODULES
from manifest import GOLDEN
from model_writer import (
    adapter_weights, base_weights, config_4x, config_5x, gate_weights, modules_of, PEFT_CONFIG,
    write_adapter, write_base, write_bundle_file, write_checkpoint, write_json,
)  # fmt: skip

ATTENTION = ["q_proj", "k_proj", "v_proj", "o_proj"]
LLAMA31 = {
    "factor": 8.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
    "original_max_position_embeddings": 8192, "rope_type": "llama3",
}  # fmt: skip
TASKS_28 = [
    "abstract_narrative", "alpaca", "arithmetic", "boolq", "cnn_news", "codes", "contextual",
    "cryptonite", "dates", "disfluent", "emoji", "fallacies", "figures", "geometry", "gsm",
    "implicature", "inequality", "kannada", "linguistics", "metaphor", "news_de", "news_es",
    "objects", "paragraphs", "similarities", "strategy", "topical", "winowhy",
]  # fmt: skip


def write_all():
    for write in (mha_tied, gqa_sharded, bias_f16, rope_parameters, published, published_unequal,
                  tasks28, long_prompts, plain_minimal):  # fmt: skip
        write()


def _adapters(folder, config, settings, dtype):
    """Writes adapters/<name> for each name of `settings`; returns their tensors in that order."""
    seed = folder.name
    return [
        write_adapter(folder / "adapters" / name, config, dtype, f"{seed}/{name}", **changes)
        for name, changes in settings.items()
    ]


def _gates(folder, config, written, dtype, scale=1.5):
    having = set().union(*map(modules_of, written))
    gates = gate_weights(config, len(written), having, dtype, folder.name, scale)
    tensors.write(folder / "gates.safetensors", gates, {"format": "pt"})


def mha_tied():
    """Bundle: multi-head attention, tied, binary32, three adapters of rank 4."""
    folder = GOLDEN / "models/mha-tied"
    config = config_4x(num_key_value_heads=4, intermediate_size=44, tie_word_embeddings=True)
    write_base(folder / "base", config, base_weights(config, "F32", folder.name))
    names = ["sums", "capitals", "reverse"]
    written = _adapters(folder, config, {name: {} for name in names}, "F32")
    _gates(folder, config, written, "F32")
    write_bundle_file(folder, names, 2, 1.0)


def gqa_sharded():
    """Bundle: grouped queries, bf16 in three shards, llama3 rope; everything about the five
    adapters differs, and no one has k_proj."""
    folder = GOLDEN / "models/gqa-sharded"
    config = config_4x(
        hidden_size=48, head_dim=16, intermediate_size=65, vocab_size=128, rope_theta=500000.0,
        rope_scaling=LLAMA31, max_position_embeddings=131072, torch_dtype="bfloat16",
        eos_token_id=[120, 121], transformers_version="4.46.0")  # fmt: skip
    write_base(folder / "base", config, base_weights(config, "BF16", folder.name), shards=3)
    settings = {
        "rank1": {"r": 1, "target_modules": ["q_proj", "v_proj"], "lora_alpha": 2},
        "rank3-rslora": {"r": 3, "target_modules": ["o_proj", "down_proj", "up_proj", "gate_proj"],
                         "use_rslora": True, "lora_alpha": 5},
        "rank8": {"r": 8, "target_modules": [m for m in MODULES if m != "k_proj"],
                  "rank_pattern": {"q_proj": 33}, "alpha_pattern": {"q_proj": 40, "down_proj": 7},
                  "lora_alpha": 16},
        "second-layer": {"r": 2, "target_modules": ["v_proj", "down_proj"],
                         "layers_to_transform": [1], "lora_alpha": 3},
        "rank5": {"r": 5, "target_modules": ["q_proj", "o_proj"], "lora_alpha": 16,
                  "alpha_pattern": {"model.layers.1.self_attn.o_proj": 9}},
    }  # fmt: skip
    written = _adapters(folder, config, settings, "BF16")
    _gates(folder, config, written, "BF16")
    write_bundle_file(folder, list(settings), 3, 15.0)


def bias_f16():
    """Plain folder with adapters and gates: biases everywhere, binary16, linear rope, head_dim 10,
    three query heads on one; adapter names whose byte order is not the alphabet's."""
    folder = GOLDEN / "models/bias-f16"
    config = config_4x(
        hidden_size=36, num_attention_heads=3, num_key_value_heads=1, head_dim=10,
        intermediate_size=33, attention_bias=True, mlp_bias=True, rms_norm_eps=1e-06,
        rope_scaling={"factor": 2.5, "type": "linear"}, torch_dtype="float16",
        transformers_version="4.46.0")  # fmt: skip
    write_base(folder, config, base_weights(config, "F16", folder.name))
    order = sorted(["a2", "Zulu", "a10", "b_x"])
    written = _adapters(folder, config, {
        name: {"r": 2 + i, "lora_alpha": 4} for i, name in enumerate(order)}, "F16")
    _gates(folder, config, written, "F16")


def rope_parameters():
    """Plain folder: config.json of Transformers 5, rope llama3, tied, bf16, hidden 136 (two blocks
    in a dot product); adapters given in an order that is not the alphabet's."""
    folder = GOLDEN / "models/rope-parameters"
    config = config_5x(
        {**LLAMA31, "factor": 32.0, "rope_theta": 500000.0}, hidden_size=136, head_dim=8,
        num_hidden_layers=1, intermediate_size=40, tie_word_embeddings=True,
        torch_dtype="bfloat16", max_position_embeddings=131072)  # fmt: skip
    write_base(folder, config, base_weights(config, "BF16", folder.name))
    settings = {"third": {"r": 2}, "second": {"target_modules": ATTENTION}, "first": {"r": 3}}
    written = _adapters(folder, config, settings, "BF16")
    _gates(folder, config, written, "F32", scale=1.0)


def published():
    """Plain folder with a checkpoint as the published code saves it; the adapters beside it have
    other A and B, which do not count. Tied: the checkpoint holds lm_head too. down_proj is 132
    wide: two blocks."""
    folder = GOLDEN / "models/published"
    config = config_4x(intermediate_size=132, tie_word_embeddings=True, torch_dtype="bfloat16")
    weights = base_weights(config, "BF16", folder.name)
    write_base(folder, config, weights)
    settings = {"capitals": {}, "reverse": {"lora_alpha": 16}, "winowhy": {"lora_alpha": 4}}
    written = _adapters(folder, config, settings, "BF16")
    _checkpoint(folder, config, weights, settings, written, "BF16")


def published_unequal():
    """The same with ranks 2, 5, 1; the last adapter has no up_proj."""
    folder = GOLDEN / "models/published-unequal"
    config = config_4x(num_hidden_layers=1, torch_dtype="bfloat16")
    weights = base_weights(config, "BF16", folder.name)
    write_base(folder, config, weights)
    settings = {
        "a": {"r": 2}, "b": {"r": 5, "use_rslora": True},
        "c": {"r": 1, "target_modules": [m for m in MODULES if m != "up_proj"]},
    }  # fmt: skip
    written = _adapters(folder, config, settings, "BF16")
    _checkpoint(folder, config, weights, settings, written, "BF16")


def _checkpoint(folder, config, weights, settings, written, dtype):
    trained = [
        adapter_weights(config, {**PEFT_CONFIG, **changes}, dtype, f"{folder.name}/{name}/trained")
        for name, changes in settings.items()
    ]
    having = set().union(*map(modules_of, written))
    gates = gate_weights(config, len(settings), having, dtype, folder.name)
    write_checkpoint(folder / "meteora_checkpoint.safetensors", weights, trained, gates)


def tasks28():
    """Bundle: 28 adapters of ranks 2 to 4 in one layer."""
    folder = GOLDEN / "models/tasks28"
    config = config_4x(num_hidden_layers=1, torch_dtype="bfloat16", eos_token_id=95)
    write_base(folder / "base", config, base_weights(config, "BF16", folder.name))
    settings = {name: {"r": 2 + i % 3, "lora_alpha": 8} for i, name in enumerate(TASKS_28)}
    written = _adapters(folder, config, settings, "BF16")
    _gates(folder, config, written, "BF16")
    write_bundle_file(folder, TASKS_28, 2, 1.0)


def long_prompts():
    """Bundle for prompts that cross blocks of 128 and 256 positions."""
    folder = GOLDEN / "models/long-prompts"
    config = config_4x(
        num_attention_heads=2, num_key_value_heads=1, intermediate_size=40, vocab_size=64,
        torch_dtype="bfloat16", rope_theta=1000000.0, max_position_embeddings=264)  # fmt: skip
    write_base(folder / "base", config, base_weights(config, "BF16", folder.name))
    names = ["one", "two", "three", "four"]
    settings = {name: {"r": 2, "target_modules": ["q_proj", "v_proj", "down_proj"]}
                for name in names}  # fmt: skip
    written = _adapters(folder, config, settings, "BF16")
    _gates(folder, config, written, "BF16")
    write_bundle_file(folder, names, 2, 1.0)


def plain_minimal():
    """Plain folder, an old and short config.json (no kv heads, no rope, no tie: defaults), old
    inv_freq tensors that do not count, and logits where id i always ties with id 64 + i. One
    adapter with patterns, to be used without gates."""
    folder = GOLDEN / "models/plain-minimal"
    config = config_4x(
        num_hidden_layers=1, vocab_size=128, max_position_embeddings=32, intermediate_size=33,
        transformers_version="4.30.0", torch_dtype="float32")  # fmt: skip
    for name in ("num_key_value_heads", "rope_theta", "rope_scaling", "tie_word_embeddings",
                 "attention_bias", "attention_dropout", "mlp_bias"):  # fmt: skip
        del config[name]
    weights = base_weights(config, "F32", folder.name)
    head = weights["lm_head.weight"].raw
    head[64:] = head[:64]
    weights["model.layers.0.self_attn.rotary_emb.inv_freq"] = tensors.store(
        np.full(4, np.float32(0.5)))
    write_base(folder, config, weights)
    write_adapter(
        folder / "adapters/solo", config, "F32", "plain-minimal/solo",
        target_modules=["q_proj", "k_proj", "gate_proj", "down_proj"], use_rslora=True,
        rank_pattern={"self_attn.k_proj": 2},
        alpha_pattern={"self_attn.k_proj": 24, "mlp.down_proj": 3.5})
    write_json(folder / "generation_config.json", {
        "bos_token_id": 1, "do_sample": True, "eos_token_id": [2, 33], "temperature": 0.6,
        "top_p": 0.9, "transformers_version": "4.30.0"})  # fmt: skip
