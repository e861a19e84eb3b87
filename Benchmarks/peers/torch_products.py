"""Times PyTorch's linear layers as `benchmarks ops` times this package's: cases product/...

    python torch_products.py [--threads N] [--seconds S] [--repeats N] [--only PREFIX]

                              (pip install torch==2.13.0, the build for CPUs)

Forms: `F.linear` with the weights as they are stored and an input of the same type (bf16 and f16
are multiplied in those types: less work than binary32 asks for), and oneDNN with weights packed
beforehand. Weights come from memory: enough copies are used in turn.
"""

import statistics

import rows

OPTIONS = rows.options(__doc__.splitlines()[0])

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402

SHAPES = [(4096, 4096), (4096, 14336), (14336, 4096)]
ROWS = [1, 4, 16, 64, 256, 512, 1024]
TYPES = {"f32": torch.float32, "bf16": torch.bfloat16, "f16": torch.float16}
COLD = 256 << 20


def forms(weights, rows):
    """(name, copies of the weights, product)."""
    yield "torch F.linear", weights, F.linear
    try:
        packed = [torch.ops.mkldnn._reorder_linear_weight(weight, rows) for weight in weights]
        if packed[0].layout != torch._mkldnn:
            return
    except RuntimeError:
        return  # Not for this type on this processor.
    yield "oneDNN prepacked", packed, lambda x, weight: torch.ops.mkldnn._linear_pointwise(
        x, weight, None, "none", [], "")


@torch.inference_mode()
def main():
    torch.set_num_threads(OPTIONS.threads)
    torch.manual_seed(1)
    rows.write_versions(f"torch {torch.__version__}")
    for name, dtype in TYPES.items():
        for k, n in SHAPES:
            group = f"product/{name}/{k}x{n}/"
            wanted = rows.wanted(OPTIONS, group, ROWS)
            if not wanted:
                continue
            copies = max(1, -(-COLD // (n * k * dtype.itemsize)))
            first = (torch.rand(n, k) - 0.5).to(dtype)
            weights = [first.clone() for _ in range(copies)]
            for count in wanted:
                x = (torch.rand(count, k) - 0.5).to(dtype)
                expected = F.linear(x.double()[:, :], first.double()[:64])
                for form, packed, product in forms(weights, count):
                    error = (product(x, packed[0])[:, :64].double() - expected).abs().max()
                    if not error <= 0.02 * expected.abs().max():
                        raise SystemExit(f"{group}{count}: {form} is off by {error}")
                    turn = [0]

                    def body():
                        product(x, packed[turn[0] % len(packed)])
                        turn[0] += 1

                    extra = rows.extra_megabytes(body)
                    samples = rows.timed(OPTIONS, body)
                    rows.write(OPTIONS, f"{group}{count}", form, samples, extra_megabytes=extra,
                               gflops=2 * count * n * k / statistics.median(samples) / 1e9)


main()
