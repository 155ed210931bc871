"""Text that people or files brought along, as pages may show it: Markdown would load its pictures from anywhere."""

import re

_OPENS = re.compile(r"[\\\[]|:(?=[A-Za-z])")


def as_typed(text: str) -> str:
    r"""Return `text` so that Markdown makes no picture, link or colour of it. HTML is escaped by Streamlit itself.

    >>> as_typed("up ![x](https://example.com/seen.png) by 2 %")
    'up !\\[x](https://example.com/seen.png) by 2 %'
    """
    return _OPENS.sub(lambda found: f"\\{found[0]}", text)
