"""Random tiny models, adapters, gates and checkpoints, written as the published tools write them.

(pip install -r requirements-numpy.txt; imported, not run.)
"""

import json
import zlib
from pathlib import Path

import numpy as np

import adapters
import tensors
from llama import BLOCKS, MODULES
from tensors import store

PEFT_CONFIG = {
    "alpha_pattern": {}, "auto_mapping": None, "base_model_name_or_path": "base", "bias": "none",
    "fan_in_fan_out": False, "inference_mode": True, "init_lora_weights": True,
    "layer_replication": None, "layers_pattern": None, "layers_to_transform": None,
    "loftq_config": {}, "lora_alpha": 8, "lora_dropout": 0.05, "megatron_config": None,
    "megatron_core": "megatron.core", "modules_to_save": None, "peft_type": "LORA", "r": 4,
    "rank_pattern": {}, "revision": None, "target_modules": MODULES, "task_type": "CAUSAL_LM",
    "use_dora": False, "use_rslora": False,
}  # fmt: skip
DTYPE_NAMES = {"F32": "float32", "BF16": "bfloat16", "F16": "float16"}


def rng_of(*words):
    return np.random.default_rng(zlib.crc32("/".join(map(str, words)).encode()))


def config_4x(**changes):
    """As Transformers 4.40 saves it, with what later 4.x versions added."""
    return {
        "architectures": ["LlamaForCausalLM"], "attention_bias": False, "attention_dropout": 0.0,
        "bos_token_id": 1, "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 32,
        "initializer_range": 0.02, "intermediate_size": 48, "max_position_embeddings": 512,
        "mlp_bias": False, "model_type": "llama", "num_attention_heads": 4, "num_hidden_layers": 2,
        "num_key_value_heads": 2, "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_scaling": None,
        "rope_theta": 10000.0, "tie_word_embeddings": False, "torch_dtype": "float32",
        "transformers_version": "4.40.0", "use_cache": True, "vocab_size": 96, **changes,
    }  # fmt: skip


def config_5x(rope_parameters, **changes):
    """As Transformers 5 saves it: dtype instead of torch_dtype, rope_parameters."""
    values = config_4x(**changes)
    for name in ("rope_scaling", "rope_theta"):
        del values[name]
    values["dtype"] = values.pop("torch_dtype")
    values |= {"pad_token_id": None, "rope_parameters": rope_parameters,
               "transformers_version": "5.0.0"}
    values.setdefault("head_dim", values["hidden_size"] // values["num_attention_heads"])
    return dict(sorted(values.items()))


def write_json(path, values):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps(values, indent=2) + "\n")


def widths(config):
    """module -> (in, out)."""
    hidden, inter = config["hidden_size"], config["intermediate_size"]
    d = config.get("head_dim") or hidden // config["num_attention_heads"]
    q = config["num_attention_heads"] * d
    kv = (config.get("num_key_value_heads") or config["num_attention_heads"]) * d
    return {"q_proj": (hidden, q), "k_proj": (hidden, kv), "v_proj": (hidden, kv),
            "o_proj": (q, hidden), "gate_proj": (hidden, inter), "up_proj": (hidden, inter),
            "down_proj": (inter, hidden)}  # fmt: skip


def base_weights(config, dtype, seed):
    """name -> Stored; sizes chosen so that the logits have a standard deviation of about 3."""
    rng = rng_of("base", seed)
    hidden, vocab = config["hidden_size"], config["vocab_size"]
    normal = lambda shape, scale: rng.standard_normal(shape) * scale
    values = {"model.embed_tokens.weight": normal((vocab, hidden), 3 / hidden**0.5)}
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}"
        for module, (width, out) in widths(config).items():
            name = f"{at}.{BLOCKS[module]}.{module}"
            values[name + ".weight"] = normal((out, width), 1.2 / width**0.5)
            bias = "attention_bias" if BLOCKS[module] == "self_attn" else "mlp_bias"
            if config.get(bias):
                values[name + ".bias"] = normal(out, 0.3)
        for norm in ("input_layernorm", "post_attention_layernorm"):
            values[f"{at}.{norm}.weight"] = 1 + normal(hidden, 0.2)
    values["model.norm.weight"] = 1 + normal(hidden, 0.2)
    if not config.get("tie_word_embeddings", False):
        values["lm_head.weight"] = normal((vocab, hidden), 3 / hidden**0.5)
    return {name: store(value, dtype) for name, value in values.items()}


