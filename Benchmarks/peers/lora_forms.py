"""Forms of the LoRA-MoE layer in PyTorch, in binary32 or what the weights are.

    one LoRA               one adapter for every token, no gate: what PEFT does; less work
    published original     softmax over all gates, top-k, renormalised; for every adapter its tokens
    published loop         top-k, softmax of the selected; for every adapter its tokens
    published bmm          A and B gathered for every token and choice, two batched products
    sorted by adapter      pairs of token and choice sorted, two products for each adapter's run
    grouped                the same with grouped_mm
    dense                  all ranks of all adapters, with zero weights where not selected
    dense prepacked        the same with oneDNN's packed weights

Each takes a layer, x [tokens, in], y [tokens, out] and k, adds to y, and returns it.
"""

import torch
import torch.nn.functional as F

class Layer:
    """Weights as PEFT has them, A [n, r, in] and B [n, out, r], and what forms prepare once."""

    def __init__(self, gate, a, b, scaling=2.0):
        self.gate, self.a, self.b, self.scaling = gate, a, b, scaling
        self.adapters, self.rank = a.shape[:2]
        self.prepared = {}

    def of(self, name, make):
        if name not in self.prepared:
            self.prepared[name] = make()
        return self.prepared[name]

    @property
    def byte_count(self):
        return 4 * (self.gate.numel() + self.a.numel() + self.b.numel())


def route(layer, x, k):
    logits = F.linear(x, layer.gate)
    values, selected = torch.topk(logits, k, dim=-1)
    shares = torch.softmax(values, dim=-1, dtype=torch.float32)
    weights = shares.to(x.dtype) if k > 1 else torch.ones_like(values)
    return selected, weights


def over_adapters(layer, x, y, selected, weights):
    # One adapter after the other: its tokens are looked up, multiplied and added back.
    mask = F.one_hot(selected, layer.adapters).permute(2, 1, 0)
    for adapter in range(layer.adapters):
        place, token = torch.where(mask[adapter])
        if token.numel() == 0:
            continue
        z = F.linear(x[token], layer.a[adapter])
        update = F.linear(z, layer.b[adapter]) * (layer.scaling * weights[token, place, None])
        y.index_add_(0, token, update)
    return y


def published_original(layer, x, y, k):
    shares = torch.softmax(F.linear(x, layer.gate), dim=-1, dtype=torch.float32)
    weights, selected = torch.topk(shares, k, dim=-1)
    weights = (weights / weights.sum(dim=-1, keepdim=True)).to(x.dtype)
    return over_adapters(layer, x, y, selected, weights)


def published_loop(layer, x, y, k):
    return over_adapters(layer, x, y, *route(layer, x, k))


def published_bmm(layer, x, y, k):
    selected, weights = route(layer, x, k)
    tokens = x.shape[0]
    a = layer.a[selected.reshape(-1)]
    b = layer.b[selected.reshape(-1)]
    repeated = x[:, None, :].expand(-1, k, -1).reshape(tokens * k, -1, 1)
    update = torch.bmm(b, torch.bmm(a, repeated)).view(tokens, k, -1)
    return y.add_((update * (layer.scaling * weights)[:, :, None]).sum(dim=1))


def runs(layer, x, k):
    """Pairs sorted by adapter: token of each, weight of each, where each adapter's run ends."""
    selected, weights = route(layer, x, k)
    flat = selected.reshape(-1)
    order = torch.argsort(flat)
    ends = torch.cumsum(torch.bincount(flat, minlength=layer.adapters), 0)
    return order // k, weights.reshape(-1)[order] * layer.scaling, ends


def sorted_by_adapter(layer, x, y, k):
    token, weights, ends = runs(layer, x, k)
    first = 0
    for adapter, end in enumerate(ends.tolist()):
        if end > first:
            part = slice(first, end)
            z = F.linear(x[token[part]], layer.a[adapter]) * weights[part, None]
            y.index_add_(0, token[part], F.linear(z, layer.b[adapter]))
        first = end
    return y


def grouped(layer, x, y, k):
    token, weights, ends = runs(layer, x, k)
    ends = ends.to(torch.int32)
    z = F.grouped_mm(x[token], layer.a.transpose(1, 2), offs=ends) * weights[:, None]
    return y.index_add_(0, token, F.grouped_mm(z, layer.b.transpose(1, 2), offs=ends))


def dense_weights(layer, x, k):
    selected, weights = route(layer, x, k)
    full = torch.zeros(x.shape[0], layer.adapters, dtype=x.dtype)
    full.scatter_(1, selected, weights * layer.scaling)
    return full.repeat_interleave(layer.rank, dim=1)


def dense(layer, x, y, k):
    a = layer.of("a", lambda: layer.a.reshape(-1, layer.a.shape[2]))
    b = layer.of("b", lambda: layer.b.permute(1, 0, 2).reshape(layer.b.shape[1], -1).contiguous())
    return y.addmm_(F.linear(x, a) * dense_weights(layer, x, k), b.t())


def packed_product(x, weight):
    return torch.ops.mkldnn._linear_pointwise(x, weight, None, "none", [], "")


def dense_prepacked(layer, x, y, k):
    def pack(weight):
        return torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), x.shape[0])

    a = layer.of(("a", x.shape[0]), lambda: pack(layer.a.reshape(-1, layer.a.shape[2])))
    b = layer.of(("b", x.shape[0]), lambda: pack(
        layer.b.permute(1, 0, 2).reshape(layer.b.shape[1], -1)))
    return y.add_(packed_product(packed_product(x, a) * dense_weights(layer, x, k), b))


def one_lora(layer, x, y, k):
    return y.add_(F.linear(F.linear(x, layer.a[0]), layer.b[0]) * layer.scaling)


FORMS = {"published original": published_original, "published loop": published_loop,
         "published bmm": published_bmm, "sorted by adapter": sorted_by_adapter,
         "grouped": grouped, "dense": dense, "dense prepacked": dense_prepacked,
         "one LoRA": one_lora}
