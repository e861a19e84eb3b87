"""What make_torch_models.py builds: one entry per folder under golden/models.

`transformers` is the version whose `save_pretrained` writes the folder; `adapters` are keyword
arguments of PEFT's `LoraConfig` in adapter order, beside `save_as` (dtype of the saved matrices).
`layout` is "bundle" (meteora.json, base/, adapters/, gates.safetensors) or "plain" (a Hugging Face
folder, adapters/ beside it). `checkpoint` asks for a MeteoRA checkpoint in the published layout.
(Standard library only; imported, not run.)
"""

ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
EARLY, LATE, FIVE = "4.40.0", "4.57.6", "5.23.0"


def llama(hidden, heads, kv_heads, inter, layers, vocab, **others):
    return {
        "hidden_size": hidden, "num_attention_heads": heads, "num_key_value_heads": kv_heads,
        "intermediate_size": inter, "num_hidden_layers": layers, "vocab_size": vocab,
        "max_position_embeddings": 512, "rms_norm_eps": 1e-5, **others,
    }


LLAMA3 = {
    "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}

MODELS = {
    # Every way in which PEFT 0.10 says which modules, ranks and alphas; the order of the adapters
    # is not alphabetical; layer 0 has no o_proj gate because only "mid" and "rs" have o_proj
    # (rs leaves layer 0's out by its regular expression).
    "hf4-bundle-gqa-bf16": dict(
        transformers=EARLY, layout="bundle", dtype="bfloat16", shard="16KB",
        config=llama(48, 4, 2, 80, 2, 72),
        adapters={
            "zeta": dict(
                r=4, lora_alpha=8, target_modules=["q_proj", "k_proj", "v_proj", "up_proj"],
                rank_pattern={"q_proj": 6, "layers.1.mlp.up_proj": 1}, alpha_pattern={"k_proj": 5},
            ),
            "alpha": dict(r=2, lora_alpha=3, target_modules=r".*\.self_attn\.(q|v)_proj"),
            "rs": dict(
                r=3, lora_alpha=4, use_rslora=True,
                target_modules=r"model\.layers\.(0\.(self_attn\.[qkv]|mlp\..*)|1\..*)_proj",
            ),
            "mid": dict(
                r=5, lora_alpha=10, target_modules=["o_proj", "down_proj"], save_as="float32",
                layers_to_transform=[1], layers_pattern="layers",
            ),
        },
        gates="float32",
    ),
    # One adapter without gates on a plain folder: single-LoRA. Linear RoPE scaling, 4.x spelling.
    "hf4-single-bias-f32": dict(
        transformers=EARLY, layout="plain", dtype="float32",
        config=llama(
            32, 4, 4, 48, 1, 64, attention_bias=True, rope_scaling={"type": "linear", "factor": 2.5}
        ),
        adapters={"only": dict(r=4, lora_alpha=6, lora_dropout=0.05, target_modules="all-linear")},
    ),
    "hf4-plain-f16": dict(
        transformers=EARLY, layout="plain", dtype="float16", shard="12KB",
        config=llama(40, 5, 1, 56, 2, 80, rope_theta=500000.0),
    ),
    # The published layout, tied: embed_tokens and an equal lm_head both stand in the checkpoint.
    # Its A and B are not those of the adapter folders: training moved them.
    "hf4-checkpoint-tied-bf16": dict(
        transformers=EARLY, layout="plain", dtype="bfloat16", checkpoint="bfloat16",
        config=llama(32, 4, 2, 48, 2, 64, tie_word_embeddings=True),
        adapters={
            "Zebra": dict(r=4, lora_alpha=8, target_modules=ALL),
            "apple": dict(r=4, lora_alpha=2, target_modules=ALL),
            "mango": dict(r=4, lora_alpha=6, target_modules=ALL, use_rslora=True),
        },
    ),
    # Unequal ranks in the published layout: blocks follow the running sum.
    "hf4-checkpoint-ranks-f32": dict(
        transformers=EARLY, layout="plain", dtype="float32", checkpoint="float32",
        config=llama(24, 2, 1, 32, 1, 48),
        adapters={
            "a": dict(r=3, lora_alpha=6, target_modules=ALL),
            "b": dict(r=1, lora_alpha=1, target_modules=ALL, rank_pattern={"v_proj": 4}),
            "c": dict(r=5, lora_alpha=4, target_modules=ALL),
        },
    ),
    # llama3 RoPE and a head_dim of its own, as late 4.x spells them (`rope_scaling`, `dtype`).
    "hf4-llama3-tied-bf16": dict(
        transformers=LATE, layout="bundle", dtype="bfloat16",
        config=llama(
            36, 4, 2, 48, 2, 64, head_dim=16, mlp_bias=True, tie_word_embeddings=True,
            rope_theta=500000.0, rope_scaling=LLAMA3, eos_token_id=[2, 5],
        ),
        adapters={
            "one": dict(r=2, lora_alpha=4, target_modules=["q_proj", "o_proj", "gate_proj"]),
            "two": dict(r=4, lora_alpha=4, target_modules=["k_proj", "o_proj", "up_proj"]),
            "three": dict(r=8, lora_alpha=12, target_modules=["o_proj", "down_proj"]),
        },
        gates="bfloat16",
    ),
    # The same ways as 5.x and current PEFT write them: all-linear becomes full module paths.
    "hf5-bundle-llama3-bf16": dict(
        transformers=FIVE, layout="bundle", dtype="bfloat16", shard="24KB",
        config=llama(
            48, 6, 2, 64, 2, 80, tie_word_embeddings=False, head_dim=16,
            rope_parameters={"rope_theta": 500000.0, **LLAMA3}, eos_token_id=[2, 5],
        ),
        adapters={
            "whole": dict(
                r=2, lora_alpha=5, target_modules="all-linear", save_as="bfloat16",
                rank_pattern={r"^model\.layers\.0\.self_attn\.q_proj": 7, "down_proj": 3},
                alpha_pattern={r"layers\.\d\.mlp\..*": 7, "q_proj": 9},
            ),
            "heads": dict(
                r=4, lora_alpha=8, use_rslora=True,
                target_modules=r"model\.layers\.\d+\.self_attn\.(q|k|v|o)_proj",
            ),
            "deep": dict(
                r=3, lora_alpha=3, target_modules=["down_proj", "gate_proj"], save_as="float16",
                layers_to_transform=1, layers_pattern=["layers"],
            ),
            "spare": dict(
                r=6, lora_alpha=6, target_modules=["v_proj", "up_proj"],
                exclude_modules=["layers.0.mlp.up_proj"],
            ),
        },
        gates="float32",
    ),
    "hf5-single-linear-f32": dict(
        transformers=FIVE, layout="plain", dtype="float32",
        config=llama(
            32, 2, 2, 48, 1, 64, tie_word_embeddings=True,
            rope_parameters={"rope_theta": 10000.0, "rope_type": "linear", "factor": 4.0},
        ),
        adapters={"only": dict(r=4, lora_alpha=16, target_modules=["v_proj", "down_proj"])},
    ),
    "hf5-plain-bias-f16": dict(
        transformers=FIVE, layout="plain", dtype="float16",
        config=llama(40, 4, 4, 56, 2, 72, attention_bias=True, mlp_bias=True),
    ),
    # hidden >= 1024 for the closer bound; everything else small.
    "hf5-wide-bf16": dict(
        transformers=FIVE, layout="bundle", dtype="bfloat16",
        config=llama(
            1024, 2, 1, 32, 1, 48, head_dim=16, tie_word_embeddings=True,
            rope_parameters={"rope_theta": 500000.0, "rope_type": "default"},
        ),
        adapters={
            "one": dict(r=2, lora_alpha=4, target_modules=ALL, save_as="bfloat16"),
            "two": dict(r=3, lora_alpha=3, target_modules=ALL, save_as="bfloat16"),
            "three": dict(r=2, lora_alpha=2, target_modules=["q_proj", "v_proj", "gate_proj"],
                          save_as="bfloat16"),
        },
        gates="bfloat16",
    ),
}
