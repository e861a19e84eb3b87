"""What make_training_truth.py trains: one entry per case, each with a tiny model of its own.

`config` are changes of model_writer.config_4x; `adapters` are the number of adapters, their ranks
in turn, and changes of single adapters' configurations. `trained` says what gradients go to:
gates, gates_and_adapters, adapter (one without gates) or base (a whole Llama). `lengths` are the
sequences of one batch. `owners` of tokens are one adapter for a whole sequence ("task"), as
published, or change within it, and are unknown in places ("spans"). With `response` prompts are not
predicted. `steps` are those of AdamW, if any are made, and `batches` how many there are in a step.
(Standard library only; imported, not run.)
"""

ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
WITHOUT_K = [module for module in ALL if module != "k_proj"]
LLAMA3 = {
    "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
MHA = {"num_attention_heads": 4, "num_key_value_heads": 4}
GQA = {"num_attention_heads": 4, "num_key_value_heads": 2}
ONE_KV = {"num_attention_heads": 4, "num_key_value_heads": 1}
TIED = {"tie_word_embeddings": True}
BIASES = {"attention_bias": True, "mlp_bias": True}

# `total_steps` is what the cosine is laid out for; ten are made.
PLAIN = {"learning_rate": 0.01, "total_steps": 12}
WARM = {"learning_rate": 0.005, "weight_decay": 0.1, "warmup_ratio": 0.1, "total_steps": 12}
TWO_BATCHES = {**PLAIN, "batches": 2, "max_norm": 0.3}
NEVER_CLIPPED = {"learning_rate": 0.003, "max_norm": 1000.0, "total_steps": 10}


def case(config, adapters=None, trained="gates", steps=None, **others):
    return {
        "config": config, "adapters": adapters, "trained": trained, "steps": steps,
        "top_k": 2, "temperature": 1.0, "beta": 50.0, "lengths": [9, 6, 4], "owners": "task",
        "response": False, **others,
    }


def some(count, ranks=(2,), **changes):
    return {"count": count, "ranks": ranks, "changes": changes}


BOTH = "gates_and_adapters"
CASES = {
    "01-mha-gates": case(MHA, some(4), steps=PLAIN),
    "02-gqa-gates-k1": case(GQA, some(3), top_k=1, temperature=1.0),
    "03-tied-gates-k3-t15": case(
        GQA | TIED, some(5, (1, 2, 3)), top_k=3, temperature=15.0, beta=5.0,
    ),
    "04-mha-both": case(MHA, some(3, (1, 3, 2)), BOTH, WARM),
    "05-gqa-both-k1": case(
        GQA | {"hidden_size": 24},
        some(3, (2, 1), a1={"target_modules": ["q_proj", "v_proj", "gate_proj", "down_proj"]}),
        BOTH, top_k=1, temperature=1.0,
    ),
    "06-tied-both-k3-t5": case(
        MHA | TIED, some(4, (1, 2)), BOTH, top_k=3, temperature=5.0,
    ),
    "07-one-kv-gates-response": case(
        ONE_KV, some(4, (3, 1)), steps=TWO_BATCHES, top_k=2, temperature=5.0,
        response=True, lengths=[6, 4],
    ),
    "08-tied-both-spans": case(GQA | TIED, some(3, (2, 3)), BOTH, owners="spans"),
    "09-mha-gates-lacking": case(
        MHA | {"hidden_size": 32, "intermediate_size": 40},
        some(
            4, (1, 2), a0={"target_modules": ["v_proj", "up_proj", "down_proj"]},
            a2={"layers_to_transform": [1]}, a3={"target_modules": ["o_proj", "q_proj"]},
        ),
        owners="spans",
    ),
    "10-gqa-gates-no-k": case(
        GQA, some(3, (2,), **{f"a{i}": {"target_modules": WITHOUT_K} for i in range(3)}),
        top_k=2, temperature=15.0,
    ),
    "11-mha-both-rslora": case(
        MHA, some(3, (3, 1), a0={"use_rslora": True, "lora_alpha": 3}, a1={"lora_alpha": 5}), BOTH,
        top_k=2, temperature=15.0, owners="spans", response=True,
    ),
    "12-tied-gates-k1": case(
        MHA | TIED, some(5, (1,)), steps=WARM, top_k=1, temperature=0.5,
    ),
    "13-gqa-gates-long": case(
        GQA, some(3, (1,)), lengths=[31, 30, 28, 26, 23, 20], owners="spans",
    ),
    "14-mha-both-all": case(
        MHA, some(3, (1, 2, 1)), BOTH, NEVER_CLIPPED, top_k=3, temperature=2.0,
    ),
    "15-gqa-both-response": case(
        GQA, some(3, (1, 2), a2={"target_modules": WITHOUT_K}), BOTH, TWO_BATCHES, response=True,
        lengths=[8, 5], owners="spans",
    ),
    "16-tied-gates-many": case(MHA | TIED, some(8, (1,)), beta=1.0),
    "17-bias-both": case(GQA | BIASES | {"hidden_size": 24}, some(3, (2, 1)), BOTH),
    "18-mha-gates-k3": case(
        MHA, some(6, (1, 2)), top_k=3, temperature=1.0, beta=1.0, response=True,
    ),
    "19-llama3-both-k1": case(
        GQA | {"rope_scaling": LLAMA3, "max_position_embeddings": 512}, some(3, (1, 2)), BOTH,
        top_k=1, temperature=15.0, beta=5.0,
    ),
    "20-tied-both-one-token": case(
        ONE_KV | TIED,
        some(3, (2,), a1={"rank_pattern": {"down_proj": 4}, "alpha_pattern": {"down_proj": 3}}),
        BOTH, top_k=2, temperature=0.7, lengths=[10, 1, 6],
    ),
    "adapter-mha": case(MHA, some(1, (4,)), "adapter", WARM, response=True),
    "adapter-rslora": case(
        GQA | TIED,
        some(
            1, (2,), a0={
                "use_rslora": True, "rank_pattern": {"q_proj": 3},
                "target_modules": ["q_proj", "v_proj", "down_proj"],
            },
        ),
        "adapter",
    ),
    "base-mha": case(MHA, trained="base", lengths=[12, 7, 4]),
    "base-gqa-bias": case(GQA | BIASES, trained="base", response=True),
    "base-tied": case(GQA | TIED, trained="base", steps=WARM),
}
