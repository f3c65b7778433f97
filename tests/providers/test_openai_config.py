"""The fields of `provider: openai`, what is refused before any call, and what the package imports."""

import re
import subprocess
import sys
from typing import Any

import pytest

from tests.providers.endpoint_calls import open_openai
from workbench.providers.openai import OpenAIConfig, check
from workbench.providers.opening import read_config
from workbench.providers.registry import PROVIDERS
from workbench.spec.model import ModelConfig


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "model of the provider “openai”: Field required"),
        ({"model": "m", "base_url": "localhost:8000"}, "begins with http:// or https://"),
        ({"model": "m", "base_url": "ftp://host/v1"}, "begins with http:// or https://"),
        ({"model": "m", "base_url": "http://host:99999/v1"}, "Port out of range"),
        ({"model": "m", "base_url": "http://me:secret@host/v1"}, "take the user and password out"),
        ({"model": "m", "api_key_env": "sk-123"}, "api_key_env"),
        ({"model": "m", "api_key": "sk-123"}, "knows no field “api_key”. Did you mean “api_key_env”"),
        ({"model": "m", "extra_body": {"stream": True}}, "“stream” is set by the workbench"),
        ({"model": "m", "image_size": "big"}, "image_size"),
        ({"model": "m", "temperature": -1}, "temperature"),
    ],
)
def test_a_wrong_field_is_explained(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        read_config(ModelConfig(provider="openai", **fields))


def test_where_and_how_fast_is_no_part_of_what_decides_an_answer() -> None:
    slow = OpenAIConfig(provider="openai", model="m", base_url="http://one/v1", timeout=9, api_key_env="A")
    fast = OpenAIConfig(provider="openai", model="m", base_url="http://two/v1", max_parallel_requests=4)
    assert slow.identify() == fast.identify() == {"provider": "openai", "model": "m"}
    warm = OpenAIConfig(provider="openai", model="m", temperature=0.9, extra_body={"top_k": 3})
    assert warm.identify() == {"provider": "openai", "model": "m", "temperature": 0.9, "extra_body": {"top_k": 3}}


def test_the_revision_is_what_the_spec_says() -> None:
    assert open_openai("http://localhost:1/v1", revision="2026-01-01").find_revision() == "2026-01-01"
    assert open_openai("http://localhost:1/v1").find_revision() == ""


def test_the_manifest_keeps_the_host_alone() -> None:
    assert open_openai("http://localhost:1/v1?secret=1").describe() == {"endpoint": "http://localhost:1"}


def test_the_doctor_says_whether_a_key_is_set_but_not_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    assert check().reason == "OPENAI_API_KEY is set"
    monkeypatch.delenv("OPENAI_API_KEY")
    assert check().usable
    assert "not set" in check().reason


def test_both_endpoints_are_registered() -> None:
    assert {"openai", "langchain"} <= set(PROVIDERS.names())


def test_opening_imports_no_client() -> None:
    code = (
        "import sys\n"
        "from workbench.providers.openai import OpenAIConfig, open_provider, check\n"
        "from workbench.providers.langchain import LangChainConfig, open_provider as open_chain, check as check_chain\n"
        "open_provider(OpenAIConfig(provider='openai', model='m')); check()\n"
        "open_chain(LangChainConfig(provider='langchain', model='openai:m')); check_chain()\n"
        "print(' '.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"openai", "httpx", "httpx2", "langchain", "langchain_core", "langchain_openai", "numpy", "PIL", "torch"}
    assert not heavy & set(done.stdout.split())
