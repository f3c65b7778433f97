"""A pipeline with random weights proves the path from prompt to file; one trained on digits proves the picture."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from workbench.providers.diffusers import DiffusersConfig, DiffusersProvider, check_libraries, open_provider
from workbench.providers.diffusers.pictures import choose_size, fit_picture
from workbench.providers.provider import CallError
from workbench.providers.requests import Answer, ImageRequest

pytestmark = pytest.mark.skipif(find_spec("diffusers") is None, reason="diffusers is not installed")
PROMPT_TOKENS = 77


@pytest.fixture(scope="module", autouse=True)
def use_one_thread() -> Iterator[None]:
    """More make such small networks slower."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.providers.diffusion_models import save_random_pipeline

    return save_random_pipeline(tmp_path_factory.mktemp("pipeline") / "tiny", PROMPT_TOKENS)


@pytest.fixture(scope="module")
def provider(pipeline: Path) -> DiffusersProvider:
    return open_tiny(pipeline)


def open_tiny(pipeline: Path, **fields: Any) -> DiffusersProvider:
    chosen = {"steps": 3, "batch_size": 4, "device": "cpu", **fields}
    return open_provider(DiffusersConfig(provider="diffusers", model=str(pipeline), **chosen))


def ask(provider: DiffusersProvider, requests: Sequence[ImageRequest]) -> list[Answer | CallError]:
    answers = dict(provider.answer(requests, lambda: False))
    assert sorted(answers) == list(range(len(requests)))
    return [answers[position] for position in range(len(requests))]


def draw(provider: DiffusersProvider, *requests: ImageRequest) -> list[bytes]:
    found = []
    for answer in ask(provider, requests):
        assert isinstance(answer, Answer), answer
        found.append(answer.data)
    return found


def compare(pictures: Sequence[bytes], others: Sequence[bytes]) -> int:
    """The largest difference of a colour, out of 255."""
    return max(int(np.abs(read(one) - read(other)).max()) for one, other in zip(pictures, others, strict=True))


def read(content: bytes) -> NDArray[np.int16]:
    return np.asarray(Image.open(io.BytesIO(content))).astype(np.int16)


def test_prompt_and_seed_both_decide_the_picture(provider: DiffusersProvider) -> None:
    same, again, seed, prompt = draw(
        provider, *(ImageRequest(*asked, 64, 64) for asked in [("a cat", 1), ("a cat", 1), ("a cat", 2), ("a dog", 1)])
    )
    assert same == again
    assert len({same, seed, prompt}) == 3


def test_a_picture_is_the_same_alone_and_in_company(pipeline: Path, provider: DiffusersProvider) -> None:
    requests = [ImageRequest(f"picture {seed}", 2**64 - 1 - seed, 64, 64) for seed in range(6)]
    one_by_one = open_tiny(pipeline, batch_size=None)
    drawn = draw(one_by_one, *requests)
    assert [draw(one_by_one, request)[0] for request in reversed(requests)] == drawn[::-1]
    # Sums of other lengths are rounded otherwise, so pictures of a batch may differ in the last bit of a colour.
    together = draw(provider, *requests)
    assert compare(drawn, together) <= 1


@pytest.mark.parametrize(("width", "height"), [(64, 64), (50, 70), (17, 16), (120, 33)])
def test_pictures_have_the_size_that_was_asked_for(provider: DiffusersProvider, width: int, height: int) -> None:
    [content] = draw(provider, ImageRequest("a cat", 1, width, height))
    assert read(content).shape == (height, width, 3)


def test_sizes_are_mixed_in_one_call_and_come_back_in_their_places(provider: DiffusersProvider) -> None:
    sizes = [(64, 64), (32, 48), (64, 64), (32, 48), (16, 16)]
    answers = draw(provider, *(ImageRequest("a cat", seed, *size) for seed, size in enumerate(sizes)))
    assert [read(answer).shape[1::-1] for answer in answers] == sizes
    assert compare(answers[2:3], draw(provider, ImageRequest("a cat", 2, 64, 64))) <= 1


