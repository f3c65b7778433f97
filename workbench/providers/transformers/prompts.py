"""From a request to the tokens that a model is given: its chat template, or a plain layout for models without one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from workbench.providers.provider import CallError
from workbench.providers.requests import TextRequest
from workbench.providers.transformers.loading import shorten

_PROBE = "a97fb1c3d2"
"""A text that no template holds by itself."""


class PromptWriter:
    """Lays requests out for one tokenizer."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._has_template = bool(getattr(tokenizer, "chat_template", None))
        self._takes_system = self._has_template and self._try_system()

    def encode(self, request: TextRequest) -> list[int]:
        """The tokens of a prompt. Raises CallError of the kind `request` where the template refuses it."""
        if request.images:
            raise CallError(
                "request", "This provider shows no pictures to a language model.", solution="Use an endpoint that can."
            )
        if not self._has_template:
            return list(self._tokenizer(lay_out_plainly(request), verbose=False)["input_ids"])
        try:
            # Templates of models that can think aloud look at `enable_thinking`; others never read it.
            encoded = self._tokenizer.apply_chat_template(
                self._list_messages(request),
                add_generation_prompt=True,
                tokenize=True,
                return_dict=True,
                tokenizer_kwargs={"verbose": False},
                enable_thinking=False,
            )
        except Exception as error:  # a template is a program of the model's: it may raise anything
            raise CallError(
                "request", f"The chat template of the model refuses this prompt: {shorten(error)}."
            ) from error
        return list(encoded["input_ids"])

    def find_stops(self, request: TextRequest) -> tuple[str, ...]:
        """The texts beyond the model's own end that end an answer.

        In the plain layout a blank line stands between turns, so it ends an answer, unless one of the turns shown to
        the model has a blank line itself.
        """
        if self._has_template or not request.history or request.schema is not None:
            return ()
        return () if any("\n\n" in turn.content.strip() for turn in request.history) else ("\n\n",)

    def _list_messages(self, request: TextRequest) -> list[dict[str, str]]:
        messages = [{"role": turn.role, "content": turn.content} for turn in request.history]
        messages.append({"role": "user", "content": request.prompt})
        if not request.system_prompt:
            return messages
        if self._takes_system:
            return [{"role": "system", "content": request.system_prompt}, *messages]
        first = next(message for message in messages if message["role"] == "user")
        first["content"] = f"{request.system_prompt}\n\n{first['content']}"
        return messages

    def _try_system(self) -> bool:
        """Whether the template shows a system prompt: some raise an error for it, some leave it out."""
        try:
            text = self._tokenizer.apply_chat_template(
                [{"role": "system", "content": _PROBE}, {"role": "user", "content": "?"}], tokenize=False
            )
        except Exception:  # as above
            return False
        return _PROBE in text


def lay_out_plainly(request: TextRequest) -> str:
    """The prompt as a text to be continued: the system prompt, then each turn with its answer below it.

    Without earlier turns the prompt stands at the end as it is, so that a sentence that was begun can be gone on with.
    """
    parts: list[str] = [request.system_prompt] if request.system_prompt else []
    for turn in request.history:
        if turn.role == "assistant" and parts:
            parts[-1] = f"{parts[-1]}\n{turn.content}"
        else:
            parts.append(turn.content)
    parts.append(f"{request.prompt}\n" if request.history else request.prompt)
    return "\n\n".join(parts)


def count_room(context: int | None, prompt: Sequence[int], max_tokens: int) -> int:
    """How many tokens an answer may have. Raises CallError of the kind `request` where the prompt fills the context."""
    if not prompt:
        raise CallError("request", "The prompt is empty.", solution="Write a prompt for a model without chat template.")
    if context is None:
        return max_tokens
    if len(prompt) >= context:
        raise CallError(
            "request",
            f"The prompt has {len(prompt):,} tokens and the model's context {context:,}.",
            solution="Shorten the prompt, or show fewer examples.",
        )
    return min(max_tokens, context - len(prompt))
