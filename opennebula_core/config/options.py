"""Free options of drivers and policies: what may be written, and the check against their declaration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from opennebula_core.contracts.driver import Option
from opennebula_core.errors import ConfigError

OptionValue = str | int | float | bool

TYPE_WORDS: Mapping[type, str] = {
    str: "a text in quotes",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    tuple: "a list of texts",
}


def has_type(value: object, type_: type) -> bool:
    """Say whether a TOML value is of a setting's type; a whole number is a number, a boolean is neither."""
    if isinstance(value, bool):
        return type_ is bool
    if type_ is float:
        return isinstance(value, int | float)
    return isinstance(value, type_)


def coerced(value: object, type_: type) -> OptionValue:
    """Return a value that has its setting's type in exactly that type: 2 becomes 2.0 for a float."""
    if type_ is float and isinstance(value, int):
        return float(value)
    if not isinstance(value, str | int | float | bool):
        raise TypeError(f"{value!r} is no option value")
    return value


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word that was probably meant, empty when none is near."""
    return next(iter(get_close_matches(word, list(known), n=1)), "")


def option_values(
    declared: Iterable[Option], given: Mapping[str, object], where: str
) -> dict[str, OptionValue]:
    """Return every declared option: as given, else its default, each of the declared type.

    :param where: the table they stand in, for messages, such as ``drivers.vmm.kvm.options``
    :raises ConfigError: an option that is not declared or of another type
    """
    options = {option.name: option for option in declared}
    values: dict[str, OptionValue] = {name: option.default for name, option in options.items()}
    for name, value in given.items():
        option = options.get(name)
        if option is None:
            known = ", ".join(sorted(options)) or "none"
            meant = nearest(name, options)
            hint = f"did you mean {meant!r}?" if meant else "remove it"
            raise ConfigError(f"read option {name!r} of {where}: not known, there are {known}; {hint}")
        if not has_type(value, option.type):
            raise ConfigError(
                f"read option {name!r} of {where}: {value!r} is not {TYPE_WORDS[option.type]}; "
                f"the default is {option.default!r}"
            )
        values[name] = coerced(value, option.type)
    return values
