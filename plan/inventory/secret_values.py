"""The values of secrets, as the machine that runs pyinfra holds them: the same for every source."""

from __future__ import annotations

from plan.inventory.variables import LONGEST_VARIABLE

_BYTE_ORDER_MARK = "\ufeff"


def secret_text(raw: bytes, variable: str) -> str:
    """Return a secret's value: without the mark and the line ends that editors add around it.

    Everything else arrives as it is, or is refused: raises `ValueError` that says why and quotes
    nothing.

    + variable: the name under which the app gets it
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise ValueError("is no UTF-8 text: save it as that") from None
    text = text.removeprefix(_BYTE_ORDER_MARK).rstrip("\r\n")
    if not text:
        raise ValueError("holds nothing")
    if "\0" in text:
        raise ValueError("holds a NUL character, which no variable can carry")
    if "\r" in text:
        raise ValueError("holds carriage returns: save it with line feeds alone (dos2unix)")
    size = len(f"{variable}={text}".encode())
    if size > LONGEST_VARIABLE:
        raise ValueError(f"is too long: {size} bytes, and a variable has at most 128 KiB")
    return text
