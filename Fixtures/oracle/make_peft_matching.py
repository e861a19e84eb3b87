"""Golden area "peft": which modules an adapter_config.json changes, with what rank and scaling.

    python make_peft_matching.py      (pip install -r requirements-torch-5x.txt)

PEFT itself is asked: for the table below by building a tiny Llama with the adapter, for seeded
random expressions by its own matching functions on the module paths. One line of
`peft/matching.jsonl` a configuration:

    {"name":…, "layers":n, "configuration":{…}, "result":"valid", "updates":[
        {"r":8, "scaling":2.0, "modules":["0.self_attn.q_proj",…]},…]}

Module names follow "model.layers."; scaling is PEFT's binary64 quotient. "nothing": PEFT finds no
module. "refused": PEFT refuses the configuration. "unsupported": PEFT would adapt the embedding or
the output matrix.
"""

import hashlib
import json
import random
import re
import tempfile
import warnings
from pathlib import Path

import peft
import torch
import transformers
from peft import PeftConfig, get_peft_model
from peft.tuners.lora import LoraLayer
from peft.tuners.tuners_utils import check_target_module_exists
from peft.utils.other import get_pattern_key
from transformers import LlamaConfig, LlamaForCausalLM

import manifest

SEED = 2405
PREFIX = "model.layers."
MODULES = [f"self_attn.{name}_proj" for name in "qkvo"] + [
    f"mlp.{name}_proj" for name in ("gate", "up", "down")
]
Q, QV = ["q_proj"], ["q_proj", "v_proj"]
PATH = "model.layers.1.self_attn.q_proj"
# Releases before 0.15 looked the keys of rank_pattern and alpha_pattern up differently.
COMMON = {"peft_type": "LORA", "peft_version": peft.__version__, "r": 8, "lora_alpha": 16}


