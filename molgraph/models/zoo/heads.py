"""How many attention heads a width allows."""


def attention_heads(width: int, most: int = 4) -> int:
    """The most heads, `most` at most, that the width can be divided by.

    >>> attention_heads(300), attention_heads(33), attention_heads(31)
    (4, 3, 1)
    """
    return next(heads for heads in range(most, 0, -1) if width % heads == 0)
