"""Times forms of the LoRA-MoE layer in PyTorch as `benchmarks ops` times this package's: cases
lora_moe/...

    python torch_lora.py [--threads N] [--seconds S] [--repeats N] [--only PREFIX]

                              (pip install torch==2.13.0, the build for CPUs)

Each form of lora_forms.py computes gate, routing, adapters and the addition to the base output.
All are checked against the loop. Weights come from memory: enough copies are used in turn.
"""

import rows

OPTIONS = rows.options(__doc__.splitlines()[0])

import torch  # noqa: E402
from lora_forms import FORMS, Layer, dense, dense_prepacked, one_lora, published_loop  # noqa: E402

TOKENS = [1, 16, 64, 256, 1024]
# in, out, adapters, rank, k, pattern: the layers of LoRACase.swift.
LAYERS = [
    (4096, 4096, 28, 8, 2, "uniform"), (4096, 14336, 28, 8, 2, "uniform"),
    (14336, 4096, 28, 8, 2, "uniform"), (4096, 4096, 28, 4, 2, "uniform"),
    (4096, 4096, 28, 16, 2, "uniform"), (4096, 4096, 28, 64, 2, "uniform"),
    (4096, 4096, 28, 8, 1, "uniform"), (4096, 4096, 3, 8, 2, "uniform"),
    (4096, 4096, 128, 8, 2, "uniform"), (4096, 4096, 28, 8, 2, "skewed"),
    (4096, 4096, 28, 8, 2, "single"),
]
COLD = 256 << 20


def random_layer(k, n, adapters, rank):
    gate = (torch.rand(adapters, k) - 0.5) * 1e-4
    gate[torch.arange(adapters), torch.arange(adapters)] = 1
    return Layer(gate, torch.rand(adapters, rank, k) - 0.5, torch.rand(adapters, n, rank) - 0.5)


def preferences(tokens, adapters, pattern):
    """As LoRACase.preferences(): the k largest are draws without replacement."""
    index = torch.arange(adapters, dtype=torch.float32)
    if pattern == "single":
        return -index.expand(tokens, -1)
    gumbel = -torch.log(-torch.log(torch.rand(tokens, adapters).clamp(1e-6, 1 - 1e-6)))
    return gumbel - (1.5 * torch.log(index + 1) if pattern == "skewed" else 0)


@torch.inference_mode()
def main():
    torch.set_num_threads(OPTIONS.threads)
    torch.manual_seed(1)
    rows.write_versions(f"torch {torch.__version__}", settings="allocator keeps freed memory")
    for k_in, n_out, adapters, rank, k, pattern in LAYERS:
        group = f"lora_moe/{k_in}x{n_out}/a{adapters}r{rank}k{k}/{pattern}/"
        wanted = rows.wanted(OPTIONS, group, TOKENS)
        if not wanted:
            continue
        layers = [random_layer(k_in, n_out, adapters, rank)]
        while len(layers) * layers[0].byte_count < COLD:
            layers.append(random_layer(k_in, n_out, adapters, rank))
        for form, function in FORMS.items():
            for layer in layers:
                layer.prepared.clear()
            for count in wanted:
                measure(f"{group}{count}", form, function, layers, k, pattern, count, n_out)


def measure(case, form, function, layers, k, pattern, tokens, n_out):
    x = torch.rand(tokens, layers[0].a.shape[2]) - 0.5
    x[:, :layers[0].adapters] = preferences(tokens, layers[0].adapters, pattern)
    y = torch.zeros(tokens, n_out)
    if function is not one_lora:
        expected = published_loop(layers[0], x, y.clone(), k)
        error = (function(layers[0], x, y.clone(), k) - expected).abs().max()
        if not error <= 1e-3 * expected.abs().max():
            raise SystemExit(f"{case}: {form} is off by {error}")
    for layer in layers:  # Packing is not part of a call.
        if function in (dense, dense_prepacked):
            function(layer, x, y.clone(), k)
    turn = [0]

    def body():
        function(layers[turn[0] % len(layers)], x, y, k)
        turn[0] += 1

    extra = rows.extra_megabytes(body)
    rows.write(OPTIONS, case, f"torch {form}", rows.timed(OPTIONS, body), extra_megabytes=extra)


main()
