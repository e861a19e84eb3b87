"""Makes GGUF files for llama.cpp of the plain models that `benchmarks model` has written.

    python make_gguf.py --output FOLDER [--only small/f32 ...]

                              (pip install gguf==0.19.0 numpy)

The files hold no vocabulary, which llama-bench does not need. They are named small-f32.gguf and so
on; llama_bench.py takes them as `--gguf small/f32=FOLDER/small-f32.gguf`.
"""

import argparse
import json
import tempfile
from pathlib import Path

import gguf
import numpy as np

CACHE = Path(tempfile.gettempdir()) / "meteora-benchmarks-1"
TYPES = {"F32": (np.float32, gguf.GGMLQuantizationType.F32),
         "F16": (np.float16, gguf.GGMLQuantizationType.F16),
         "BF16": (np.uint16, gguf.GGMLQuantizationType.BF16)}
NAMES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
         "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
         "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
         "post_attention_layernorm": "ffn_norm"}
WHOLE = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight",
         "lm_head.weight": "output.weight"}


def tensors(path):
    """(name, type, array) of a safetensors file; bf16 as uint16."""
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        kind, _ = TYPES[entry["dtype"]]
        first = 8 + length + entry["data_offsets"][0]
        yield name, entry["dtype"], np.memmap(path, kind, "r", first, tuple(entry["shape"]))


def gguf_name(name):
    if name in WHOLE:
        return WHOLE[name]
    _, _, layer, *module, _ = name.split(".")
    return f"blk.{layer}.{NAMES['.'.join(module)]}.weight"


def interleaved(array, heads):
    """Llama.cpp rotates neighbouring elements, Hugging Face's layout the two halves of a head."""
    halves = array.reshape(heads, 2, array.shape[0] // heads // 2, array.shape[1])
    return halves.swapaxes(1, 2).reshape(array.shape)


def convert(folder, output):
    config = json.loads((folder / "config.json").read_text())
    heads, key_heads = config["num_attention_heads"], config["num_key_value_heads"]
    writer = gguf.GGUFWriter(output, "llama")
    writer.add_vocab_size(config["vocab_size"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(key_heads)
    writer.add_rope_dimension_count(config["hidden_size"] // heads)
    writer.add_rope_freq_base(config["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_tokenizer_model("no_vocab")
    for name, dtype, array in tensors(folder / "model.safetensors"):
        if ".q_proj." in name:
            array = interleaved(array, heads)
        elif ".k_proj." in name:
            array = interleaved(array, key_heads)
        if array.ndim == 1:  # Llama.cpp wants norms in binary32.
            if dtype == "BF16":
                array = (array.astype(np.uint32) << 16).view(np.float32)
            writer.add_tensor(gguf_name(name), array.astype(np.float32))
        elif dtype == "BF16":
            writer.add_tensor(gguf_name(name), np.ascontiguousarray(array).view(np.uint8),
                              raw_dtype=TYPES[dtype][1])
        else:
            writer.add_tensor(gguf_name(name), np.ascontiguousarray(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--only", action="append", default=[])
    options = parser.parse_args()
    for folder in sorted(CACHE.glob("*")):
        if folder.name.endswith("-adapters") or not (folder / "complete").exists():
            continue
        if not options.only or folder.name.replace("-", "/") in options.only:
            convert(folder, options.output / f"{folder.name}.gguf")
            print(options.output / f"{folder.name}.gguf")


main()