def test_a_small_picture_is_drawn_large_and_scaled_down(pipeline: Path) -> None:
    [small] = draw(open_tiny(pipeline, min_side=64), ImageRequest("a cat", 1, 32, 32))
    [large] = draw(open_tiny(pipeline), ImageRequest("a cat", 1, 64, 64))
    scaled = Image.open(io.BytesIO(large)).resize((32, 32), Image.Resampling.LANCZOS)
    assert np.abs(read(small) - np.asarray(scaled).astype(np.int16)).max() <= 1


@pytest.mark.parametrize(
    ("asked", "unit", "min_side", "drawn"),
    [
        ((64, 64), 8, 0, (64, 64)),
        ((50, 70), 8, 0, (56, 72)),
        ((100, 50), 16, 512, (1024, 512)),
        ((600, 8), 8, 0, (600, 8)),
    ],
)
def test_sizes_are_rounded_up_to_what_a_model_can_draw(
    asked: tuple[int, int], unit: int, min_side: int, drawn: tuple[int, int]
) -> None:
    assert choose_size(*asked, unit, min_side) == drawn


def test_a_little_is_cut_off_evenly_and_more_is_scaled() -> None:
    image = Image.fromarray(np.arange(72 * 72, dtype=np.uint8).reshape(72, 72))
    assert fit_picture(image, 36, 36, 8).size == (36, 36)
    assert (np.asarray(fit_picture(image, 70, 70, 8)) == np.asarray(image)[1:71, 1:71]).all()
    assert fit_picture(image, 200, 100, 8).size == (200, 100)


def test_steps_guidance_and_negative_prompt_change_the_picture(pipeline: Path) -> None:
    request = ImageRequest("a cat", 1, 32, 32)
    settings: list[dict[str, Any]] = [{}, {"steps": 2}, {"guidance": 1.0}, {"negative_prompt": "dog"}]
    assert len({draw(open_tiny(pipeline, **each), request)[0] for each in settings}) == 4


def test_a_prompt_that_is_too_long_says_how_much_was_not_read(provider: DiffusersProvider) -> None:
    short, long = ask(provider, [ImageRequest("cat", 1, 16, 16), ImageRequest("x" * 100, 1, 16, 16)])
    assert isinstance(short, Answer)
    assert isinstance(long, Answer)
    assert short.notes == {}
    assert long.notes == {"prompt_tokens_cut": 100 + 2 - PROMPT_TOKENS}


def test_an_unsafe_picture_is_marked(provider: DiffusersProvider) -> None:
    draw(provider, ImageRequest("a cat", 1, 16, 16))
    loaded = provider._painter
    assert loaded is not None
    decide = loaded.pipeline.run_safety_checker
    loaded.pipeline.run_safety_checker = lambda image, device, dtype: (image, [True, False])
    try:
        flagged, other = ask(provider, [ImageRequest("a cat", seed, 16, 16) for seed in range(2)])
    finally:
        loaded.pipeline.run_safety_checker = decide
    assert isinstance(flagged, Answer)
    assert isinstance(other, Answer)
    assert (flagged.finish, flagged.notes) == ("filter", {"unsafe": True})
    assert (other.finish, other.notes) == ("stop", {})


