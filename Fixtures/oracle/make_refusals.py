"""Golden area "refusals": folders that must be refused by name, and odd ones that must be accepted.

    python make_refusals.py        (pip install -r requirements-torch-5x.txt)

Operation "load_model". Parameters: `model`, a bundle or plain folder; with a plain one `adapters`
(name and PEFT folder, in order), `gates`, `checkpoint`. Without gates and checkpoint one adapter is
single-LoRA. The error's text must contain every string of `words`, case-sensitively; `result` tells
malformed from unsupported. A folder whose refusal follows from a JSON file has no weights: the JSON
must be judged first.

Which ones are here, and why: whatever Transformers or PEFT would compute differently from plain
Llama + LoRA must not load silently. Measured with PEFT 0.21: loading an adapter whose
`init_lora_weights` is pissa or olora changes the base weights (loftq and corda do by design).
`pretraining_tp` > 1 changes only the order of sums (4.40, logits differ by 2e-6) and is accepted,
as is `fan_in_fan_out`, which PEFT sets back to false on linear layers.
"""

import numpy as np

from refusal_writer import (
    ADAPTER, BUNDLE, CONFIG, LAYER, MLP, PEFT, SELF, Q, V, adapter_case, adapter_weights,
    base_weights, begin, bundle_case, case, config_case, finish, folder_of, gate_weights,
    routed_case, values, weights_case, write
)


def configs():
    config_case("architecture", "A Mistral by its architecture.",
                {"architectures": ["MistralForCausalLM"]}, ["MistralForCausalLM"])
    config_case("model-type", "A Mistral by its model_type.",
                {"model_type": "mistral", "architectures": None}, ["model_type", "mistral"])
    config_case("hidden-act", "Another activation.", {"hidden_act": "gelu"}, ["hidden_act", "gelu"])
    for kind in ("dynamic", "yarn", "longrope"):
        scaling = {"rope_type": kind, "factor": 2.0, "original_max_position_embeddings": 16}
        config_case(f"rope-{kind}", f"RoPE scaling of type {kind}, 4.x spelling.",
                    {"rope_scaling": scaling}, ["rope", kind])
        config_case(f"rope-{kind}-5x", f"RoPE scaling of type {kind}, 5.x spelling.",
                    {"rope_parameters": {"rope_theta": 1e4, **scaling}}, ["rope", kind],
                    without=("rope_scaling", "rope_theta"))
    config_case("rope-type-dynamic", "The oldest spelling says `type`.",
                {"rope_scaling": {"type": "dynamic", "factor": 2.0}}, ["rope", "dynamic"])
    config_case("rope-unknown", "A RoPE type that nobody knows.",
                {"rope_scaling": {"rope_type": "spiral", "factor": 2.0}}, ["rope", "spiral"])
    config_case("rope-linear-without-factor", "Linear scaling needs a factor.",
                {"rope_scaling": {"type": "linear"}}, ["factor"], "malformed")
    config_case("rope-llama3-incomplete", "llama3 scaling needs low_freq_factor.",
                {"rope_scaling": {"rope_type": "llama3", "factor": 8.0, "high_freq_factor": 4.0,
                                  "original_max_position_embeddings": 16}},
                ["low_freq_factor"], "malformed")
    config_case("partial-rotary", "Only half of each head would be rotated.",
                {"partial_rotary_factor": 0.5}, ["partial_rotary_factor"])
    config_case("sliding-window", "Tokens would see a window only.", {"sliding_window": 4},
                ["sliding_window"])
    config_case("quantized", "Quantised weights.",
                {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}},
                ["quantization_config"])
    config_case("odd-head-dim", "RoPE pairs need an even head_dim.", {"head_dim": 3},
                ["head_dim", "3"])
    config_case("odd-derived-head-dim", "The same, derived: 6 / 2.", {"hidden_size": 6},
                ["head_dim", "3"])
    config_case("heads-not-divisible", "Five query heads cannot share two key-value heads.",
                {"num_attention_heads": 5, "num_key_value_heads": 2, "head_dim": 4},
                ["num_key_value_heads"], "malformed")
    config_case("hidden-not-divisible", "No head_dim given, and 8 / 3 is not whole.",
                {"num_attention_heads": 3, "num_key_value_heads": 3}, ["num_attention_heads"],
                "malformed")
    config_case("zero-vocabulary", "A size must be positive.", {"vocab_size": 0}, ["vocab_size"],
                "malformed")
    config_case("negative-layers", "A size must be positive.", {"num_hidden_layers": -1},
                ["num_hidden_layers"], "malformed")
    config_case("fractional-size", "A size must be whole.", {"hidden_size": 8.5}, ["hidden_size"],
                "malformed")
    config_case("huge-sizes", "hidden x vocab overflows 64 bits; nothing may be allocated for it.",
                {"hidden_size": 1 << 40, "vocab_size": 1 << 40, "head_dim": 4},
                [], "malformed")
    config_case("no-hidden-size", "A size is missing.", {}, ["hidden_size"], "malformed",
                without=("hidden_size",))
    config_case("zero-eps", "1 / sqrt(0 + 0) for a row of zeros.", {"rms_norm_eps": -1e-5},
                ["rms_norm_eps"], "malformed")
    write(f"{folder_of('config-truncated')}/config.json", '{"model_type": "llama", "hidden_size": ')
    case("config-truncated", "The file ends in the middle.", ["config.json"], "malformed")
    write(f"{folder_of('config-absent')}/README.md", "A folder without config.json.\n")
    case("config-absent", "Neither meteora.json nor config.json.", ["config.json"], "malformed")


