"""Text that a broken or hostile host may send instead of the real one."""

from __future__ import annotations

from hypothesis import strategies as st

# What real texts are made of, in the wrong places, and what upsets a parser that is not careful.
WORDS = "|-- +-- eth1 0A FFFFFFFF -1 +1 1_0 ٣ 0x é lladdr REACHABLE {} [ null 1e999 NaN"
MARKS = '\n\t :*\0\u2028\x1c"'
PIECES = st.sampled_from([*MARKS, *WORDS.split(), "/32 host LOCAL", "9" * 5000, "[" * 100_000])


@st.composite
def mutated(draw: st.DrawFn, text: str) -> str:
    """Return the text with a few parts lost, doubled or replaced, or its end cut off."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 40)))
        match draw(st.sampled_from(["drop", "double", "replace", "insert", "cut"])):
            case "drop":
                text = text[:start] + text[end:]
            case "double":
                text = text[:end] + text[start:]
            case "replace":
                text = text[:start] + draw(PIECES | st.text(max_size=8)) + text[end:]
            case "insert":
                text = text[:start] + draw(PIECES | st.text(max_size=8)) + text[start:]
            case "cut":
                text = text[:start]
    return text
