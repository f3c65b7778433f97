"""Small pipelines that tests build and save: some with random weights, and one trained on scikit-learn's digits."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import torch
from diffusers import (
    AutoencoderKL,
    DDIMPipeline,
    DDIMScheduler,
    DDPMScheduler,
    DiTPipeline,
    DiTTransformer2DModel,
    StableDiffusionPipeline,
    UNet2DConditionModel,
    UNet2DModel,
)
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer


def save_random_pipeline(folder: Path, prompt_tokens: int) -> Path:
    """A StableDiffusionPipeline of 64 x 64 pixels with fixed random weights, which reads `prompt_tokens` tokens."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=32, in_channels=4, out_channels=4, block_out_channels=(16, 32), layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"), up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32, attention_head_dim=8, norm_num_groups=8,
    )  # fmt: skip
    letters = sorted(ByteLevel.alphabet())
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    tokenizer = CLIPTokenizer(
        vocab={word: place for place, word in enumerate(words)}, merges=[], model_max_length=prompt_tokens
    )
    text_encoder = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(words), hidden_size=32, intermediate_size=64, num_attention_heads=4, num_hidden_layers=2,
            max_position_embeddings=prompt_tokens, bos_token_id=len(words) - 2, eos_token_id=len(words) - 1,
            pad_token_id=len(words) - 1,
        )
    )  # fmt: skip
    pipeline = StableDiffusionPipeline(
        vae=_make_vae(), text_encoder=text_encoder, tokenizer=tokenizer, unet=unet,
        scheduler=DDIMScheduler(beta_schedule="scaled_linear", clip_sample=False, steps_offset=1),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    pipeline.save_pretrained(folder)
    return folder


def save_random_class_pipeline(folder: Path) -> Path:
    """A DiTPipeline of 16 x 16 pixels with a thousand classes and fixed random weights."""
    torch.manual_seed(0)
    transformer = DiTTransformer2DModel(
        num_attention_heads=2, attention_head_dim=8, in_channels=4, out_channels=4, num_layers=1, norm_num_groups=4,
        sample_size=8, patch_size=2, num_embeds_ada_norm=1000,
    )  # fmt: skip
    DiTPipeline(transformer, _make_vae(), DDIMScheduler()).save_pretrained(folder)
    return folder


def train_digits(folder: Path, steps: int) -> Path:
    """A DDIMPipeline of 8 x 8 pixels with ten classes; a step takes a tenth to a fifth of a second on one core."""
    torch.manual_seed(0)
    data = load_digits()
    pictures = torch.tensor(data.images / 8.0 - 1.0, dtype=torch.float32)[:, None]
    classes = torch.tensor(data.target)
    unet = UNet2DModel(
        sample_size=8, in_channels=1, out_channels=1, block_out_channels=(32, 64), layers_per_block=1,
        norm_num_groups=8, num_class_embeds=10, down_block_types=("DownBlock2D",) * 2,
        up_block_types=("UpBlock2D",) * 2,
    )  # fmt: skip
    averaged = copy.deepcopy(unet)
    noising = DDPMScheduler(num_train_timesteps=1000, beta_schedule="squaredcos_cap_v2")
    optimizer = torch.optim.AdamW(unet.parameters(), lr=1e-3)
    for step in range(1, steps + 1):
        chosen = torch.randint(0, len(pictures), (128,))
        noise, moments = torch.randn(128, 1, 8, 8), torch.randint(0, 1000, (128,))
        predicted = unet(noising.add_noise(pictures[chosen], noise, moments), moments, class_labels=classes[chosen])
        loss = torch.nn.functional.mse_loss(predicted.sample, noise)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        keep = min(0.98, (1 + step) / (10 + step))
        with torch.no_grad():
            for kept, new in zip(averaged.parameters(), unet.parameters(), strict=True):
                kept.lerp_(new, 1 - keep)
    DDIMPipeline(averaged, DDIMScheduler.from_config(noising.config)).save_pretrained(folder)
    return folder


def read_digits() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The real pictures, shape (n, 64) with values from 0 to 255, and their digits."""
    data = load_digits()
    return np.round(data.data * 255 / 16), data.target


def _make_vae() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(16, 32), down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2, latent_channels=4, norm_num_groups=8, sample_size=64,
    )  # fmt: skip