def table():
    """(name, layers, fields beside COMMON)."""
    yield "names", 3, dict(target_modules=QV)
    yield "all-names", 3, dict(target_modules=[m.split(".")[1] for m in MODULES])
    yield "name-with-block", 3, dict(target_modules=["self_attn.q_proj", "mlp.up_proj"])
    yield "name-with-layer", 12, dict(target_modules=["1.self_attn.q_proj"])
    yield "name-with-layers", 12, dict(target_modules=["layers.1.self_attn.q_proj"])
    yield "full-path", 12, dict(target_modules=[PATH])
    yield "full-path-and-name", 3, dict(target_modules=[PATH, "v_proj"])
    yield "suffix-trap-proj", 3, dict(target_modules=["proj"])
    yield "suffix-trap-x", 3, dict(target_modules=["xq_proj", "_proj", "q_pro", "j"])
    yield "leading-dot", 3, dict(target_modules=[".q_proj"])
    yield "trailing-dot", 3, dict(target_modules=["q_proj."])
    yield "empty-name", 3, dict(target_modules=["", "k_proj"])
    yield "names-are-no-expressions", 3, dict(target_modules=[".*", "q_.roj", "[qv]_proj"])
    yield "case-counts", 3, dict(target_modules=["Q_PROJ", "o_proj"])
    yield "repeated-name", 3, dict(target_modules=["q_proj", "q_proj"])
    yield "no-names", 3, dict(target_modules=[])
    yield "block-is-no-linear", 3, dict(target_modules=["self_attn"])
    yield "embedding", 3, dict(target_modules=["q_proj", "embed_tokens"])
    yield "head", 3, dict(target_modules=["q_proj", "lm_head"])
    yield "embedding-excluded", 3, dict(
        target_modules=["q_proj", "embed_tokens"], exclude_modules=["embed_tokens"])
    yield "head-restricted-to-layers", 3, dict(
        target_modules=["q_proj", "model.lm_head", "embed_tokens"], layers_to_transform=[1])
    yield "head-by-path-and-layers", 3, dict(
        target_modules=["q_proj", "lm_head"], layers_to_transform=[1])

    yield "all-linear", 3, dict(target_modules="all-linear")
    yield "all-linear-in-capitals", 3, dict(target_modules="All-Linear")
    yield "all-linear-in-a-list", 3, dict(target_modules=["all-linear", "k_proj"])
    yield "all-linear-excluded", 3, dict(
        target_modules="all-linear", exclude_modules=["q_proj", "1.mlp.up_proj"])
    yield "all-linear-and-layers", 3, dict(target_modules="all-linear", layers_to_transform=[1])
    yield "all-linear-ranks", 3, dict(target_modules="all-linear", rank_pattern={"down_proj": 3})

    yield "expression", 3, dict(target_modules=r".*\.q_proj")
    yield "expression-needs-all", 3, dict(target_modules="q_proj")
    yield "expression-half", 3, dict(target_modules=r".*\.q")
    yield "expression-groups", 12, dict(
        target_modules=r"model\.layers\.(1|10)\.(self_attn|mlp)\.(q|up)_proj")
    yield "expression-alternatives", 3, dict(target_modules=r".*q_proj|.*\.0\.mlp\.up_proj")
    yield "expression-anchored", 3, dict(target_modules=r"^model.*\.[kv]_proj$")
    yield "expression-end-anchor", 3, dict(target_modules=r".*\.[kv]_proj\Z")
    yield "expression-classes", 12, dict(target_modules=r"model\.layers\.\d\.\w+\.[^qkvo]\w*_proj")
    yield "expression-ranges", 12, dict(target_modules=r"model\.layers\.[3-57]\..*\.[o-q]_proj")
    yield "expression-counts", 12, dict(
        target_modules=r"model\.layers\.\d{2}\..{4,9}\.[a-z]{1,2}_proj")
    yield "expression-lazy", 3, dict(target_modules=r".*?\.self_attn\.\w??_proj")
    yield "expression-lookahead", 3, dict(target_modules=r"(?!.*mlp)model\.layers\..*_proj")
    yield "expression-positive-lookahead", 3, dict(target_modules=r".*\.(?=[qk])\w_proj")
    yield "expression-named-group", 3, dict(target_modules=r"(?P<rest>.*)\.v_proj")
    yield "expression-boundary", 3, dict(target_modules=r".*\bup_proj\b")
    yield "expression-unsloth", 3, dict(
        target_modules=r"(?:.*?(?:language|text).*?(?:self_attn|attention|mlp).*?(?:q_proj|k_proj)"
                       r".*?)|(?:\bmodel\.layers\.[\d]{1,}\.(?:self_attn|attention|attn|mlp)\."
                       r"(?:(?:q_proj|v_proj|up_proj)))")
    yield "expression-literal-brace", 3, dict(target_modules=r".*{}|.*v_proj")
    yield "expression-nested-repeats", 3, dict(target_modules=r"(?:(?:[a-z_]+|\d+)\.)+k_proj")
    yield "expression-all", 3, dict(target_modules=r".*")
    yield "expression-head", 3, dict(target_modules=r".*(q_proj|head)")
    yield "expression-layers", 3, dict(target_modules=r".*q_proj", layers_to_transform=[1])
    yield "expression-layers-pattern", 3, dict(target_modules=r".*q_proj", layers_pattern="layers")
    yield "expression-invalid", 3, dict(target_modules=r".*(q_proj")
    yield "expression-invalid-repeat", 3, dict(target_modules=r"*q_proj")
    yield "expression-unbalanced", 3, dict(target_modules=r".*q_proj)|(.*k_proj")

    yield "excluded-name", 3, dict(target_modules=QV, exclude_modules=["v_proj"])
    yield "excluded-path", 3, dict(target_modules=QV, exclude_modules=[PATH])
    yield "excluded-suffix", 12, dict(target_modules=QV, exclude_modules=["1.self_attn.q_proj"])
    yield "excluded-expression", 3, dict(target_modules=QV, exclude_modules=r".*\.[02]\..*q_proj")
    yield "excluded-part-is-none", 3, dict(target_modules=Q, exclude_modules=r"q_proj")
    yield "excluded-all-linear-is-a-name", 3, dict(target_modules=Q, exclude_modules="all-linear")
    yield "excluded-empty", 3, dict(target_modules=Q, exclude_modules=[])
    yield "excluded-everything", 3, dict(target_modules=Q, exclude_modules=["q_proj"])
    yield "excluded-wins-over-path", 3, dict(target_modules=[PATH], exclude_modules=["q_proj"])

    yield "layers-list", 12, dict(target_modules=QV, layers_to_transform=[1, 11])
    yield "layers-integer", 12, dict(target_modules=QV, layers_to_transform=1)
    yield "layers-zero", 3, dict(target_modules=QV, layers_to_transform=0)
    yield "layers-empty", 3, dict(target_modules=QV, layers_to_transform=[])
    yield "layers-missing", 3, dict(target_modules=QV, layers_to_transform=[1, 7])
    yield "layers-none-there", 3, dict(target_modules=QV, layers_to_transform=[7])
    yield "layers-negative", 3, dict(target_modules=QV, layers_to_transform=[-1])
    yield "layers-full-path", 3, dict(target_modules=[PATH, "v_proj"], layers_to_transform=[0])
    yield "layers-path-without-model", 3, dict(
        target_modules=["layers.1.self_attn.q_proj", "v_proj"], layers_to_transform=[0])
    for name, pattern in [
        ("layers", "layers"), ("list", ["h", "layers"]), ("other", "h"),
        ("others", ["h", "blocks"]), ("empty", ""), ("empty-list", []),
        ("path", "model.layers"), ("escaped", r"model\.layers"),
        ("expression", "lay.*"), ("wild", ".*"), ("half", "ayers"), ("group", "(h|layers)"),
        ("part", "layer"), ("anchored", "^model.layers"), ("anchored-late", "^layers"),
    ]:
        yield f"layers-pattern-{name}", 3, dict(
            target_modules=QV, layers_to_transform=[1], layers_pattern=pattern)

    yield "rank-name", 3, dict(target_modules=QV, rank_pattern={"v_proj": 4})
    yield "rank-path", 12, dict(target_modules=QV, rank_pattern={PATH: 4})
    yield "rank-layer", 12, dict(target_modules=QV, rank_pattern={"1.self_attn.q_proj": 4})
    yield "rank-suffix-trap", 3, dict(target_modules=QV, rank_pattern={"_proj": 4, "proj": 2})
    yield "rank-expression", 12, dict(target_modules=QV, rank_pattern={r".*\.(1|11)\..*": 4})
    yield "rank-anchored", 3, dict(
        target_modules=QV, rank_pattern={"^q_proj": 2, r"^model\.layers\.1\..*v_proj$": 4})
    yield "rank-first-wins", 3, dict(
        target_modules=QV, rank_pattern={r"self_attn\.\w_proj": 3, "q_proj": 5, "v_proj": 6})
    yield "rank-dot-is-any", 3, dict(target_modules=QV, rank_pattern={"self.attn.q.proj": 3})
    yield "rank-alternatives", 3, dict(target_modules=QV, rank_pattern={"k_proj|v_proj": 3})
    yield "rank-of-no-target", 3, dict(target_modules=Q, rank_pattern={"v_proj": 3})
    yield "rank-lookahead", 3, dict(target_modules=QV, rank_pattern={r"(?!q).*_proj": 3})
    yield "rank-invalid", 3, dict(target_modules=QV, rank_pattern={"[q_proj": 3})
    yield "alpha-name", 3, dict(target_modules=QV, alpha_pattern={"v_proj": 7})
    yield "alpha-fraction", 3, dict(
        target_modules=QV, lora_alpha=0.1, alpha_pattern={"v_proj": 1e-3})
    yield "alpha-zero-and-negative", 3, dict(
        target_modules=QV, lora_alpha=0, alpha_pattern={"v_proj": -3})
    yield "rank-and-alpha", 3, dict(
        target_modules=QV, rank_pattern={"q_proj": 4}, alpha_pattern={"q_proj": 3})
    yield "rank-and-alpha-other-keys", 3, dict(
        target_modules=QV, rank_pattern={"q_proj": 4}, alpha_pattern={r"1\..*\.q_proj": 3})
    yield "rslora", 3, dict(target_modules=QV, use_rslora=True)
    yield "rslora-patterns", 3, dict(
        target_modules=QV, use_rslora=True, rank_pattern={"q_proj": 3}, alpha_pattern={"v_proj": 5})
    yield "rank-three", 3, dict(target_modules=QV, r=3, lora_alpha=1)
    yield "rank-zero", 3, dict(target_modules=QV, r=0)
    yield "rank-pattern-zero", 3, dict(target_modules=QV, rank_pattern={"q_proj": 0})


