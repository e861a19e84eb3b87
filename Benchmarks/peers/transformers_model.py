"""Times whole models in Transformers as `benchmarks model` times this package's: cases model/...

    python transformers_model.py [--threads N] [--seconds S] [--repeats N] [--only PREFIX]

                 (pip install torch==2.13.0 transformers==5.23.0 peft==0.21.2 accelerate==1.15.0)

It reads the models that `benchmarks model` has written. Plain ones run as Transformers has them;
those with 28 adapters in the published forms of lora_forms.py, put in the place of every linear
module, and with one of the adapters alone through PEFT, which is less work. Every row's model is
opened in a process of its own.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STARTED = time.clock_gettime(time.CLOCK_MONOTONIC)

import rows  # noqa: E402

CACHE = Path(tempfile.gettempdir()) / "meteora-benchmarks-1"
ROWS = ["open", "first_token", "prompt128", "prompt512", "decode"]
FORMS = {"plain": ["Transformers"],
         "28adapters": ["Transformers, published loop", "Transformers, published bmm",
                        "Transformers, published original", "PEFT, one LoRA"]}
FIRST_PROMPT, DECODED, TOP_K = 16, 64, 2

OPTIONS = rows.options(__doc__.splitlines()[0], lambda parser: (
    parser.add_argument("--model-case", help="measure one model in this process"),
    parser.add_argument("--form"), parser.add_argument("--started", type=float)))


def main():
    if OPTIONS.model_case:
        return measure(OPTIONS.model_case, OPTIONS.form)
    write_versions()
    for shape in ["small", "medium", "8b"]:
        for format in ["f32", "bf16", "f16"]:
            for kind, forms in FORMS.items():
                name = f"{shape}/{format}/{kind}"
                folder = CACHE / f"{shape}-{format}{'' if kind == 'plain' else '-adapters'}"
                wanted = any(rows.includes(OPTIONS, f"model/{name}/{row}") for row in ROWS)
                if wanted and (folder / "complete").exists():
                    for form in forms:
                        run_alone(name, form)


def write_versions():
    from importlib.metadata import version
    rows.write_versions(*[f"{name} {version(name)}" for name in ("torch", "transformers", "peft")],
                        settings="allocator keeps freed memory")


def run_alone(name, form):
    arguments = sys.argv[1:] + ["--model-case", name, "--form", form, "--started",
                                str(time.clock_gettime(time.CLOCK_MONOTONIC))]
    subprocess.run([sys.executable, __file__] + arguments, check=True)


def measure(name, form):
    import torch
    torch.set_num_threads(OPTIONS.threads)
    started = OPTIONS.started or STARTED
    with torch.inference_mode():
        model = open_model(name, form)
        opened = since(started)
        memory = rows.status("VmHWM") / 1e6
        first_token(model, FIRST_PROMPT)
        times = {"open": (opened, memory), "first_token": (since(started),
                                                            rows.status("VmHWM") / 1e6)}
        for row, (seconds, memory) in times.items():
            write(name, row, form, [seconds], memory)
        for count in (128, 512):
            if rows.includes(OPTIONS, f"model/{name}/prompt{count}"):
                samples = rows.timed(OPTIONS, lambda: first_token(model, count))
                write(name, f"prompt{count}", form, samples, tokens=count)
        if rows.includes(OPTIONS, f"model/{name}/decode"):
            write(name, "decode", form, decode_times(model), tokens=1)


def since(started):
    return time.clock_gettime(time.CLOCK_MONOTONIC) - started


def write(name, row, form, samples, memory=None, tokens=None):
    case = f"model/{name}/{row}"
    if rows.includes(OPTIONS, case):
        speed = tokens / statistics.median(samples) if tokens else None
        rows.write(OPTIONS, case, form, samples, tokens_per_second=speed,
                   peak_megabytes=memory or rows.status("VmHWM") / 1e6)


def open_model(name, form):
    import torch
    from transformers import AutoModelForCausalLM
    shape, format, _ = name.split("/")
    dtype = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}[format]
    model = AutoModelForCausalLM.from_pretrained(CACHE / f"{shape}-{format}", dtype=dtype)
    model.eval()
    adapters = CACHE / f"{shape}-{format}-adapters"
    if form.startswith("PEFT"):
        from peft import PeftModel
        model = PeftModel.from_pretrained(model, adapters / "a00")
    elif "published" in form:
        add_adapters(model, adapters, form.split(", ")[1])
    return model


def add_adapters(model, folder, form):
    """Puts a layer of lora_forms.py beside every linear module of the decoder."""
    import torch
    from safetensors.torch import load_file
    import lora_forms
    function = lora_forms.FORMS[form]
    gates = load_file(folder / "gates.safetensors")
    settings = json.loads((folder / "a00" / "adapter_config.json").read_text())
    adapters = [load_file(path / "adapter_model.safetensors")
                for path in sorted(folder.glob("a[0-9][0-9]"))]

    class Routed(torch.nn.Module):
        def __init__(self, base, layer):
            super().__init__()
            self.base, self.layer = base, layer

        def forward(self, x):
            y = self.base(x)
            function(self.layer, x.reshape(-1, x.shape[-1]), y.view(-1, y.shape[-1]), TOP_K)
            return y

    for path, module in list(model.named_modules()):
        key = f"base_model.model.{path}"
        if f"{key}.moe_gate.weight" not in gates:
            continue
        parent, _, name = path.rpartition(".")
        layer = lora_forms.Layer(
            gates[f"{key}.moe_gate.weight"],
            torch.stack([adapter.pop(f"{key}.lora_A.weight") for adapter in adapters]),
            torch.stack([adapter.pop(f"{key}.lora_B.weight") for adapter in adapters]),
            scaling=settings["lora_alpha"] / settings["r"])
        setattr(model.get_submodule(parent), name, Routed(module, layer))


def prompt(count):
    import torch
    return torch.tensor([[(index * 7919 + 13) % 32000 for index in range(count)]])


def first_token(model, count):
    """The prompt, the logits of its last position, and the largest."""
    output = model(input_ids=prompt(count), use_cache=True, logits_to_keep=1)
    return output.past_key_values, output.logits[:, -1].argmax(dim=-1, keepdim=True)


def decode_times(model):
    samples = []
    while len(samples) < DECODED or sum(samples) < OPTIONS.seconds:
        cache, token = first_token(model, 1)
        for _ in range(DECODED):
            start = time.perf_counter()
            output = model(input_ids=token, past_key_values=cache, use_cache=True)
            cache, token = output.past_key_values, output.logits[:, -1].argmax(-1, keepdim=True)
            token.item()
            samples.append(time.perf_counter() - start)
    return sorted(samples)


main()
