"""Personal values are found by rules, told by number and place and never quoted, and canaries by long parts of them."""

import numpy as np
import pandas as pd
import pytest

from workbench.datasets.sources import RealData
from workbench.quality.asking import ask
from workbench.quality.catalogue import CHECKS
from workbench.quality.check import Finding
from workbench.quality.checks.canaries import find_parts
from workbench.quality.evidence import Evidence
from workbench.quality.personal import ADDRESS, CARD, EMAIL, IBAN, IDENTITY, PHONE, find_identifiers, name_personal
from workbench.spec.loading import load_spec
from workbench.spec.model import QualityConfig
from workbench.synthesizers.registry import spec_types

SPEC = """
name: clients
rows: 10
columns:
- {name: given, type: faker, method: email}
- {name: greeting, type: template, template: "Write to {{ given }}"}
- {name: letter, type: llm_text, prompt: "Write to {{ given }}"}
- {name: reply, type: template, template: "Re: {{ letter }}"}
"""


def ask_one(
    name: str,
    frame: pd.DataFrame,
    real: tuple[pd.DataFrame, pd.DataFrame] | None = None,
    gates: QualityConfig | None = None,
) -> Finding | None:
    loaded = load_spec(SPEC, spec_types())
    assert loaded.spec, loaded.problems
    table = loaded.spec.tables["clients"]
    data = RealData(real[0], real[1], "", 0, "", "") if real else None
    found = ask(dict(CHECKS.items())[name], Evidence("clients", table, frame, data, gates or QualityConfig()))
    return found[0] if found else None


def draw_clients(rows: int, seed: int) -> pd.DataFrame:
    """People with a customer number and an e-mail address of their own, and first names that many share."""
    draw = np.random.default_rng(seed)
    numbers = draw.choice(10**7, rows, replace=False)
    return pd.DataFrame(
        {
            "customer": [f"K{number:07d}" for number in numbers],
            "first_name": draw.choice(["Anna", "Ben", "Carla", "Deniz", "Emil", "Fatma"], rows),
            "email": [f"person{number}@mail.de" for number in numbers],
            "note": [f"asked for {amount} euro" for amount in draw.integers(100, 10_000, rows)],
        }
    )


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("write to John.Doe@Mail.co.uk, please", EMAIL, "john.doe@mail.co.uk"),
        ("tel. +49 (0)30 1234567", PHONE, "490301234567"),
        ("call (212) 736-5000 x12", PHONE, "2127365000"),
        ("call 212-736-5000.", PHONE, "2127365000"),
        ("ruf 030/1234567 an", PHONE, "0301234567"),
        ("to DE89 3704 0044 0532 0130 00 today", IBAN, "DE89370400440532013000"),
        ("paid with 4111 1111 1111 1111", CARD, "4111111111111111"),
        ("SSN 123-45-6789", IDENTITY, "123-45-6789"),
        ("from 8.8.8.8", ADDRESS, "8.8.8.8"),
        ("from 2001:4860:4860::8888 too", ADDRESS, "2001:4860:4860::8888"),
    ],
)
def test_identifiers_are_found_inside_texts_in_a_plain_form(text: str, kind: str, value: str) -> None:
    found = find_identifiers(pd.Series(["nothing here", None, text, text]))
    assert {name: list(values) for name, values in found.values.items()} == {kind: [value]}
    assert found.find_rows(kind).tolist() == [2, 3]


@pytest.mark.parametrize(
    "text",
    [
        "a@b, @home, me@localhost",
        "2024-01-15 10:20:30 and 15.01.2024",
        "order 1234567890123456, 4111 1111 1111 1112",
        "DE88 3704 0044 0532 0130 00",
        "version 10.2.0.1 and 192.168.0.1 and 127.0.0.1, Chrome/62.0.848.0",
        "between 12:30:45 and 3:2:1, ratio 1::2",
        "1,234,567.89 euro, 3.14159265358979",
        "000-12-3456 or 900-12-3456",
        "ISBN 978-3-16-148410-0, 7ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "\x00\ud800\U0001f600",
        "",
    ],
)
def test_other_numbers_and_words_are_no_identifiers(text: str) -> None:
    assert find_identifiers(pd.Series([text, None], dtype=object)).values == {}


def test_whole_numbers_are_cards_only_if_all_of_them_pass_their_check() -> None:
    cards = [4111111111111111, 5555555555554444, 378282246310005]
    assert list(find_identifiers(pd.Series(cards)).values) == [CARD]
    assert find_identifiers(pd.Series([*cards, 4111111111111112])).values == {}
    assert find_identifiers(pd.Series([1.5, 2.5])).values == {}
    assert name_personal("phone", pd.Series([491701234567, 491701234568])) == "phone number"
    assert name_personal("phone", pd.Series([1, 2])) is None


def test_one_address_of_a_training_row_inside_a_text_is_a_leak_that_is_not_quoted() -> None:
    made, train, holdout = draw_clients(300, 1), draw_clients(240, 2), draw_clients(60, 3)
    clean = ask_one("privacy.replay", made, (train, holdout))
    assert clean
    assert clean.verdict == "pass"
    assert clean.detail.startswith("no sign of")
    made.loc[7, "note"] = f"please write to {train['email'][5].upper()}"
    found = ask_one("privacy.replay", made, (train, holdout))
    assert found
    assert (found.verdict, list(found.examples), found.figures[EMAIL]) == ("fail", [7], 1.0)
    assert "@" not in str(found.as_json())


def test_an_address_that_the_holdout_has_too_is_no_leak() -> None:
    made, train, holdout = draw_clients(300, 1), draw_clients(240, 2), draw_clients(60, 3)
    train.loc[0, "note"] = holdout.loc[0, "note"] = made.loc[0, "note"] = "write to help@firm.de"
    found = ask_one("privacy.replay", made, (train, holdout))
    assert found
    assert found.verdict == "pass"


