"""Writes the folders of area "refusals" and their cases; the cases are in make_refusals.py.

(pip install -r requirements-torch-5x.txt; imported, not run.)
"""

import hashlib
import json
import shutil
import zlib

import numpy as np
import safetensors
from safetensors.numpy import save

import manifest

GOLDEN = manifest.GOLDEN
ROOT = GOLDEN / "refusals"
FLAGS = {
    "accepted": "Odd, and right: must load.",
    "refusal": "Must be refused with an error that names the culprit (parameters.words).",
}
CONFIG = {
    "architectures": ["LlamaForCausalLM"], "attention_bias": False, "bos_token_id": 1,
    "eos_token_id": 2, "hidden_act": "silu", "hidden_size": 8, "intermediate_size": 6,
    "max_position_embeddings": 32, "mlp_bias": False, "model_type": "llama",
    "num_attention_heads": 2, "num_hidden_layers": 1, "num_key_value_heads": 1,
    "rms_norm_eps": 1e-5, "rope_scaling": None, "rope_theta": 10000.0,
    "tie_word_embeddings": False, "torch_dtype": "float32", "vocab_size": 5,
}
ADAPTER = {
    "alpha_pattern": {}, "base_model_name_or_path": "base", "bias": "none",
    "fan_in_fan_out": False, "init_lora_weights": True, "lora_alpha": 2, "modules_to_save": None,
    "peft_type": "LORA", "r": 1, "rank_pattern": {}, "target_modules": ["q_proj", "v_proj"],
    "task_type": "CAUSAL_LM", "use_dora": False, "use_rslora": False,
}
BUNDLE = {
    "format_version": 1, "base": "base",
    "adapters": [{"name": "a", "path": "adapters/a"}, {"name": "b", "path": "adapters/b"}],
    "gates": "gates.safetensors", "router": {"top_k": 2, "temperature": 1.0},
}
LAYER = "model.layers.0"
SELF, MLP = f"{LAYER}.self_attn", f"{LAYER}.mlp"
PEFT = "base_model.model."
Q, V = f"{PEFT}{SELF}.q_proj", f"{PEFT}{SELF}.v_proj"
_cases = []


def values(name, *shape):
    stream = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))
    return ((2 * stream.random(shape) - 1) / shape[-1] ** 0.5).astype(np.float32)


def base_weights():
    shapes = {
        "model.embed_tokens": (5, 8), "lm_head": (5, 8), "model.norm": (8,),
        f"{LAYER}.input_layernorm": (8,), f"{LAYER}.post_attention_layernorm": (8,),
        f"{SELF}.q_proj": (8, 8), f"{SELF}.k_proj": (4, 8), f"{SELF}.v_proj": (4, 8),
        f"{SELF}.o_proj": (8, 8), f"{MLP}.gate_proj": (6, 8), f"{MLP}.up_proj": (6, 8),
        f"{MLP}.down_proj": (8, 6),
    }
    return {f"{name}.weight": values(name, *shape) for name, shape in shapes.items()}


def adapter_weights(name):
    shapes = {
        f"{Q}.lora_A": (1, 8), f"{Q}.lora_B": (8, 1), f"{V}.lora_A": (1, 8), f"{V}.lora_B": (4, 1)
    }
    return {f"{key}.weight": values(name + key, *shape) for key, shape in shapes.items()}


def gate_weights(count):
    return {f"{m}.moe_gate.weight": values(f"gate{m}{count}", count, 8) for m in (Q, V)}


def write(path, content):
    """JSON for a dictionary of settings, safetensors for a dictionary of arrays, else the text."""
    file = ROOT / path
    file.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        file.write_text(content)
    elif any(isinstance(value, np.ndarray) for value in content.values()):
        file.write_bytes(save(content, {"format": "pt"}))
    else:
        file.write_text(json.dumps(content, indent=2) + "\n")


def folder_of(name):
    """Says nothing of the case, so that a path in an error's text cannot stand for its reason."""
    return f"{zlib.crc32(name.encode()):08x}"


