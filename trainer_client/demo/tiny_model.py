"""A language model of a few 100,000 parameters and its tokenizer, made in memory from a seed.

Both save to a folder and load from it by `AutoModelForCausalLM` and `AutoTokenizer`, like any.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

__all__ = ["build_model", "build_tokenizer", "save"]

_PRINTABLE_ASCII: Final = "\n" + "".join(map(chr, range(0x20, 0x7F)))
_TAGS: Final = ("<think>", "</think>", "<answer>", "</answer>")
_PAD, _END, _UNKNOWN = "<|pad|>", "<|end|>", "<|unknown|>"
_POSITIONS: Final = 512
_HEAD_SIZE: Final = 32
_CHAT_TEMPLATE: Final = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


def build_tokenizer(alphabet: str = _PRINTABLE_ASCII) -> PreTrainedTokenizerFast:
    """A tokenizer of one token per character, and one per tag of thinking and answer."""
    words = (_PAD, _END, _UNKNOWN, *_TAGS, *dict.fromkeys(alphabet))
    vocabulary = {word: number for number, word in enumerate(words)}
    characters = Tokenizer(models.WordLevel(vocabulary, unk_token=_UNKNOWN))
    characters.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    # Without it, decoding puts a space between any two characters.
    characters.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # its __init__ has none
        tokenizer_object=characters,
        pad_token=_PAD,
        eos_token=_END,
        unk_token=_UNKNOWN,
        padding_side="left",
        clean_up_tokenization_spaces=False,
        model_max_length=_POSITIONS,
    )
    # Not special: trainers decode completions without special tokens, and graders read the tags.
    tokenizer.add_tokens([AddedToken(tag, special=False, normalized=False) for tag in _TAGS])
    tokenizer.chat_template = _CHAT_TEMPLATE
    return tokenizer


def build_model(
    tokenizer: PreTrainedTokenizerFast, *, hidden: int = 128, layers: int = 4, seed: int = 0
) -> LlamaForCausalLM:
    """A Llama with random weights; `hidden` is a multiple of 32, the width of a head."""
    heads = hidden // _HEAD_SIZE
    if heads * _HEAD_SIZE != hidden or heads < 1:
        raise ValueError(f"hidden={hidden!r}: give a multiple of {_HEAD_SIZE} above 0")
    # No Qwen2: `AutoTokenizer` takes Qwen2's own tokenizer for it, whatever the folder holds.
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=3 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        max_position_embeddings=_POSITIONS,
        tie_word_embeddings=True,
        # Wide for a width so small: it learns in 200 steps what 0.02 takes 600 or more for.
        initializer_range=0.7 / hidden**0.5,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(config)


def save(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, *, folder: Path) -> None:
    """Write both to the folder, as a hub would hold them."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
