"""A chat model of LangChain, asked as any other endpoint.

LangChain's own retries, callbacks and tracing are off: retries are the caller's, and what rows hold goes to the model
alone, whatever the environment says about LangSmith.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from workbench.providers.addresses import is_loopback
from workbench.providers.forms import UnknownForm, ask_in_forms, state_schema
from workbench.providers.judging import make_question, read_score
from workbench.providers.langchain.explaining import explain_error
from workbench.providers.langchain.messages import make_messages, read_cut, read_message
from workbench.providers.provider import CallError, EndpointProvider
from workbench.providers.requests import AgreementRequest, Answer, Request, TextRequest
from workbench.providers.strictness import narrow_schema

if TYPE_CHECKING:
    import httpx2
    from langchain_core.language_models import BaseChatModel
    from langchain_core.runnables import Runnable

    from workbench.providers.langchain import LangChainConfig

_AUTO = ("native", "function_calling", "prompt")
_SEEDS = 2**31 - 1


class LangChainProvider(EndpointProvider):
    """A model made by `init_chat_model`, with the first call."""

    def __init__(self, config: LangChainConfig, package: str) -> None:
        self._config = config
        self._package = package
        self._loop: asyncio.AbstractEventLoop | None = None
        self._model: BaseChatModel | None = None
        self._client: httpx2.AsyncClient | None = None
        self._seed_field = ""

    def find_revision(self) -> str:
        return self._config.revision or ""

    def describe(self) -> Mapping[str, Any]:
        return {"integration": f"{self._package} {version(self._package)}"}

    async def answer(self, request: Request) -> Answer:
        if isinstance(request, TextRequest):
            return await self._write(request)
        if not isinstance(request, AgreementRequest):
            raise CallError(
                "fatal", "a chat model of LangChain writes texts alone", solution="Name a model of another provider."
            )
        answer = await self._write(make_question(request))
        return Answer(
            score=read_score(answer.text), usage=answer.usage, notes={**answer.notes, "judge": self._config.model}
        )

    async def stream(self, request: TextRequest, on_text: Callable[[str], None]) -> Answer:
        if request.schema is not None:
            return await super().stream(request, on_text)
        return await self._call(request, "", lambda model: model, on_text)

    async def close(self) -> None:
        client, self._client, self._model = self._client, None, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client.aclose()

    async def _write(self, request: TextRequest) -> Answer:
        schema = request.schema
        if schema is None:
            return await self._call(request, "", lambda model: model)

        async def ask(form: str) -> Answer:
            ending = state_schema(schema) if form in ("prompt", "json_mode") else ""
            return await self._call(request, ending, lambda model: _bind_form(model, form, schema))

        wanted = _AUTO if self._config.structured == "auto" else (self._config.structured,)
        try:
            return await ask_in_forms(ask, wanted, schema, (self._config.model, self._config.base_url or ""))
        except UnknownForm:
            raise CallError(
                "fatal",
                f"the integration knows no “structured: {self._config.structured}”",
                solution="Take “structured” out of the model in the spec.",
            ) from None

    async def _call(
        self,
        request: TextRequest,
        ending: str,
        prepare: Callable[[BaseChatModel], Runnable[Any, Any]],
        on_text: Callable[[str], None] | None = None,
    ) -> Answer:
        from langsmith import tracing_context

        model = self._find_model(request.seed)
        messages = make_messages(request, ending)
        fault: CallError | None = None
        try:
            with tracing_context(enabled=False):
                runnable = prepare(model)
                async with asyncio.timeout(self._config.timeout):
                    if on_text is None:
                        message = await runnable.ainvoke(messages, {"callbacks": []})
                    else:
                        message = await _gather(runnable, messages, on_text)
        except (CallError, UnknownForm):
            raise
        except TimeoutError:
            fault = CallError("timeout", f"no answer in {self._config.timeout:g} seconds")
        except Exception as error:
            cut = getattr(error, "completion", None)
            if type(error).__name__ == "LengthFinishReasonError" and cut is not None:
                return read_cut(cut, messages)
            fault = explain_error(error, self._config.api_key_env or "")
        if fault is not None:  # raised out here, for the integration's exception holds the request
            raise fault
        return read_message(message["raw"] if isinstance(message, dict) else message, messages)

    def _find_model(self, seed: int) -> BaseChatModel:
        """The model, with the seed of a row where it takes one. A copy shares all connections."""
        loop = asyncio.get_running_loop()
        if self._model is None or self._loop is not loop:
            self._loop = loop
            self._model = self._make_model()
            fields = type(self._model).model_fields
            self._seed_field = next((name for name in ("seed", "random_seed") if name in fields), "")
        if not self._seed_field or not self._config.seed:
            return self._model
        return self._model.model_copy(update={self._seed_field: seed % _SEEDS})

    def _make_model(self) -> BaseChatModel:
        from langchain.chat_models import init_chat_model

        settings: dict[str, Any] = dict(self._config.parameters)
        if self._config.base_url is not None:
            settings["base_url"] = self._config.base_url
        if self._config.api_key_env is not None:
            key = os.environ.get(self._config.api_key_env)
            if not key:
                raise CallError(
                    "fatal",
                    f"the environment variable {self._config.api_key_env} is not set",
                    solution=f"Set {self._config.api_key_env} where the workbench is started.",
                )
            settings["api_key"] = key
        fault: CallError | None = None
        try:
            model = init_chat_model(self._config.model, **settings)
            known = _list_fields(type(model))
            own = {"max_retries": 0, "timeout": self._config.timeout}
            settings |= {name: value for name, value in own.items() if name in known}
            # Integrations on OpenAI's client share one pool of connections between all event loops, and close none.
            if "http_async_client" in known and not any("http_" in name or "proxy" in name for name in settings):
                settings["http_async_client"] = self._client = self._make_client()
            return init_chat_model(self._config.model, **settings)
        except Exception as error:
            said = explain_error(error, self._config.api_key_env or "").message
            fault = CallError(
                "fatal",
                f"LangChain cannot make the model: {said}",
                solution="Set the key that its integration reads, and check “model” and “parameters”.",
            )
        raise fault

    def _make_client(self) -> httpx2.AsyncClient:
        import httpx2
        import openai

        most = self._config.max_parallel_requests
        limits = httpx2.Limits(max_connections=most, max_keepalive_connections=most)
        client: httpx2.AsyncClient = openai.DefaultAsyncHttpxClient(
            limits=limits, trust_env=not is_loopback(self._config.base_url or "")
        )
        return client


def _list_fields(kind: type[BaseChatModel]) -> set[str]:
    """The fields of a class of models, by all their names."""
    fields = kind.model_fields
    return set(fields) | {field.alias for field in fields.values() if field.alias}


def _bind_form(model: BaseChatModel, form: str, schema: str) -> Runnable[Any, Any]:
    """The model as it is asked in a form. Raises UnknownForm where its integration cannot."""
    if form == "prompt":
        return model
    loaded = json.loads(schema)
    if loaded.get("type") != "object":
        raise UnknownForm  # tools take objects only
    options: dict[str, Any] = {} if form == "native" else {"method": form}
    known = inspect.signature(model.with_structured_output).parameters
    if form != "json_mode" and "strict" in known and narrow_schema(loaded) == loaded:
        options["strict"] = True
    try:
        return model.with_structured_output({"title": "Answer", **loaded}, include_raw=True, **options)
    except (NotImplementedError, TypeError, ValueError) as error:
        raise UnknownForm from error


async def _gather(runnable: Runnable[Any, Any], messages: Sequence[Any], on_text: Callable[[str], None]) -> Any:
    """The message that the chunks of a stream add up to."""
    whole: Any = None
    async for chunk in runnable.astream(messages, {"callbacks": []}):
        whole = chunk if whole is None else whole + chunk
        if str(chunk.text):
            on_text(str(whole.text))
    if whole is None:
        raise CallError("connection", "the stream broke off before the answer began")
    return whole
