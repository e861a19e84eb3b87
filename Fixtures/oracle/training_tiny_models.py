"""The tiny models of the area "training": each writes its folder. (Imported by make_training.py.)

Together: MHA and GQA, tied and untied, biases, frozen weights in bfloat16 and binary32, 4 and 5
adapters of unequal ranks with missing modules, rsLoRA, bundles and plain folders.
"""

import tensors
from llama import MODULES
from manifest import GOLDEN
from model_writer import (
    base_weights, config_4x, gate_weights, modules_of, write_adapter, write_base,
    write_bundle_file,
)  # fmt: skip

AREA = GOLDEN / "training"
WITHOUT_K = [module for module in MODULES if module != "k_proj"]


def write_all():
    for write in (gates, gates_and_adapters, adapter, base_tied, base_biases):
        write()


def _routed(name, config, settings, dtype, top_k, temperature):
    """A bundle; gates are trained, so they are binary32."""
    folder = AREA / name
    write_base(folder / "base", config, base_weights(config, dtype, name))
    written = [
        write_adapter(folder / "adapters" / each, config, dtype, f"{name}/{each}", **changes)
        for each, changes in settings.items()]
    having = set().union(*map(modules_of, written))
    tensors.write(folder / "gates.safetensors",
                  gate_weights(config, len(settings), having, "F32", name), {"format": "pt"})
    write_bundle_file(folder, list(settings), top_k, temperature)


def gates():
    """Grouped queries; frozen weights in bfloat16; five adapters, no one has k_proj."""
    config = config_4x(intermediate_size=40, vocab_size=90, torch_dtype="bfloat16")
    settings = {
        "rank1": {"r": 1, "lora_alpha": 2, "target_modules": WITHOUT_K},
        "rank3": {"r": 3, "lora_alpha": 5, "use_rslora": True, "target_modules": WITHOUT_K},
        "attention": {"r": 4, "target_modules": ["q_proj", "v_proj", "o_proj"]},
        "second-layer": {"r": 2, "lora_alpha": 3, "target_modules": ["v_proj", "down_proj"],
                         "layers_to_transform": [1]},
        "rank6": {"r": 6, "lora_alpha": 16, "target_modules": WITHOUT_K},
    }  # fmt: skip
    _routed("gates", config, settings, "BF16", 2, 1.0)


def gates_and_adapters():
    """One kv head per query head; all in binary32; four adapters, listed in no order."""
    config = config_4x(hidden_size=24, num_key_value_heads=4, intermediate_size=28, vocab_size=60)
    settings = {
        "zeta": {"r": 2, "target_modules": ["q_proj", "k_proj", "v_proj"]},
        "Beta": {"r": 3, "lora_alpha": 5, "target_modules": ["q_proj", "o_proj", "down_proj"]},
        "alpha": {"r": 5, "target_modules": ["v_proj", "gate_proj", "up_proj"],
                  "use_rslora": True},
        "last": {"r": 1, "lora_alpha": 2, "target_modules": ["o_proj", "up_proj"],
                 "layers_to_transform": [0]},
    }  # fmt: skip
    _routed("gates-and-adapters", config, settings, "F32", 3, 15.0)


def adapter():
    """One PEFT folder beside a base in bfloat16; three query heads on one; rsLoRA; head_dim 10."""
    folder = AREA / "adapter"
    config = config_4x(
        hidden_size=36, num_attention_heads=3, num_key_value_heads=1, head_dim=10,
        intermediate_size=33, vocab_size=70, torch_dtype="bfloat16",
        transformers_version="4.46.0")  # fmt: skip
    write_base(folder, config, base_weights(config, "BF16", "adapter"))
    write_adapter(
        folder / "adapters/solo", config, "F32", "adapter/solo", r=3, use_rslora=True,
        target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "down_proj"],
        rank_pattern={"self_attn.k_proj": 7}, alpha_pattern={"self_attn.k_proj": 24})


def base_tied():
    """The embedding is the head."""
    config = config_4x(
        hidden_size=24, num_key_value_heads=4, intermediate_size=28, vocab_size=50,
        tie_word_embeddings=True)  # fmt: skip
    write_base(AREA / "base-tied", config, base_weights(config, "F32", "base-tied"))


def base_biases():
    """A head of its own, biases everywhere, grouped queries."""
    config = config_4x(
        hidden_size=24, num_attention_heads=6, num_key_value_heads=2, intermediate_size=33,
        vocab_size=53, attention_bias=True, mlp_bias=True, rms_norm_eps=1e-06,
        transformers_version="4.46.0")  # fmt: skip
    write_base(AREA / "base-biases", config, base_weights(config, "F32", "base-biases"))