def write_base(folder, config, weights, shards=1):
    write_json(Path(folder) / "config.json", config)
    names = list(weights)
    if shards == 1:
        tensors.write(Path(folder) / "model.safetensors", weights, {"format": "pt"})
        return
    file_of = {}
    for shard in range(shards):
        file = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        part = names[shard * len(names) // shards : (shard + 1) * len(names) // shards]
        tensors.write(Path(folder) / file, {n: weights[n] for n in part}, {"format": "pt"})
        file_of |= {name: file for name in part}
    size = sum(tensor.raw.nbytes for tensor in weights.values())
    write_json(Path(folder) / "model.safetensors.index.json", {
        "metadata": {"total_size": size}, "weight_map": dict(sorted(file_of.items()))})


def adapter_weights(config, adapter, dtype, seed):
    """`adapter` is its adapter_config; missing modules and layers follow from it."""
    rng, values = rng_of("adapter", seed), {}
    layers = adapter["layers_to_transform"] or range(config["num_hidden_layers"])
    for layer in layers:
        for module in adapter["target_modules"]:
            width, out = widths(config)[module]
            path = f"model.layers.{layer}.{BLOCKS[module]}.{module}"
            r = next((rank for key, rank in adapter["rank_pattern"].items()
                      if f".{path}".endswith(f".{key}")), adapter["r"])
            a = rng.standard_normal((r, width)) / width**0.5
            b = rng.standard_normal((out, r)) * 0.3 / r**0.5
            values[adapters.key(layer, module, "lora_A")] = store(a, dtype)
            values[adapters.key(layer, module, "lora_B")] = store(b, dtype)
    return values


def write_adapter(folder, config, dtype="F32", seed=0, **changes):
    """Returns the adapter's tensors."""
    adapter = {**PEFT_CONFIG, **changes}
    weights = adapter_weights(config, adapter, dtype, seed)
    write_json(Path(folder) / "adapter_config.json", adapter)
    tensors.write(Path(folder) / "adapter_model.safetensors", weights, {"format": "pt"})
    return weights


def gate_weights(config, count, having, dtype, seed, scale=1.5):
    """One gate [count, in] for every (layer, module) that some adapter has (`having`)."""
    rng, gates = rng_of("gates", seed), {}
    for layer in range(config["num_hidden_layers"]):
        for module, (width, _) in widths(config).items():
            if (layer, module) in having:
                values = rng.standard_normal((count, width)) * scale / width**0.5
                gates[adapters.key(layer, module, "moe_gate")] = store(values, dtype)
    return gates


def modules_of(adapter_tensors):
    """The (layer, module) pairs of an adapter's tensors."""
    parts = [name.split(".") for name in adapter_tensors if ".lora_A." in name]
    return {(int(part[4]), part[6]) for part in parts}


def write_bundle_file(folder, names, top_k, temperature):
    write_json(Path(folder) / "meteora.json", {
        "format_version": 1, "base": "base",
        "adapters": [{"name": name, "path": f"adapters/{name}"} for name in names],
        "gates": "gates.safetensors", "router": {"top_k": top_k, "temperature": temperature}})


def write_checkpoint(path, weights, adapters_tensors, gates):
    """The one file of the published code: base, A and B concatenated in adapter order, gates."""
    content = dict(gates)
    for name, tensor in weights.items():
        module = name.split(".")[-2]
        full = name.replace(f"{module}.", f"{module}.base_layer.") if module in MODULES else name
        content[f"base_model.model.{full}"] = tensor
    embedding = weights["model.embed_tokens.weight"]
    content.setdefault("base_model.model.lm_head.weight", embedding)
    for gate in gates:
        for what, axis in (("lora_A", 0), ("lora_B", 1)):
            name = gate.replace("moe_gate", what)
            having = [t[name] for t in adapters_tensors if name in t]
            raw = np.concatenate([tensor.raw for tensor in having], axis=axis)
            content[name] = tensors.Stored(having[0].dtype, raw)
    tensors.write(path, content, {"format": "pt"})
