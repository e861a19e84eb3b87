"""Holds other versions of Transformers and PEFT against area "truth", which 5.x made.

    python check_truth.py          (requirements-torch-4x.txt, -4x-late.txt, -5x.txt)

Loads every folder that this environment's versions can read (4.40 knows no llama3, PEFT 0.10 no
newer configuration), runs base and single-adapter cases through unmodified Transformers and PEFT
in binary32, and fails if an error exceeds twice the recorded one of 5.x.
"""

import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"

import peft
import torch
import transformers
from safetensors import safe_open

import manifest

transformers.utils.logging.disable_progress_bar()


def tensor(entry):
    with safe_open(manifest.GOLDEN / entry["file"], "pt") as file:
        return file.get_tensor(entry["tensor"])


def places(parameters):
    folder = manifest.GOLDEN / parameters["model"]
    return folder, folder / "base" if (folder / "meteora.json").exists() else folder


def load(parameters):
    folder, base = places(parameters)
    model = transformers.LlamaForCausalLM.from_pretrained(base, torch_dtype=torch.float32)
    if parameters["mode"] == "single":
        model = peft.PeftModel.from_pretrained(model, folder / "adapters" / parameters["adapter"])
        model = model.base_model.model.to(torch.float32)
    return model.eval()


def readable(folder, base):
    config = json.loads((base / "config.json").read_text())
    if transformers.__version__ > "5":
        return True
    if "rope_parameters" in config or folder.name.startswith("hf5"):
        return False
    width = config["hidden_size"] // config["num_attention_heads"]
    newer = "llama3" in json.dumps(config) or config.get("mlp_bias")
    newer = newer or (config.get("head_dim") or width) != width
    return not (transformers.__version__.startswith("4.40") and newer)


def main():
    torch.set_num_threads(1)
    checked, worst = 0, 0.0
    for case in json.loads((manifest.GOLDEN / "manifest.json").read_text())["cases"]:
        parameters = case["parameters"]
        routed = case["operation"] != "model_distance" or parameters["mode"] == "routed"
        if not case["id"].startswith("truth/") or routed:
            continue
        if not readable(*places(parameters)):
            continue
        with torch.no_grad():
            logits = load(parameters)(tensor(case["inputs"]["ids"])[None]).logits[0].double()
        error = (logits - tensor(case["outputs"]["logits64"])).square().mean().sqrt()
        ratio = float(error / tensor(case["outputs"]["reference_rms"]))
        checked, worst = checked + 1, max(worst, ratio)
        if ratio > 2:
            sys.exit(f"{case['id']}: {ratio:.1f} times the recorded error")
    versions = f"transformers {transformers.__version__}, peft {peft.__version__}"
    print(f"{versions}: {checked} cases, at most {worst:.2f} times the recorded error")
    sys.exit(0 if checked else "no case was readable")


main()