def case(name, comment, words, result="unsupported", **parameters):
    """`words` None: it must load. Without `model` the folder is the case's own."""
    parameters = {"model": folder_of(name), **parameters}
    settings = {key: f"refusals/{path}" for key, path in parameters.items() if key != "adapters"}
    used = list(settings.values())
    if "adapters" in parameters:
        settings["adapters"] = [
            {"name": given, "path": f"refusals/{path}"}
            for given, path in parameters["adapters"].items()
        ]
        used += [adapter["path"] for adapter in settings["adapters"]]
    digests = {}
    for path in used:
        if (GOLDEN / path).exists():
            digests |= digests_of(GOLDEN / path)
    if words is not None:
        settings["words"] = words
    _cases.append(
        {
            "id": f"refusals/{name}", "comment": comment, "operation": "load_model",
            "parameters": settings, "flags": ["accepted"] if words is None else ["refusal"],
            "result": result, "check": "loads" if words is None else "words", "origin": "oracle",
            "source": {"script": "make_refusals.py", "safetensors": safetensors.__version__},
            "inputs": {}, "outputs": {}, "sha256": dict(sorted(digests.items())),
        }
    )


def digests_of(place):
    files = place.rglob("*") if place.is_dir() else [place]
    return {
        str(file.relative_to(GOLDEN)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(files) if file.is_file()
    }


def config_case(name, comment, changes, words, result="unsupported", without=()):
    name = f"config-{name}"
    config = {**CONFIG, **changes}
    write(f"{folder_of(name)}/config.json", {k: v for k, v in config.items() if k not in without})
    case(name, comment, words, result)


def weights_case(name, comment, words, weights, result="malformed", **changes):
    name = f"weights-{name}"
    write(f"{folder_of(name)}/config.json", {**CONFIG, **changes})
    if weights is not None:
        write(f"{folder_of(name)}/model.safetensors", weights)
    case(name, comment, words, result)


def adapter_case(name, comment, words, changes=None, weights=None, result="unsupported"):
    name = f"adapter-{name}"
    folder = folder_of(name)
    write(f"{folder}/adapter_config.json", {**ADAPTER, **(changes or {})})
    if weights is not None:
        write(f"{folder}/adapter_model.safetensors", weights)
    case(name, comment, words, result, model="ok/base", adapters={"only": folder})


def routed_case(name, comment, words, gates=None, checkpoint=None, result="malformed"):
    kind, content = ("gates", gates) if checkpoint is None else ("checkpoint", checkpoint)
    name, given = f"{kind}-{name}", {}
    if content is not None:
        given = {kind: f"{folder_of(name)}/{kind}.safetensors"}
        write(given[kind], content)
    both = {"a": "ok/adapters/a", "b": "ok/adapters/b"}
    case(name, comment, words, result, model="ok/base", adapters=both, **given)


def bundle_case(name, comment, changes, words, result="malformed", without=(), whole=True):
    """A whole bundle but for one setting, so that nothing else can be the reason; or its JSON."""
    name = f"bundle-{name}"
    if whole:
        shutil.copytree(ROOT / "ok", ROOT / folder_of(name))
    bundle = {**BUNDLE, **changes}
    kept = {key: value for key, value in bundle.items() if key not in without}
    write(f"{folder_of(name)}/meteora.json", kept)
    case(name, comment, words, result)


def begin():
    """Empties the area and writes the sound bundle `ok`."""
    shutil.rmtree(ROOT, ignore_errors=True)
    write("ok/base/config.json", CONFIG)
    write("ok/base/model.safetensors", base_weights())
    for name in ("a", "b"):
        write(f"ok/adapters/{name}/adapter_config.json", ADAPTER)
        write(f"ok/adapters/{name}/adapter_model.safetensors", adapter_weights(name))
    write("ok/gates.safetensors", gate_weights(2))
    write("ok/meteora.json", BUNDLE)


def finish():
    manifest.update("refusals", _cases, FLAGS)
    size = sum(file.stat().st_size for file in ROOT.rglob("*") if file.is_file())
    print(f"refusals: {len(_cases)} cases, {size} bytes")