@pytest.mark.parametrize(
    "error", [RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"), MemoryError()]
)
def test_running_out_of_memory_halves_the_batch_and_goes_on(pipeline: Path, error: Exception) -> None:
    provider = open_tiny(pipeline, batch_size=8)
    requests = [ImageRequest("a cat", seed, 16, 16) for seed in range(8)]
    expected = draw(provider, *requests)
    loaded = provider._painter
    assert loaded is not None
    tried: list[int] = []

    def fail_above_three(network: Any, given: tuple[Any, ...]) -> None:
        tried.append(len(given[0]))
        if len(given[0]) > 3:
            raise error

    loaded.pipeline.vae.decoder.register_forward_pre_hook(fail_above_three)
    halved = draw(provider, *requests)
    assert compare(halved, expected) <= 1
    assert tried == [8, 4, 2, 2, 2, 2]
    assert draw(provider, *requests[:2]) == halved[:2]
    loaded.pipeline.vae.decoder.register_forward_pre_hook(lambda *_: (_ for _ in ()).throw(error))
    [answer] = ask(provider, requests[:1])
    assert isinstance(answer, CallError)
    assert (answer.kind, "does not fit into memory" in answer.message) == ("request", True)


def test_stopping_leaves_off_between_two_steps(pipeline: Path) -> None:
    provider = open_tiny(pipeline, steps=50)
    asked: list[bool] = []

    def should_stop() -> bool:
        asked.append(True)
        return len(asked) > 10

    assert list(provider.answer([ImageRequest("a cat", seed, 16, 16) for seed in range(9)], should_stop)) == []
    assert len(asked) == 11
    assert list(provider.answer([ImageRequest("a cat", 1, 16, 16)], lambda: True)) == []
    assert len(draw(provider, ImageRequest("a cat", 1, 16, 16))) == 1


def test_what_is_released_is_loaded_again_to_the_same_pictures(pipeline: Path) -> None:
    provider = open_tiny(pipeline)
    request = ImageRequest("a cat", 1, 32, 32)
    before = draw(provider, request)
    assert provider.describe()["dtype"] == "float32"
    provider.release()
    assert "dtype" not in provider.describe()
    assert draw(provider, request) == before


def test_it_says_what_it_is_and_changes_with_its_weights(pipeline: Path, tmp_path: Path) -> None:
    facts = open_tiny(pipeline).describe()
    assert (facts["pipeline"], facts["licence"], facts["trust_remote_code"]) == (
        "StableDiffusionPipeline", "not stated", False,
    )  # fmt: skip
    assert check_libraries().usable
    copied = shutil.copytree(pipeline, tmp_path / "copied")
    assert open_tiny(copied).find_revision() == open_tiny(pipeline).find_revision()
    weights = copied / "unet" / "diffusion_pytorch_model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[: len(content) // 2] + bytes(len(content) - len(content) // 2))
    assert open_tiny(copied).find_revision() != open_tiny(pipeline).find_revision()


def test_pickles_are_refused_with_the_component_that_they_hold(pipeline: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(pipeline, tmp_path / "pickled")
    weights = folder / "unet" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(ValueError, match=r"holds “unet” as a pickle only .*\. Save the pipeline again as safetensors"):
        open_tiny(folder)
    for name in ("vae/diffusion_pytorch_model", "text_encoder/model"):
        (folder / f"{name}.safetensors").rename(folder / f"{name}.bin")
    with pytest.raises(ValueError, match="as a pickle only"):
        open_tiny(folder)


def test_code_that_comes_with_a_pipeline_is_refused_unless_it_is_trusted(pipeline: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(pipeline, tmp_path / "own-code")
    index = json.loads((folder / "model_index.json").read_text())
    index["_class_name"] = ["my_pipeline", "MyPipeline"]
    (folder / "model_index.json").write_text(json.dumps(index))
    marker = tmp_path / "was-run"
    (folder / "my_pipeline.py").write_text(
        "from pathlib import Path\nfrom diffusers import StableDiffusionPipeline\n"
        f"Path({str(marker)!r}).touch()\n\n\nclass MyPipeline(StableDiffusionPipeline):\n    pass\n"
    )
    with pytest.raises(ValueError, match=r"code of its own \(my_pipeline\.py\), which would be run\. Set"):
        open_tiny(folder)
    assert not marker.exists()
    trusted = open_tiny(folder, trust_remote_code=True)
    assert trusted.describe()["trust_remote_code"]
    assert len(draw(trusted, ImageRequest("a cat", 1, 16, 16))) == 1
    assert marker.exists()


def test_code_of_a_component_is_refused_too(pipeline: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(pipeline, tmp_path / "own-part")
    index = json.loads((folder / "model_index.json").read_text())
    index["unet"] = ["my_unet", "MyUNet"]
    (folder / "model_index.json").write_text(json.dumps(index))
    (folder / "unet" / "my_unet.py").write_text("")
    with pytest.raises(ValueError, match=r"unet/my_unet\.py"):
        open_tiny(folder)


def test_what_is_no_pipeline_is_refused_before_anything_is_loaded(pipeline: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no diffusers pipeline"):
        open_tiny(pipeline / "unet")
    with pytest.raises(ValueError, match="There is no model"):
        open_tiny(tmp_path / "nothing")
    folder = shutil.copytree(pipeline, tmp_path / "broken")
    (folder / "model_index.json").write_text("[1]")
    with pytest.raises(ValueError, match="holds no JSON object"):
        open_tiny(folder)


def test_a_class_that_diffusers_does_not_know_is_named(pipeline: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(pipeline, tmp_path / "future")
    index = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps(index | {"_class_name": "FutureDiffusionPipeline"}))
    with pytest.raises(CallError, match="FutureDiffusionPipeline") as caught:
        ask(open_tiny(folder), [ImageRequest("a cat", 1, 16, 16)])
    assert caught.value.kind == "fatal"


def test_settings_that_change_no_picture_are_no_part_of_its_identity() -> None:
    plain = DiffusersConfig(provider="diffusers", model="m")
    assert (
        plain.identify() == DiffusersConfig(provider="diffusers", model="m", device="cuda:1", batch_size=9).identify()
    )
    assert plain.identify() != DiffusersConfig(provider="diffusers", model="m", steps=4).identify()


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests.providers.diffusion_models import train_digits

    return train_digits(tmp_path_factory.mktemp("digits") / "digits", 3)


def test_a_class_is_the_first_whole_number_of_the_prompt(digits: Path) -> None:
    provider = open_tiny(digits, batch_size=None)
    three, same, other = draw(
        provider,
        ImageRequest("the digit 3, not 4", 1, 8, 8), ImageRequest("3", 1, 8, 8), ImageRequest("4", 1, 8, 8),
    )  # fmt: skip
    assert three == same != other
    assert read(three).shape == (8, 8, 3)
    assert read(draw(provider, ImageRequest("3", 1, 32, 16))[0]).shape == (16, 32, 3)
    none, above, below = ask(provider, [ImageRequest(prompt, 1, 8, 8) for prompt in ("three", "10", "-1")])
    for answer in (none, above, below):
        assert isinstance(answer, CallError)
        assert answer.kind == "request"
    with pytest.raises(CallError, match="takes no guidance_scale"):
        ask(open_tiny(digits, guidance=3.0), [ImageRequest("3", 1, 8, 8)])


def test_pictures_of_classes_are_the_same_alone_and_in_company(digits: Path) -> None:
    requests = [ImageRequest(f"digit {seed % 10}", seed, 8, 8) for seed in range(20)]
    together, alone = (draw(open_tiny(digits, batch_size=size), *requests) for size in (64, 1))
    assert compare(together, alone) <= 1
    assert draw(open_tiny(digits, batch_size=1), *requests[7:9]) == alone[7:9]


def test_a_pipeline_for_classes_draws_them_at_its_own_size(tmp_path: Path) -> None:
    from tests.providers.diffusion_models import save_random_class_pipeline

    provider = open_tiny(save_random_class_pipeline(tmp_path / "classes"))
    requests = [ImageRequest(prompt, 1, 40, 20) for prompt in ("class 7", "7", "999", "1000")]
    seven, same, other, above = ask(provider, requests)
    assert isinstance(seven, Answer)
    assert isinstance(same, Answer)
    assert isinstance(other, Answer)
    assert compare([seven.data], [same.data]) <= 1
    assert seven.data != other.data
    assert read(seven.data).shape == (20, 40, 3)
    assert isinstance(above, CallError)
    assert "the model knows 0 to 999" in above.message
    stops = iter([False] * 3 + [True] * 9)
    assert list(provider.answer(requests[:1], lambda: next(stops))) == []


@pytest.mark.model
@pytest.mark.slow
def test_digits_that_a_trained_model_draws_are_read_as_asked(tmp_path: Path) -> None:
    from sklearn.model_selection import train_test_split
    from sklearn.svm import SVC

    from tests.providers.diffusion_models import read_digits, train_digits

    pictures, answers = read_digits()
    learned, held, labels, truth = train_test_split(pictures, answers, test_size=0.3, random_state=0, stratify=answers)
    reader = SVC(gamma="scale").fit(learned, labels)
    assert reader.score(held, truth) > 0.95
    provider = open_tiny(train_digits(tmp_path / "digits", 200), batch_size=None, steps=30)
    asked = np.arange(200) % 10
    drawn = draw(provider, *(ImageRequest(f"a {digit}", seed, 8, 8) for seed, digit in enumerate(asked.tolist())))
    found = reader.predict(np.stack([read(content)[:, :, 0].ravel() for content in drawn]))
    assert (found == asked).mean() >= 0.7