def weights():
    good = base_weights()
    without = lambda name: {key: value for key, value in good.items() if key != name}
    weights_case("absent", "A config alone.", ["model.safetensors"], None)
    missing = f"{MLP}.up_proj.weight"
    weights_case("missing-tensor", "One linear is not in the file.", [missing], without(missing))
    weights_case("shape", "k_proj as wide as q_proj.", [f"{SELF}.k_proj.weight"],
                 {**good, f"{SELF}.k_proj.weight": values("k", 8, 8)})
    weights_case("transposed", "Same number of elements, other shape.", [f"{MLP}.down_proj.weight"],
                 {**good, f"{MLP}.down_proj.weight": values("d", 6, 8)})
    weights_case("int8", "An integer weight.", [f"{SELF}.q_proj.weight", "I8"],
                 {**good, f"{SELF}.q_proj.weight": np.ones((8, 8), np.int8)}, "unsupported")
    weights_case("missing-bias", "attention_bias promises a tensor.", [f"{SELF}.q_proj.bias"], good,
                 attention_bias=True)
    weights_case("tied-other-head", "Tied, yet an lm_head of its own.", ["lm_head.weight"], good,
                 tie_word_embeddings=True)
    weights_case("no-head", "Not tied, and no lm_head.", ["lm_head.weight"],
                 without("lm_head.weight"))
    write(f"{folder_of('weights-bin-only')}/config.json", CONFIG)
    write(f"{folder_of('weights-bin-only')}/pytorch_model.bin", "never read")
    case("weights-bin-only", "Only a pickle.", ["pytorch_model.bin"])
    for name, comment, file, words in (
        ("missing-shard", "The index names a file that is not there.",
         "model-00002-of-00002.safetensors", ["model-00002-of-00002.safetensors"]),
        ("shard-outside", "A shard outside the folder.", "../ok/base/model.safetensors",
         ["../ok/base/model.safetensors"]),
    ):
        folder = folder_of(f"weights-{name}")
        write(f"{folder}/config.json", CONFIG)
        index = {"metadata": {"total_size": 1}, "weight_map": {key: file for key in sorted(good)}}
        write(f"{folder}/model.safetensors.index.json", index)
        case(f"weights-{name}", comment, words, "malformed")


