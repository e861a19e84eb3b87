"""Small Llamas with random weights and a given tokenizer, and what Transformers generates with them.

Imported by make_generation.py and compare_generation.py, not run.
"""

import json
import os
import shutil
import zlib

os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
import transformers

#: They end in what vocabularies have: what a decoder makes of bytes can depend on the bytes after them.
PROMPTS = [
    "Hello, my name is", "Le garçon a mangé une pomme près de l'hôtel où", "naïve café — déjà vu? the",
    "Der schnelle Fuchs springt über die Größe der Straße the", "今天天气很好，我们一起去公园散步吧. the",
    "日本語、テスト! カタカナとひらがな, the", "오늘 날씨가 좋으니 the", "👩‍👩‍👧‍👦 👍🏽 🇩🇪🇫🇷 1️⃣ ❤️‍🔥 the",
    "Привет, мир! Как дела? the", "مرحبا بالعالم the", "e\u0301 and \u00e9 are equal? the", "def f(x):\n\treturn x + 1\n",
    "  two spaces  and\r\nlines\n\n", "", " ", "\u2581 is not a space.", "12345 + 67890 = the", "<0x41> &amp; \\n the",
]

STYLES = {
    "llama2": {
        "config": {"num_key_value_heads": 4, "rope_theta": 10000.0, "tie_word_embeddings": False},
        "tokenizer": {"tokenizer_class": "LlamaTokenizer", "bos_token": "<s>", "eos_token": "</s>",
                      "unk_token": "<unk>", "add_bos_token": True, "add_eos_token": False},
        "bos": "<s>", "eos": ["</s>"]},
    "llama3": {
        "config": {"num_key_value_heads": 2, "rope_theta": 500000.0, "tie_word_embeddings": True,
                   "rope_scaling": {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
                                    "high_freq_factor": 4.0,
                                    "original_max_position_embeddings": 64}},
        "tokenizer": {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<|begin_of_text|>",
                      "eos_token": "<|eot_id|>"},
        "bos": "<|begin_of_text|>", "eos": ["<|end_of_text|>", "<|eot_id|>"]},
}


def uniform(name, shape, deviation, mean=0.0):
    """Uniform numbers of the given standard deviation, by a stream of their own, as bfloat16 has them."""
    stream = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))
    values = mean + (2 * stream.random(tuple(shape)) - 1) * np.sqrt(3) * deviation
    return torch.from_numpy(values).to(torch.bfloat16).float()


def build(folder, tokenizer_file, style, hidden=16):
    """Writes a model folder: bfloat16 weights, the tokenizer's file, and what belongs to them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    spec = STYLES[style]
    shutil.copyfile(tokenizer_file, folder / "tokenizer.json")
    (folder / "tokenizer_config.json").write_text(json.dumps(spec["tokenizer"]) + "\n")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, use_fast=True)
    ids = [tokenizer.convert_tokens_to_ids(token) for token in [spec["bos"], *spec["eos"]]]
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=hidden, intermediate_size=2 * hidden,
        num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=512,
        rms_norm_eps=1e-5, bos_token_id=ids[0], eos_token_id=ids[1:] if ids[2:] else ids[1],
        torch_dtype="bfloat16", **spec["config"])
    model = transformers.LlamaForCausalLM(config)
    for name, weight in model.named_parameters():
        if "norm" in name:
            values = uniform(f"{style}/{name}", weight.shape, 0.15, mean=1.0)
        elif "embed_tokens" in name or "lm_head" in name:
            values = uniform(f"{style}/{name}", weight.shape, 2 / hidden**0.5)
        else:
            values = uniform(f"{style}/{name}", weight.shape, 1 / hidden**0.5)
        weight.data.copy_(values)
    model.to(torch.bfloat16).save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)
    return folder


def load(folder):
    """The tokenizer, and the model in binary32."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder, use_fast=True)
    model = transformers.LlamaForCausalLM.from_pretrained(
        folder, torch_dtype=torch.float32, attn_implementation="eager")
    return tokenizer, model.eval()


def case(tokenizer, model, prompt, new_tokens, ngram):
    """What greedy generation adds to a prompt, and the least lead of a token over the next best."""
    encoded = tokenizer(prompt, return_tensors="pt")
    with torch.no_grad():
        result = model.generate(
            encoded["input_ids"], attention_mask=encoded["attention_mask"], do_sample=False,
            max_new_tokens=new_tokens, no_repeat_ngram_size=ngram, return_dict_in_generate=True, output_scores=True, pad_token_id=0)
    ids = result.sequences[0].tolist()
    prompt_ids = encoded["input_ids"][0].tolist()
    best = torch.stack([scores[0] for scores in result.scores]).topk(2).values
    lead = float((best[:, 0] - best[:, 1]).min())

    def text(ids):
        return tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)

    whole, before = text(ids), text(prompt_ids)
    if not whole.startswith(before):  # The prompt ends in bytes of which the answer makes others.
        lead = 0.0
    new_ids = ids[len(prompt_ids):]
    ends = model.generation_config.eos_token_id
    ended = new_ids[-1] in (ends if isinstance(ends, list) else [ends])
    return lead, {"prompt": prompt, "prompt_ids": prompt_ids, "new_ids": new_ids,
                  "text": whole[len(before):], "finish_reason": "eos" if ended else "length"}


def cases(folder, prompts, new_tokens, ngram, least_lead=1e-3):
    """The cases in which no rounding could choose otherwise, and how many were left out."""
    tokenizer, model = load(folder)
    made = [case(tokenizer, model, prompt, new_tokens, ngram) for prompt in prompts]
    kept = [each for lead, each in made if lead > least_lead]
    return kept, len(made) - len(kept)
