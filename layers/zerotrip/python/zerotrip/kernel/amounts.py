"""Money as people read it; in storage it is a whole number of fen."""

from __future__ import annotations


def spoken_yuan(amount_fen: int) -> tuple[str, str]:
    """`15.00元`, `15.00 yuan`."""
    yuan = f"{amount_fen // 100}.{amount_fen % 100:02}"
    return f"{yuan}元", f"{yuan} yuan"