def adapters():
    good = adapter_weights("a")
    without = lambda name: {key: value for key, value in good.items() if key != name}
    for name, changes, words in (
        ("bias-all", {"bias": "all"}, ["bias", "all"]),
        ("bias-lora-only", {"bias": "lora_only"}, ["bias", "lora_only"]),
        ("lora-bias", {"lora_bias": True}, ["lora_bias"]),
        ("modules-to-save", {"modules_to_save": ["lm_head"]}, ["modules_to_save"]),
        ("dora", {"use_dora": True}, ["use_dora"]),
        ("qalora", {"use_qalora": True}, ["use_qalora"]),
        ("bdlora", {"use_bdlora": {"nblocks": 2}}, ["use_bdlora"]),
        ("alora", {"alora_invocation_tokens": [3, 4]}, ["alora_invocation_tokens"]),
        ("kasa", {"kasa_config": {"beta": 0.0001}}, ["kasa_config"]),
        ("arrow", {"arrow_config": {"top_k": 3}}, ["arrow_config"]),
        ("layer-replication", {"layer_replication": [[0, 1], [0, 1]]}, ["layer_replication"]),
        ("target-parameters", {"target_parameters": ["mlp.weight"]}, ["target_parameters"]),
        ("trainable-tokens", {"trainable_token_indices": [1]}, ["trainable_token_indices"]),
        ("loha", {"peft_type": "LOHA"}, ["peft_type", "LOHA"]),
        ("ia3", {"peft_type": "IA3"}, ["peft_type", "IA3"]),
        ("prompt-tuning", {"peft_type": "PROMPT_TUNING"}, ["peft_type", "PROMPT_TUNING"]),
        ("pissa", {"init_lora_weights": "pissa"}, ["init_lora_weights", "pissa"]),
        ("pissa-niter", {"init_lora_weights": "pissa_niter_4"},
         ["init_lora_weights", "pissa_niter_4"]),
        ("olora", {"init_lora_weights": "olora"}, ["init_lora_weights", "olora"]),
        ("loftq", {"init_lora_weights": "loftq"}, ["init_lora_weights", "loftq"]),
        ("corda", {"init_lora_weights": "corda"}, ["init_lora_weights", "corda"]),
    ):
        adapter_case(name, "Would change the result, and is not plain LoRA.", words, changes)
    adapter_case("rank-zero", "r must be positive.", ["adapter_config.json"], {"r": 0}, good,
                 "malformed")
    adapter_case("no-alpha", "lora_alpha is missing.", ["lora_alpha"], {"lora_alpha": None}, good,
                 "malformed")
    head = f"{PEFT}lm_head.lora_"
    adapter_case("lm-head", "An adapter on lm_head.", ["lm_head"],
                 {"target_modules": ["q_proj", "v_proj", "lm_head"]},
                 {**good, f"{head}A.weight": values("ha", 1, 8),
                  f"{head}B.weight": values("hb", 5, 1)})
    embed = f"{PEFT}model.embed_tokens.lora_embedding_"
    adapter_case("embed-tokens", "An adapter on the embedding.", ["embed_tokens"],
                 {"target_modules": ["q_proj", "v_proj", "embed_tokens"]},
                 {**good, f"{embed}A": values("ea", 1, 5), f"{embed}B": values("eb", 8, 1)})
    adapter_case("saved-head", "A whole lm_head beside the matrices.", ["lm_head"], {},
                 {**good, f"{PEFT}lm_head.weight": values("hw", 5, 8)})
    adapter_case("magnitude", "A DoRA vector that the config does not mention.",
                 ["lora_magnitude_vector"], {},
                 {**good, f"{Q}.lora_magnitude_vector": values("m", 8)})
    folder = folder_of("adapter-bin-only")
    write(f"{folder}/adapter_config.json", ADAPTER)
    write(f"{folder}/adapter_model.bin", "never read")
    case("adapter-bin-only", "Only a pickle.", ["adapter_model.bin"], model="ok/base",
         adapters={"only": folder})
    adapter_case("no-weights", "A config alone.", ["adapter_model.safetensors"], result="malformed")
    a, b = f"{Q}.lora_A.weight", f"{Q}.lora_B.weight"
    adapter_case("other-base-in", "Trained on a wider base: A does not fit.", [a], {},
                 {**good, a: values("wa", 1, 16)}, "malformed")
    adapter_case("other-base-out", "Trained on another base: B does not fit.", [b], {},
                 {**good, b: values("wb", 16, 1)}, "malformed")
    adapter_case("rank-differs", "A has rank 1, B rank 2.", [f"{Q}.lora_"], {},
                 {**good, b: values("rb", 8, 2)}, "malformed")
    adapter_case("rank-not-config", "The file has rank 1, the config says 2.", [f"{Q}.lora_"],
                 {"r": 2}, good, "malformed")
    adapter_case("no-b", "A without B.", [b], {}, without(b), "malformed")
    adapter_case("no-a", "B without A.", [a], {}, without(a), "malformed")
    deep = f"{PEFT}model.layers.7.self_attn.q_proj.lora_"
    adapter_case("layer-out-of-range", "The base has one layer.", ["layers.7"], {},
                 {**good, f"{deep}A.weight": values("la", 1, 8),
                  f"{deep}B.weight": values("lb", 8, 1)}, "malformed")


def with_last(array, value):
    array = array.copy()
    array[-1, -1] = value
    return array


