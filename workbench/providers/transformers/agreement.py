"""How well a picture fits a text, by models that put both into one space, such as CLIP and SigLIP.

Both families give the cosine of the picture's and the text's vector, on scales of their own. For CLIP and its kin the
score is CLIPScore: 2.5 times the cosine, cut at 0 and 1 (Hessel et al., CLIPScore, EMNLP 2021); unrelated pairs lie
near 0.4, good captions near 0.8. SigLIP learned a probability with the cosine, and the score is that:
sigmoid(exp(scale) x cosine + bias) (Zhai et al., Sigmoid Loss for Language Image Pre-Training, ICCV 2023); it is close
to 0 for unrelated pairs. Scores of two families cannot be compared.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from workbench.models.finding import FoundModel
from workbench.providers.provider import CallError
from workbench.providers.requests import AgreementRequest, Answer, Usage
from workbench.providers.transformers.loading import load_companion, load_model
from workbench.providers.transformers.memory import CPU_BATCH, GPU_BATCH, BatchLimit, work_in_batches

if TYPE_CHECKING:
    from workbench.providers.transformers import TransformersConfig

_CLIP_WEIGHT = 2.5


class Comparer:
    """A loaded model of both."""

    def __init__(self, config: TransformersConfig, found: FoundModel) -> None:
        self._loaded = load_model("AutoModel", config, found)
        self._processor = load_companion("AutoProcessor", config, found, self._loaded.folder)
        text = getattr(self._loaded.model.config, "text_config", self._loaded.model.config)
        self._most = int(text.max_position_embeddings)
        self._is_sigmoid = hasattr(self._loaded.model, "logit_bias")
        self._limit = BatchLimit(config.batch_size or (CPU_BATCH if self._loaded.device.type == "cpu" else GPU_BATCH))

    def answer(
        self, requests: Sequence[AgreementRequest], should_stop: Callable[[], bool]
    ) -> Iterator[tuple[int, Answer | CallError]]:
        """See `LocalProvider.answer`. Texts are cut at the most tokens of the model, as it was trained."""
        positions = list(enumerate(requests))
        for (position, _), result in work_in_batches(positions, self._limit, self._compare, should_stop):
            if result is None:
                result = CallError("request", "The picture does not fit into memory, even alone.")
            yield position, result

    def describe(self) -> Mapping[str, Any]:
        """See `Worker.describe`."""
        return self._loaded.describe()

    def _compare(self, batch: Sequence[tuple[int, AgreementRequest]]) -> list[Answer | CallError]:
        pictures = [_open_picture(request.image) for _, request in batch]
        whole = [place for place, picture in enumerate(pictures) if not isinstance(picture, CallError)]
        scores = self._score([pictures[place] for place in whole], [batch[place][1].text for place in whole])
        scored: dict[int, Answer | CallError] = dict(zip(whole, scores, strict=True))
        return [picture if isinstance(picture, CallError) else scored[place] for place, picture in enumerate(pictures)]

    @torch.inference_mode()
    def _score(self, pictures: Sequence[Any], texts: Sequence[str]) -> list[Answer]:
        if not pictures:
            return []
        inputs = self._processor(
            text=list(texts),
            images=list(pictures),
            return_tensors="pt",
            # SigLIP saw nothing but texts padded to the full length.
            padding="max_length" if self._is_sigmoid else True,
            truncation=True,
            max_length=self._most,
        ).to(self._loaded.device, self._loaded.dtype)
        outputs = self._loaded.model(**inputs)
        normalize = torch.nn.functional.normalize
        pairs = normalize(outputs.image_embeds.float(), dim=-1) * normalize(outputs.text_embeds.float(), dim=-1)
        scores = self._map_cosine(pairs.sum(dim=-1)).tolist()
        tokens = [int((row != 0).sum()) for row in inputs.get("attention_mask", inputs["input_ids"])]
        return [
            Answer(score=score, usage=Usage(input_tokens=count)) for score, count in zip(scores, tokens, strict=True)
        ]

    def _map_cosine(self, cosine: torch.Tensor) -> torch.Tensor:
        if not self._is_sigmoid:
            return (_CLIP_WEIGHT * cosine).clamp(0, 1)
        model = self._loaded.model
        return torch.sigmoid(model.logit_scale.float().exp() * cosine + model.logit_bias.float())


def _open_picture(content: bytes) -> Any:
    """An RGB picture, or the CallError that its request gets."""
    from PIL import Image

    try:
        return Image.open(io.BytesIO(content)).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return CallError("request", "The picture cannot be read.", solution="Give a PNG or JPEG file.")
