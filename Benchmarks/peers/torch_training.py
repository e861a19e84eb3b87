"""Times a step of the published training in PyTorch as `benchmarks training` times this package's:
cases training/...

    python torch_training.py [--threads N] [--seconds S] [--repeats N] [--only PREFIX]

                             (pip install torch==2.13.0 transformers==5.23.0, the build for CPUs)

The base is a Llama of Transformers with random weights. Restated are the layer that the published
training runs (softmax over all gates, top-k, renormalised; one adapter after the other: its tokens
are looked up, multiplied and added back) and its loss, language + 50 · gates. A step is everything
from the tokens to the new weights: forward, backward, clipping, AdamW, schedule. Dropout on the
input of the adapters is 0 unless `--dropout 0.1`, as published. Every row has a process of its own.
"""

import statistics
import subprocess
import sys

import rows

SMALL = {
    "hidden_size": 512, "num_hidden_layers": 8, "num_attention_heads": 8,
    "num_key_value_heads": 8, "intermediate_size": 1376, "vocab_size": 32000,
}
ADAPTERS, RANK, TOP_K, ALPHA, BETA = 8, 8, 2, 16, 50
SEQUENCES, LENGTH = 4, 256
ROWS = ["gates", "gates+adapters"]
GROUP = "training/small/f32/8adapters/"

OPTIONS = rows.options(__doc__.splitlines()[0], lambda parser: (
    parser.add_argument("--attention", choices=["sdpa", "eager"], default="sdpa"),
    parser.add_argument("--dropout", type=float, default=0.0),
    parser.add_argument("--row", choices=ROWS, help="measure one row in this process")))


def main():
    if OPTIONS.row:
        return measure(OPTIONS.row)
    from importlib.metadata import version
    settings = f"{OPTIONS.attention}, dropout {OPTIONS.dropout:g}, allocator keeps freed memory"
    rows.write_versions(*[f"{name} {version(name)}" for name in ("torch", "transformers")],
                        settings=settings)
    for row in ROWS:
        if rows.includes(OPTIONS, GROUP + row):
            subprocess.run([sys.executable, __file__] + sys.argv[1:] + ["--row", row], check=True)


def measure(row):
    import torch
    torch.set_num_threads(OPTIONS.threads)
    torch.manual_seed(1)
    model, layers = open_model()
    check(layers[0])
    training = Training(model, layers, trains_adapters=row == "gates+adapters")
    samples = rows.timed(OPTIONS, training.step)
    training.check()
    rows.write(OPTIONS, GROUP + row, f"Transformers, published original, {OPTIONS.attention}",
               samples, tokens_per_second=SEQUENCES * LENGTH / statistics.median(samples),
               peak_megabytes=rows.status("VmHWM") / 1e6)


def open_model():
    """A frozen base with a routed layer in the place of every linear module of its decoder."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM
    config = LlamaConfig(**SMALL, use_cache=False, attn_implementation=OPTIONS.attention)
    model = LlamaForCausalLM(config).requires_grad_(False)
    layers = []
    for path, module in list(model.model.named_modules()):
        if isinstance(module, torch.nn.Linear):
            parent, _, name = path.rpartition(".")
            layers.append(routed(module))
            setattr(model.model.get_submodule(parent), name, layers[-1])
    return model.train(), layers


def routed(base):
    import torch
    import torch.nn.functional as F

    class Routed(torch.nn.Module):
        def __init__(self):
            super().__init__()
            linear = lambda inputs, outputs: torch.nn.Linear(inputs, outputs, bias=False)
            self.base, self.gate = base, linear(base.in_features, ADAPTERS)
            self.a = torch.nn.ModuleList(linear(base.in_features, RANK) for _ in range(ADAPTERS))
            self.b = torch.nn.ModuleList(linear(RANK, base.out_features) for _ in range(ADAPTERS))
            self.dropout = torch.nn.Dropout(OPTIONS.dropout)
            torch.nn.init.normal_(self.gate.weight, std=base.in_features ** -0.5)

        def forward(self, x):
            tokens = x.reshape(-1, x.shape[-1])
            self.logits = self.gate(tokens)
            shares = torch.softmax(self.logits, dim=-1, dtype=torch.float32)
            weights, selected = torch.topk(shares, TOP_K, dim=-1)
            weights = (weights / weights.sum(dim=-1, keepdim=True)).to(x.dtype)
            mask = F.one_hot(selected, ADAPTERS).permute(2, 1, 0)
            y = self.base(tokens)
            for adapter in range(ADAPTERS):
                place, token = torch.where(mask[adapter])
                if token.numel() == 0:
                    continue
                update = self.b[adapter](self.a[adapter](self.dropout(tokens[token])))
                y.index_add_(0, token, update * (ALPHA / RANK) * weights[token, place, None])
            return y.view(*x.shape[:-1], -1)

    return Routed()


def check(layer):
    """The loop against all adapters for every token, most of them with weight 0."""
    import torch
    x = torch.randn(50, layer.base.in_features)
    with torch.no_grad():
        y = layer.eval()(x)
        values, selected = torch.topk(layer.logits, TOP_K)
        weights = torch.zeros_like(layer.logits).scatter_(1, selected, values.softmax(-1))
        expected = layer.base(x)
        for adapter in range(ADAPTERS):
            update = layer.b[adapter](layer.a[adapter](x)) * (ALPHA / RANK)
            expected += weights[:, adapter, None] * update
    layer.train()
    error = (y - expected).abs().max()
    if not error <= 1e-5 * expected.abs().max():
        raise SystemExit(f"the layer is off by {error}")


class Training:
    """The trained weights, one batch, and the steps made with it."""

    def __init__(self, model, layers, trains_adapters):
        import torch
        from transformers import get_cosine_schedule_with_warmup
        self.model, self.layers, self.losses = model, layers, []
        self.trained = [layer.gate.weight for layer in layers]
        for layer in layers:
            for linear in [*layer.a, *layer.b]:
                linear.requires_grad_(trains_adapters)
                self.trained += [linear.weight] if trains_adapters else []
        self.adamw = torch.optim.AdamW(self.trained, lr=5e-5, weight_decay=0.0)
        self.schedule = get_cosine_schedule_with_warmup(self.adamw, 10, 10_000)
        self.ids = torch.randint(0, SMALL["vocab_size"], (SEQUENCES, LENGTH))
        # One adapter for every sequence, and the last token of a sequence predicts none.
        self.owners = torch.randint(0, ADAPTERS, (SEQUENCES, 1)).expand(-1, LENGTH)

    def step(self):
        import torch
        self.adamw.zero_grad(set_to_none=True)
        language = self.model(
            input_ids=self.ids, attention_mask=torch.ones_like(self.ids), labels=self.ids).loss
        loss = language + BETA * self.gate_loss()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
        self.adamw.step()
        self.schedule.step()
        self.losses.append(loss.item())

    def gate_loss(self):
        import torch
        import torch.nn.functional as F
        logits = torch.stack([layer.logits for layer in self.layers])
        logits = logits.view(len(self.layers), SEQUENCES, LENGTH, ADAPTERS)[:, :, :-1]
        owners = self.owners[None, :, 1:].expand(len(self.layers), -1, -1)
        return F.cross_entropy(logits.flatten(0, 2), owners.flatten())

    def check(self):
        """The same batch again and again: its loss falls, if no dropout disturbs it."""
        if OPTIONS.dropout == 0 and not self.losses[-1] < self.losses[0]:
            raise SystemExit(f"the loss went from {self.losses[0]} to {self.losses[-1]}")


main()
