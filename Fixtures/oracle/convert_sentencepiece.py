"""Makes a tokenizer.json as Llama 2 has it from a SentencePiece model, by Transformers' converter.

    python convert_sentencepiece.py tokenizer.model tokenizer.json [--new]

        (pip install -r requirements-torch-4x-late.txt sentencepiece==0.2.3 protobuf==7.36.2)

Without --new it has the normalizers of Llama 2's file; with it Metaspace, as legacy=False writes it.
Models of real size are in the package mistral-common 1.13.1 (mistral_common/data/tokenizer.model.v1
and others); they are not kept here.
"""

import sys

from transformers import LlamaTokenizer
from transformers.convert_slow_tokenizer import convert_slow_tokenizer


def main(model, output, *options):
    slow = LlamaTokenizer(vocab_file=model, legacy="--new" not in options)
    convert_slow_tokenizer(slow).save(output, pretty=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
