"""What typer says of wrong arguments is worded anew by patterns: a release of typer that words it otherwise is seen
here."""

from __future__ import annotations

from typing import Annotated

import pytest
import typer

from gatewaydoctor.cli.shell import error_exit


def spoken(*arguments: str) -> str:
    """What this typer says of wrong arguments, before anything of it is worded anew."""
    app = typer.Typer()

    def main(
        whole: Annotated[int, typer.Option()] = 1,
        real: Annotated[float, typer.Option()] = 1.0,
        between: Annotated[int, typer.Option(min=1, max=9)] = 1,
        some: Annotated[float, typer.Option(min=0.5, max=9.5)] = 1.0,
        least: Annotated[int, typer.Option(min=1)] = 1,
    ) -> None:
        raise AssertionError((whole, real, between, some, least))

    app.command()(main)
    with pytest.raises(Exception) as refused:
        typer.main.get_command(app).main(list(arguments), "program", standalone_mode=False)
    return " ".join(refused.value.format_message().split())  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("arguments", "ours"),
    [
        (("more",), "Unexpected argument: more."),
        (("more", "and", "more"), "Unexpected argument: more and more."),
        (("--whole", "x"), "--whole 'x' is not a whole number."),
        (("--real", "x"), "--real 'x' is not a number."),
        (("--between", "x"), "--between 'x' is not a whole number."),
        (("--some", "x"), "--some 'x' is not a number."),
        (("--between", "10"), "--between 10 is not from 1 to 9."),
        (("--some", "0.1"), "--some 0.1 is not from 0.5 to 9.5."),
        (("--least", "0"), "--least 0 is less than 1."),
    ],
)
def test_typer_words_its_errors_as_those_that_are_worded_anew(arguments: tuple[str, ...], ours: str) -> None:
    assert error_exit._plainer(spoken(*arguments)) == ours
    assert error_exit._plainer(spoken(*arguments)) == ours
