"""Texts by a language model: each depends on its own request, ends where it should, and is cut off nowhere else."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import torch
from tiny_models import CHAT_TEMPLATE, TEMPLATE_WITHOUT_SYSTEM, make_language_model, make_tokenizer
from transformers import AutoModelForCausalLM
from transformers_support import ask, ask_well, open_model, write

from workbench.providers.provider import CallError
from workbench.providers.requests import TextRequest, Turn
from workbench.providers.transformers.prompts import PromptWriter, lay_out_plainly

REQUESTS = [TextRequest("x" * (7 * seed % 23 + 1), seed, max_chars=3 if seed % 3 else 2000) for seed in range(20)]
"""Prompts of different lengths, of which two in three end early, so that rows leave and join."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_language_model(tmp_path_factory.mktemp("llama"))


def test_the_same_seed_writes_the_same_text_and_another_one_another(folder: Path) -> None:
    requests = [TextRequest("Hello", seed) for seed in range(12)]
    texts = write(open_model(folder), *requests)
    assert write(open_model(folder), *requests) == texts
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "mistral", "mamba", "llava"])
@pytest.mark.parametrize("fields", [{}, {"top_p": 0.9, "min_p": 0.01}, {"top_k": 20, "repetition_penalty": 1.2}])
def test_a_text_is_the_same_alone_and_in_any_company(
    tmp_path: Path, architecture: str, fields: dict[str, float]
) -> None:
    model = make_language_model(tmp_path / "model", architecture=architecture)
    single = open_model(model, batch_size=1, **fields)
    alone = [write(single, request)[0] for request in REQUESTS[:8]]
    assert write(open_model(model, batch_size=32, **fields), *REQUESTS)[:8] == alone
    assert write(open_model(model, batch_size=5, **fields), *REQUESTS)[:8] == alone
    assert len(set(alone)) == len(alone)


def test_a_temperature_of_zero_writes_what_greedy_generate_writes(folder: Path) -> None:
    requests = [TextRequest("x" * size, 1) for size in (3, 9, 1, 5, 20, 2)]
    texts = write(open_model(folder, temperature=0, batch_size=4), *requests)
    tokenizer, model = make_tokenizer(), AutoModelForCausalLM.from_pretrained(folder)
    for request, text in zip(requests, texts, strict=True):
        ids = torch.tensor([PromptWriter(tokenizer).encode(request)])
        made = model.generate(ids, max_new_tokens=24, do_sample=False, pad_token_id=0)[0, ids.shape[1] :]
        assert tokenizer.decode(made, skip_special_tokens=True) == text


def test_texts_of_a_sampled_model_follow_its_probabilities(folder: Path) -> None:
    requests = [TextRequest("Hello", seed) for seed in range(3000)]
    answers = ask_well(open_model(folder, max_tokens=1, temperature=1.0, batch_size=500), *requests)
    tokenizer, model = make_tokenizer(), AutoModelForCausalLM.from_pretrained(folder)
    ids = torch.tensor([PromptWriter(tokenizer).encode(requests[0])])
    probabilities = model(ids).logits[0, -1].detach().softmax(dim=-1)
    for token in probabilities.topk(5).indices.tolist():
        text = tokenizer.decode([token], skip_special_tokens=True)
        same = [place for place in range(259) if tokenizer.decode([place], skip_special_tokens=True) == text]
        expected = float(probabilities[same].sum())
        share = sum(answer.text == text for answer in answers) / len(answers)
        assert abs(share - expected) < 4 * (expected * (1 - expected) / len(answers)) ** 0.5 + 1e-9


def test_an_answer_says_how_it_ended_and_what_it_took(folder: Path) -> None:
    answers = ask_well(open_model(folder, max_tokens=200, batch_size=64), *(TextRequest("ab", n) for n in range(60)))
    assert {answer.finish for answer in answers} == {"stop", "length"}
    prompt = len(PromptWriter(make_tokenizer()).encode(TextRequest("ab", 0)))
    for answer in answers:
        assert answer.usage.input_tokens == prompt
        assert (answer.usage.output_tokens == 200) or answer.finish == "stop"


def test_a_stop_text_ends_an_answer_and_is_not_part_of_it(folder: Path) -> None:
    requests = [TextRequest("ab", seed) for seed in range(10)]
    whole = write(open_model(folder), *requests)
    sign = whole[0][5]
    for before, after in zip(whole, ask_well(open_model(folder, stop=[sign]), *requests), strict=True):
        assert after.text == before.split(sign)[0]
        assert after.finish == ("stop" if sign in before else "length")


def test_a_text_much_longer_than_the_caller_wants_is_not_written_to_its_end(folder: Path) -> None:
    [answer] = ask_well(open_model(folder, max_tokens=200, temperature=0), TextRequest("ab", 1, max_chars=20))
    assert answer.finish == "length"
    assert 20 < len(answer.text) <= 36


def test_leaving_off_takes_one_token_at_most(folder: Path) -> None:
    asked = 0

    def should_stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 30

    given = list(open_model(folder, max_tokens=200, batch_size=4).answer(REQUESTS[:8], should_stop))
    assert len(given) < 8
    assert asked == 31


