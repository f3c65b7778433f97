"""`person`: somebody whose name, sex, email, age and address agree with one another, as one column or as several.

{name: customer, type: person, locale: de_DE, fields: [name, email, city]}
{name: email, type: person, locale: de_DE, field: email}

The first gives a struct. Of the second form there may be several columns: in each row, those of one table with the
same `person` and `locale` belong to the same person, without any reference between them. Names and addresses are
Faker's, by its lists and weights; emails end in domains that belong to nobody (RFC 2606). Faker knows no link between
a city and its postcode, so the two do not agree, and two persons may have the same email.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import partial
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from workbench.columns.column_type import Maker, Row, TableContext, register
from workbench.columns.sampling import SamplerConfig, drop_missing
from workbench.columns.streams import Draws
from workbench.columns.values import Kind, Values, make_text_array
from workbench.spec.base import Name

PersonField = Literal[
    "first_name", "last_name", "name", "sex", "age", "birth_date", "user_name", "email", "phone", "street_address",
    "postcode", "city", "address", "company", "job",
]  # fmt: skip
_EVERYTHING: tuple[PersonField, ...] = PersonField.__args__  # type: ignore[attr-defined]
_KINDS: dict[str, Kind] = {"age": "int64", "birth_date": "timestamp"}


class PersonConfig(SamplerConfig):
    """A person whose name, sex, email, age and address agree, or one field of it."""

    type: Literal["person"]
    locale: Annotated[str, Field(pattern=r"^[a-z]{2,3}(_[A-Z][A-Za-z]{1,3})?$")] = Field(
        "en_US", description="Language and country, for instance de_DE"
    )
    field: PersonField | None = Field(None, description="The one thing of the person that this column holds")
    fields: list[PersonField] | None = Field(
        None, description="What the column holds together, as a struct; all of it where neither field nor this is given"
    )
    person: Name = Field("person", description="Columns with the same person and locale tell of the same one in a row")
    min_age: Annotated[int, Field(ge=0, le=120)] = Field(18, description="Youngest age in years")
    max_age: Annotated[int, Field(ge=0, le=120)] = Field(90, description="Oldest age in years, included")
    as_of: date = Field(date(2026, 1, 1), description="The day at which the persons have their age")

    @field_validator("fields")
    @classmethod
    def validate_fields(cls, fields: list[PersonField] | None) -> list[PersonField] | None:
        if fields is not None and (not fields or len(set(fields)) < len(fields)):
            raise ValueError("name at least one field, and each only once")
        return fields

    @model_validator(mode="after")
    def validate_choice(self) -> PersonConfig:
        if self.field is not None and self.fields is not None:
            raise ValueError("give either field, for a plain column, or fields, for a struct")
        if self.min_age > self.max_age:
            raise ValueError(f"min_age {self.min_age} is above max_age {self.max_age}")
        if self.as_of.year < 1000:
            raise ValueError("as_of must be after the year 1000")
        return self


def make(config: PersonConfig, context: TableContext) -> Maker:
    """The field, or a struct of the fields, of the person that the row's own draws describe."""
    from workbench.columns.faker_compiler.people import Persons, load_people

    people = load_people(config.locale)
    asked = [config.field] if config.field else config.fields or []
    for field in asked:
        if not people.has(field):
            raise ValueError(f"Faker has no {field} in the locale {config.locale}; leave it out or take another locale")
    fields = config.fields or [field for field in _EVERYTHING if people.has(field)]
    bounds = (float(config.min_age), float(config.max_age)) if config.field == "age" else None

    def find_persons(draws: Draws) -> Persons:
        """All columns of a person draw from one stream, named by the person and not by the column."""
        shared = replace(draws, column=f"person {config.person} {config.locale}")
        return Persons(people, shared, (config.min_age, config.max_age), config.as_of)

    def tell(field: PersonField, draws: Draws, inputs: Row) -> Values:
        return drop_missing(config, draws, find_persons(draws).get(field))

    def tell_all(draws: Draws, inputs: Row) -> Values:
        persons = find_persons(draws)
        columns = [persons.get(field).tolist() for field in fields]
        structs = [dict(zip(fields, row, strict=True)) for row in zip(*columns, strict=True)]
        return drop_missing(config, draws, make_text_array(structs))  # type: ignore[arg-type]

    if config.field is not None:
        is_sex = config.field == "sex"
        return Maker(
            _KINDS.get(config.field, "string"),
            partial(tell, config.field),
            bounds,
            options=("female", "male") if is_sex else None,
            shares=(0.5, 0.5) if is_sex else None,
        )
    return Maker("struct", tell_all, members={field: _KINDS.get(field, "string") for field in fields})


register(
    PersonConfig,
    make,
    group="samplers",
    example="{name: customer, type: person, locale: de_DE, fields: [name, sex, birth_date, email, city]}",
)
