"""Models with random weights, made and saved in milliseconds: they prove paths, not what a trained model can do."""

from __future__ import annotations

import json
import string
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertModel,
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    CLIPProcessor,
    CLIPTokenizer,
    CLIPVisionConfig,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    LlavaConfig,
    LlavaForConditionalGeneration,
    MambaConfig,
    MambaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    SiglipConfig,
    SiglipImageProcessorPil,
    SiglipModel,
    SiglipProcessor,
    VitsConfig,
    VitsModel,
    VitsTokenizer,
)

SPECIALS = ("<pad>", "<start>", "<end>")
CHAT_TEMPLATE = (
    "{% for message in messages %}<start>{{ message['role'] }}: {{ message['content'] }}<end>{% endfor %}"
    "{% if add_generation_prompt %}<start>assistant: {% endif %}"
)
TEMPLATE_WITHOUT_SYSTEM = (
    "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + (CHAT_TEMPLATE)
)
FAILING_FORWARD = '''
import torch
from transformers import LlamaForCausalLM


class RoomyLlama(LlamaForCausalLM):
    """Runs out of memory with more rows than its config allows, and with more tokens in all."""

    def forward(self, input_ids=None, attention_mask=None, position_ids=None, past_key_values=None, **kwargs):
        if input_ids.shape[0] > self.config.most_rows or input_ids.numel() > self.config.most_tokens:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return super().forward(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            **kwargs,
        )
'''


def make_tokenizer(template: str | None = CHAT_TEMPLATE) -> PreTrainedTokenizerFast:
    """Bytes and three special tokens, 259 words."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {word: place for place, word in enumerate((*SPECIALS, *alphabet))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    made = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", bos_token="<start>", eos_token="<end>"
    )
    made.chat_template = template
    return made


def make_language_model(
    folder: Path, *, architecture: str = "llama", template: str | None = CHAT_TEMPLATE, context: int = 512
) -> Path:
    """A decoder of two layers. `mistral` has a sliding window of 16 tokens, `mamba` a recurrent state, `llava` eyes."""
    torch.manual_seed(11)
    words = 259
    common = {"vocab_size": words, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "initializer_range": 0.4}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 64}
    model: PreTrainedModel
    if architecture == "gpt2":
        model = GPT2LMHeadModel(
            GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=context, initializer_range=0.4, **common)
        )
    elif architecture == "mistral":
        model = MistralForCausalLM(
            MistralConfig(sliding_window=16, max_position_embeddings=context, **common, **sizes, **heads)
        )
    elif architecture == "mamba":
        model = MambaForCausalLM(MambaConfig(state_size=8, **common, **sizes))
    else:
        config = LlamaConfig(max_position_embeddings=context, **common, **sizes, **heads)
        model = LlamaForCausalLM(config)
        if architecture == "llava":
            eyes = CLIPVisionConfig(image_size=32, patch_size=8, **sizes, num_attention_heads=4, intermediate_size=64)
            model = LlavaForConditionalGeneration(
                LlavaConfig(text_config=config, vision_config=eyes, image_token_index=words - 1)
            )
    model.save_pretrained(folder)
    make_tokenizer(template).save_pretrained(folder)
    return folder


def make_roomy_model(folder: Path, *, most_rows: int, most_tokens: int = 10_000) -> Path:
    """The llama of `make_language_model` with code of its own, which runs out of memory at a limit."""
    make_language_model(folder)
    config = json.loads((folder / "config.json").read_text())
    config |= {
        "architectures": ["RoomyLlamaForCausalLM"],
        "auto_map": {"AutoModelForCausalLM": "roomy_llama.RoomyLlama"},
        "most_rows": most_rows,
        "most_tokens": most_tokens,
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "roomy_llama.py").write_text(FAILING_FORWARD)
    return folder


def make_encoder(folder: Path) -> Path:
    """A BERT of two layers over bytes."""
    torch.manual_seed(12)
    config = BertConfig(
        vocab_size=259,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        pad_token_id=0,
    )
    BertModel(config).save_pretrained(folder)
    tokenizer = make_tokenizer(None)
    tokenizer.model_max_length = 64
    tokenizer.save_pretrained(folder)
    return folder


def make_voice(folder: Path, *, speakers: int = 1) -> Path:
    """A VITS that makes noise at 16 kHz."""
    torch.manual_seed(13)
    letters = {letter: place for place, letter in enumerate(f"_ {string.ascii_lowercase}'.")}
    config = VitsConfig(
        vocab_size=len(letters),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        ffn_dim=16,
        flow_size=16,
        spectrogram_bins=9,
        duration_predictor_filter_channels=16,
        prior_encoder_num_flows=1,
        posterior_encoder_num_wavenet_layers=1,
        prior_encoder_num_wavenet_layers=1,
        duration_predictor_num_flows=1,
        wavenet_kernel_size=3,
        upsample_initial_channel=16,
        upsample_rates=[4, 4],
        upsample_kernel_sizes=[8, 8],
        resblock_kernel_sizes=[3],
        resblock_dilation_sizes=[[1, 3]],
        num_speakers=speakers,
        speaker_embedding_size=8 if speakers > 1 else 0,
    )
    VitsModel(config).save_pretrained(folder)
    vocabulary = folder / "letters.json"
    vocabulary.write_text(json.dumps(letters))
    VitsTokenizer(str(vocabulary), pad_token="_", unk_token=" ", is_uroman=False, phonemize=False).save_pretrained(
        folder
    )
    return folder


def make_clip(folder: Path) -> Path:
    """A CLIP for pictures of 32 x 32 pixels."""
    torch.manual_seed(14)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = [*alphabet, *(f"{letter}</w>" for letter in alphabet), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: place for place, word in enumerate(words)}
    tokenizer = CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    ends = {"bos_token_id": vocabulary["<|startoftext|>"], "eos_token_id": vocabulary["<|endoftext|>"]}
    config = CLIPConfig(
        text_config={**sizes, **ends, "vocab_size": len(words), "max_position_embeddings": 77},
        vision_config={**sizes, "image_size": 32, "patch_size": 8},
        projection_dim=16,
    )
    CLIPModel(config).save_pretrained(folder)
    pictures = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    CLIPProcessor(pictures, tokenizer).save_pretrained(folder)
    return folder


def make_siglip(folder: Path) -> Path:
    """A SigLIP for pictures of 32 x 32 pixels."""
    torch.manual_seed(15)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = SiglipConfig(
        text_config={**sizes, "vocab_size": 259, "max_position_embeddings": 64, "projection_size": 32},
        vision_config={**sizes, "image_size": 32, "patch_size": 8},
    )
    SiglipModel(config).save_pretrained(folder)
    SiglipProcessor(SiglipImageProcessorPil(size={"height": 32, "width": 32}), make_tokenizer(None)).save_pretrained(
        folder
    )
    return folder