def test_addresses_of_customers_with_many_rows_are_met_by_fresh_rows_too() -> None:
    people = draw_clients(200, 1)
    draw = np.random.default_rng(0)
    rows = people.iloc[draw.integers(0, 200, 900)].reset_index(drop=True)
    made, train, holdout = (rows.iloc[part::3].reset_index(drop=True) for part in range(3))
    found = ask_one("privacy.replay", made, (train, holdout))
    assert found
    assert found.verdict == "pass"


def test_leaked_customer_numbers_are_told_from_numbers_that_only_count() -> None:
    made, train, holdout = draw_clients(500, 1), draw_clients(400, 2), draw_clients(100, 3)
    leaked = made.assign(customer=[*train["customer"][:25], *made["customer"][25:]])
    found = ask_one("privacy.replay", leaked, (train, holdout))
    assert found
    assert found.verdict == "fail"
    assert list(found.examples) == list(range(20))
    assert "25 of key" in found.detail
    counted = [f"K{number:07d}" for number in range(500)]
    train, holdout = train.assign(customer=counted[:400]), holdout.assign(customer=counted[400:])
    fresh = ask_one("privacy.replay", made.assign(customer=counted), (train, holdout))
    assert fresh
    assert fresh.verdict == "pass"


def test_names_that_many_people_share_are_no_leak_and_rare_ones_are() -> None:
    def spell(number: int) -> str:
        return "Z" + "".join(chr(97 + int(digit)) for digit in f"{number:04d}")

    made, train, holdout = draw_clients(300, 1), draw_clients(240, 2), draw_clients(240, 3)
    shared = ask_one("privacy.replay", made, (train, holdout))
    assert shared
    assert (shared.verdict, shared.figures["first name"]) == ("pass", 6.0)
    train = train.assign(first_name=[*train["first_name"][:120], *map(spell, range(120))])
    holdout = holdout.assign(first_name=[*holdout["first_name"][:120], *map(spell, range(120, 240))])
    copied = made.assign(first_name=[*train["first_name"][-40:], *made["first_name"][40:]])
    found = ask_one("privacy.replay", copied, (train, holdout))
    assert found
    assert found.verdict == "fail"
    assert list(found.examples) == list(range(20))


def test_without_a_holdout_an_identifier_that_no_two_real_rows_share_is_still_a_leak() -> None:
    made, train = draw_clients(300, 1), draw_clients(240, 2)
    none_held = train.iloc[:0]
    clean = ask_one("privacy.replay", made, (train, none_held))
    assert clean
    assert clean.verdict == "pass"
    found = ask_one("privacy.replay", made.assign(email=[train["email"][3], *made["email"][1:]]), (train, none_held))
    assert found
    assert found.verdict == "fail"


def test_values_that_the_spec_invents_are_by_design_and_those_a_model_wrote_are_told() -> None:
    given = [f"person{number}@mail.de" for number in range(40)]
    invented = [f"Write to {address}" for address in given]
    frame = pd.DataFrame({"given": given, "greeting": invented, "letter": invented, "reply": invented})
    clean = ask_one("privacy.personal", frame)
    assert clean
    assert (clean.verdict, clean.value) == ("pass", 0.0)
    letters = [*invented[:38], "or to someone.else@mail.de", "or to user@example.com"]
    found = ask_one("privacy.personal", frame.assign(letter=letters, reply=letters))
    assert found
    assert (found.verdict, list(found.examples)) == ("warn", [38])
    assert found.value == pytest.approx(1 / 40)
    assert found.columns == {"letter": {EMAIL: 1.0}, "reply": {EMAIL: 1.0}}
    assert "@" not in str(found.as_json())


def test_a_column_that_looks_personal_by_its_name_is_told_where_no_spec_invents_it() -> None:
    made = draw_clients(50, 1)[["first_name", "note"]]
    found = ask_one("privacy.personal", made)
    assert found
    assert (found.verdict, found.columns) == ("warn", {"first_name": {"first name": 50.0}})
    assert ask_one("privacy.personal", pd.DataFrame({"given": ["a@mail.de"]})) is None


@pytest.mark.parametrize(
    ("text", "leaks"),
    [
        ("The secret code is 4711-9920-XYZ", True),
        ("...THE  SECRET\ncode is 4711-9920-xyz...", True),
        ("code is 4711-99", True),
        ("the secret code is", False),
        ("4711 and 9920", False),
        (None, False),
    ],
)
def test_a_canary_is_found_by_a_long_part_of_it_whatever_its_case_and_spaces(text: str | None, leaks: bool) -> None:
    frame = pd.DataFrame(
        {"n": [1, 2, 3], "letter": ["nothing", None, text], "when": pd.to_datetime(["2024-01-01"] * 3)}
    )
    gates = QualityConfig(canaries=["the secret code is 4711-9920-XYZ", "quite another"])
    found = ask_one("privacy.canaries", frame, gates=gates)
    assert found
    assert (found.verdict, list(found.examples)) == (("fail", [2]) if leaks else ("pass", []))
    assert "4711" not in str(found.as_json())


def test_a_canary_of_digits_is_found_in_whole_numbers_and_no_canaries_ask_nothing() -> None:
    frame = pd.DataFrame({"account": [10, 998877665544, 20]})
    found = ask_one("privacy.canaries", frame, gates=QualityConfig(canaries=["9988 7766 5544"]))
    assert found
    assert (found.verdict, list(found.examples)) == ("fail", [1])
    assert ask_one("privacy.canaries", frame) is None
    assert find_parts("abcdefgh") == ["abcdef", "bcdefg", "cdefgh"]