def load(fields):
    """The configuration as PEFT reads it from a file."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "adapter_config.json").write_text(json.dumps(fields))
        return PeftConfig.from_pretrained(folder)


def grouped(updates):
    """[(path, r, scaling)] as the lines hold it."""
    groups = {}
    for path, rank, scaling in updates:
        groups.setdefault((rank, float(scaling)), []).append(path.removeprefix(PREFIX))
    return [{"r": r, "scaling": s, "modules": paths} for (r, s), paths in groups.items()]


def ask(fields, layers):
    """What PEFT does to a tiny Llama: (result, updates)."""
    base = LlamaForCausalLM(LlamaConfig(
        vocab_size=8, hidden_size=8, intermediate_size=12, num_hidden_layers=layers,
        num_attention_heads=2, num_key_value_heads=1))
    try:
        model = get_peft_model(base, load(fields))
    except Exception as error:
        nothing = "not found in the base model|No modules were targeted|were excluded"
        return ("nothing" if re.search(nothing, str(error)) else "refused"), []
    updates = []
    for name, module in model.named_modules():
        if isinstance(module, LoraLayer):
            path = name.removeprefix("base_model.model.")
            if not path.startswith(PREFIX):
                return "unsupported", []
            updates.append((path, module.r["default"], module.scaling["default"]))
    return "valid", updates


def random_expression(stream, depth=0):
    """An expression of the supported syntax, by chance a sensible one."""
    atoms = [
        "model", "layers", "self_attn", "mlp", "q_proj", "v_proj", "up_proj", "_proj", "proj", "q",
        "p", r"\.", ".", ".*", ".+", r"\d", r"\w", r"\w+", r"\D", r"\W", r"\s", r"\S*", "[0-9]",
        "[qkv]", "[^q]", "[^a-m.]", "[a-z_]+", r"[\d.]", r"[^\w]", "[]a-z]+", "[_-]", r"\b", r"\B",
        "1", "0", "a", "$", "^",
    ]
    pieces = []
    for _ in range(stream.randint(1, 5)):
        if depth < 3 and stream.random() < 0.35:
            inner = random_expression(stream, depth + 1)
            opening = stream.choice(["(", "(", "(?:", "(?:", "(?=", "(?!"])
            pieces.append(opening + inner + ")")
        else:
            pieces.append(stream.choice(atoms))
        if stream.random() < 0.3:
            repeats = ["?", "??", "{,2}", "{2}", "*", "+", "*?", "+?", "{1,}", "{0,3}"]
            # Python would need exponential time for repeats of repeats.
            nested = re.search(r"[*+?}]", pieces[-1]) is not None
            pieces.append(stream.choice(repeats[:3] if nested else repeats))
        if stream.random() < 0.12:
            pieces.append("|")
    return "".join(pieces)


def is_supported(expression):
    """Valid in Python, quick there, and without what is refused by name: a lookahead inside a
    lookahead, and what Python takes for possessive."""
    try:
        re.compile(expression)
    except re.error:
        return False
    depth, looking = [], 0
    for match in re.finditer(r"\\.|\[\]?[^\]]*\]|\((\?[=!:])?|\)", expression):
        text = match.group()
        if text.startswith("("):
            look = text in ("(?=", "(?!")
            if look and looking:
                return False
            depth.append(look)
            looking += look
        elif text == ")":
            looking -= depth.pop()
    return not re.search(r"[*+?}]\+", expression) and len(re.findall(r"[*+]|,\}", expression)) < 6


def random_cases(count):
    """Expressions on all paths of three layers, as target and as key of rank_pattern."""
    stream = random.Random(SEED)
    paths = [f"{PREFIX}{i}.{module}" for i in range(3) for module in MODULES]
    others = ["lm_head", "model.embed_tokens"]
    seen, kinds = set(), {"target": 0, "rank": 0}
    while len(seen) < count:
        expression = random_expression(stream)
        if expression in seen or not is_supported(expression):
            continue
        kind = stream.choice(["target", "rank"])
        fields = dict(COMMON)
        fields |= ({"target_modules": expression} if kind == "target" else
                   {"target_modules": Q, "rank_pattern": {expression: 4}})
        try:
            config = load(fields)
            hits = [p for p in paths + others if check_target_module_exists(config, p)]
            keys = {p: get_pattern_key(config.rank_pattern, p) for p in hits}
            ranks = {p: config.rank_pattern.get(keys[p], 8) for p in hits}
        except re.error:
            # Valid alone, and not where PEFT puts it.
            continue
        if kind == "target":
            useful = 0 < len(hits) < len(paths) and not set(hits) & set(others)
        else:
            useful = 0 < sum(rank == 4 for rank in ranks.values()) < 3
        # Expressions that match nothing, or all, say little: a few will do.
        if not useful and stream.random() < 0.97:
            continue
        seen.add(expression)
        kinds[kind] += 1
        name = f"random-{kind}-{kinds[kind]:03}"
        if set(hits) & set(others):
            yield name, fields, "unsupported", []
        else:
            updates = [(p, ranks[p], 16 / ranks[p]) for p in hits]
            yield name, fields, "valid" if hits else "nothing", updates


def main():
    warnings.simplefilter("ignore")
    transformers.logging.set_verbosity_error()
    lines = []
    for name, layers, fields in table():
        fields = COMMON | fields
        result, updates = ask(fields, layers)
        lines.append((name, layers, fields, result, updates))
    lines += [(name, 3, *rest) for name, *rest in random_cases(400)]
    file = manifest.GOLDEN / "peft" / "matching.jsonl"
    file.parent.mkdir(exist_ok=True)
    file.write_text("".join(
        json.dumps({"name": name, "layers": layers, "configuration": fields, "result": result,
                    "updates": grouped(updates)}, separators=(",", ":")) + "\n"
        for name, layers, fields, result, updates in lines))
    manifest.update("peft", [{
        "id": "peft/matching",
        "comment": "Which modules of a Llama each of these configurations changes, and how.",
        "operation": "peft_matching", "parameters": {}, "flags": ["text"], "result": "valid",
        "check": "bits", "origin": "oracle",
        "source": {"script": Path(__file__).name, "peft": peft.__version__,
                   "transformers": transformers.__version__,
                   "torch": torch.__version__.split("+")[0], "seed": SEED},
        "inputs": {"configurations": {"file": "peft/matching.jsonl"}}, "outputs": {},
        "sha256": {"peft/matching.jsonl": hashlib.sha256(file.read_bytes()).hexdigest()},
    }], {})


if __name__ == "__main__":
    main()