def routing():
    good = gate_weights(2)
    key = f"{Q}.moe_gate.weight"
    routed_case("absent", "Several adapters need gates.", ["gates"])
    routed_case("other-count", "Gates for three adapters, given two.", ["moe_gate"],
                gate_weights(3))
    routed_case("missing-module", "No gate for q_proj, which both adapters have.", [key],
                {k: v for k, v in good.items() if k != key})
    routed_case("width", "A gate of another base.", [key], {**good, key: values("gw", 2, 16)})
    for name, value in (("nan", np.nan), ("infinite", -np.inf)):
        routed_case(name, "A gate weight is not finite.", [key, "finite"],
                    {**good, key: with_last(good[key], value)})
    checkpoint = dict(good)
    for name, array in base_weights().items():
        full = name.replace(".weight", ".base_layer.weight") if "_proj" in name else name
        checkpoint[PEFT + full] = array
    for module, width in ((Q, 8), (V, 4)):
        checkpoint[f"{module}.lora_A.weight"] = values(f"c{module}A", 2, 8)
        checkpoint[f"{module}.lora_B.weight"] = values(f"c{module}B", width, 2)
    a = f"{V}.lora_A.weight"
    routed_case("widths", "Blocks of 1 + 2 rows, the adapters have 1 + 1.", [a],
                checkpoint={**checkpoint, a: values("ca", 3, 8)})
    routed_case("no-lora", "A base module, its gate, but no A.", [a],
                checkpoint={k: v for k, v in checkpoint.items() if k != a})
    routed_case("gate-rows", "Gates for three adapters, given two.", [key],
                checkpoint={**checkpoint, key: values("cg", 3, 8)})
    routed_case("nan-gate", "A gate weight is not finite.", [key, "finite"],
                checkpoint={**checkpoint, key: with_last(good[key], np.nan)})
    routed_case("good", "The checkpoint that the others were made from.", None,
                checkpoint=checkpoint, result="valid")


def bundles():
    bundle_case("version", "A later format.", {"format_version": 2}, ["format_version"],
                "unsupported", whole=False)
    bundle_case("no-version", "No format_version.", {}, ["format_version"],
                without=("format_version",), whole=False)
    bundle_case("no-base", "No base.", {}, ["base"], without=("base",), whole=False)
    bundle_case("base-outside", "Paths stay inside the folder.", {"base": "../ok/base"},
                ["../ok/base"])
    bundle_case("absolute-base", "Paths are relative.", {"base": "/base"}, ["/base"],
                whole=False)
    bundle_case("no-adapters", "At least one adapter.", {"adapters": []}, ["adapters"],
                whole=False)
    bundle_case("duplicate-name", "Two adapters of one name.",
                {"adapters": [{"name": "twin", "path": "adapters/a"},
                              {"name": "twin", "path": "adapters/b"}]}, ["twin"])
    bundle_case("missing-adapter", "An adapter folder that is not there.",
                {"adapters": [*BUNDLE["adapters"][:1], {"name": "c", "path": "adapters/c"}]},
                ["adapters/c"])
    bundle_case("top-k-zero", "top_k must be positive.",
                {"router": {"top_k": 0, "temperature": 1.0}}, ["top_k"])
    bundle_case("top-k-too-large", "More than there are adapters.",
                {"router": {"top_k": 3, "temperature": 1.0}}, ["top_k"])
    bundle_case("temperature-zero", "T must be positive.",
                {"router": {"top_k": 2, "temperature": 0.0}}, ["temperature"])
    bundle_case("temperature-huge", "T is not finite in binary32.",
                {"router": {"top_k": 2, "temperature": 1e39}}, ["temperature"])
    case("bundle-good", "The bundle that the others were made from.", None, "valid", model="ok")


def accepted():
    good = base_weights()
    for name, comment, weights_changes, changes in (
        ("pretraining-tp", "Only the order of sums would change.", {}, {"pretraining_tp": 2}),
        ("rotary-buffer", "Old checkpoints hold inv_freq; it is ignored.",
         {f"{SELF}.rotary_emb.inv_freq": values("if", 2)}, {}),
        ("tied-equal-head", "Tied, and an equal lm_head beside it.",
         {"lm_head.weight": good["model.embed_tokens.weight"]}, {"tie_word_embeddings": True}),
        ("nulls-and-strangers", "Nulls that mean absent, and keys of other tools.", {},
         {"sliding_window": None, "head_dim": None, "quantization_config": None,
          "rope_parameters": None, "unsloth_version": "2025.1", "attention_dropout": 0.1}),
    ):
        folder = folder_of(f"accepted-{name}")
        write(f"{folder}/config.json", {**CONFIG, **changes})
        write(f"{folder}/model.safetensors", {**good, **weights_changes})
        case(f"accepted-{name}", comment, None, "valid")
    folder = folder_of("accepted-adapter-oddities")
    write(f"{folder}/adapter_config.json",
          {**ADAPTER, "fan_in_fan_out": True, "lora_dropout": 0.5, "init_lora_weights": "gaussian",
           "loftq_config": {}, "megatron_core": "megatron.core", "qalora_group_size": 16,
           "inference_mode": True, "revision": None})
    write(f"{folder}/adapter_model.safetensors", adapter_weights("a"))
    case("accepted-adapter-oddities", "Settings that do not change what is computed.", None,
         "valid", model="ok/base", adapters={"only": folder})


begin()
for part in (configs, weights, adapters, routing, bundles, accepted):
    part()
finish()