def test_a_stream_tells_the_text_that_answer_gives(folder: Path) -> None:
    provider = open_model(folder)
    told: list[str] = []
    answer = provider.stream(REQUESTS[3], told.append, lambda: False)
    assert answer is not None
    assert [answer] == ask(provider, [REQUESTS[3]])
    assert told[-1] == answer.text
    assert len(told) > 5
    assert all(later.startswith(earlier) for earlier, later in pairwise(told))


def test_a_stream_can_be_stopped_at_any_token(folder: Path) -> None:
    told: list[str] = []
    assert open_model(folder).stream(REQUESTS[3], told.append, lambda: len(told) >= 3) is None
    assert len(told) == 3


def test_a_prompt_longer_than_the_context_fails_alone(tmp_path: Path) -> None:
    provider = open_model(make_language_model(tmp_path / "model", context=64))
    long, short = ask(provider, [TextRequest("x" * 90, 1), TextRequest("x", 1)])
    assert isinstance(long, CallError)
    assert long.kind == "request"
    assert "context 64" in long.message
    assert not isinstance(short, CallError)


def test_an_answer_ends_where_the_context_is_full(tmp_path: Path) -> None:
    provider = open_model(make_language_model(tmp_path / "model", context=64), max_tokens=500, temperature=0)
    [answer] = ask_well(provider, TextRequest("x" * 30, 1))
    assert answer.finish == "length"
    assert answer.usage.input_tokens + answer.usage.output_tokens == 64


def test_a_model_without_chat_template_goes_on_with_a_plain_text(tmp_path: Path) -> None:
    model = make_language_model(tmp_path / "model", template=None)
    [answer] = ask_well(open_model(model), TextRequest("Once upon", 1))
    assert answer.usage.input_tokens == len("Once upon")


def test_the_plain_layout_shows_examples_as_questions_with_answers_below() -> None:
    history = (Turn("user", "2 + 2"), Turn("assistant", "4"))
    assert lay_out_plainly(TextRequest("3 + 3", 1, "Add.", history=history)) == "Add.\n\n2 + 2\n4\n\n3 + 3\n"
    assert lay_out_plainly(TextRequest("Once upon", 1)) == "Once upon"


def test_a_blank_line_ends_an_answer_in_the_plain_layout_with_examples() -> None:
    prompts = PromptWriter(make_tokenizer(None))
    turns = (Turn("user", "2 + 2"), Turn("assistant", "4"))
    assert prompts.find_stops(TextRequest("3 + 3", 1, history=turns)) == ("\n\n",)
    assert prompts.find_stops(TextRequest("3 + 3", 1)) == ()
    turns = (Turn("user", "a poem"), Turn("assistant", "roses\n\nviolets"))
    assert prompts.find_stops(TextRequest("a poem", 1, history=turns)) == ()


def test_a_template_gets_the_system_prompt_and_the_conversation() -> None:
    tokenizer = make_tokenizer(CHAT_TEMPLATE)
    history = (Turn("user", "Hi"), Turn("assistant", "Ho"))
    tokens = PromptWriter(tokenizer).encode(TextRequest("Bye", 1, "Be kind", history=history))
    turns = ("system: Be kind", "user: Hi", "assistant: Ho", "user: Bye")
    assert tokenizer.decode(tokens) == "".join(f"<start>{turn}<end>" for turn in turns) + "<start>assistant: "


def test_a_template_without_system_role_gets_the_system_prompt_in_the_first_turn() -> None:
    tokenizer = make_tokenizer(TEMPLATE_WITHOUT_SYSTEM)
    history = (Turn("user", "Hi"), Turn("assistant", "Ho"))
    text = tokenizer.decode(PromptWriter(tokenizer).encode(TextRequest("Bye", 1, "Be kind", history=history)))
    assert "user: Be kind\n\nHi<end>" in text
    assert "system" not in text


def test_a_template_that_refuses_a_conversation_fails_its_request(tmp_path: Path) -> None:
    picky = "{{ raise_exception('roles must alternate') }}"
    provider = open_model(make_language_model(tmp_path / "model", template=picky))
    [answer] = ask(provider, [TextRequest("Hi", 1)])
    assert isinstance(answer, CallError)
    assert answer.kind == "request"
    assert "roles must alternate" in answer.message


def test_pictures_for_a_language_model_fail_their_request(folder: Path) -> None:
    [answer] = ask(open_model(folder), [TextRequest("What is this?", 1, images=(b"png",))])
    assert isinstance(answer, CallError)
    assert answer.kind == "request"


def test_the_sampling_settings_that_come_with_a_model_change_nothing(tmp_path: Path) -> None:
    plain = make_language_model(tmp_path / "plain")
    tuned = make_language_model(tmp_path / "tuned")
    (tuned / "generation_config.json").write_text(
        '{"do_sample": true, "top_k": 2, "repetition_penalty": 1.9, "eos_token_id": [2], "pad_token_id": 0}'
    )
    requests = REQUESTS[:4]
    assert write(open_model(plain), *requests) == write(open_model(tuned), *requests)


def test_a_released_model_is_loaded_again_and_writes_the_same(folder: Path) -> None:
    provider = open_model(folder)
    texts = write(provider, *REQUESTS[:3])
    assert provider.describe()["parameters"] > 1000
    provider.release()
    assert "parameters" not in provider.describe()
    assert write(provider, *REQUESTS[:3]) == texts
