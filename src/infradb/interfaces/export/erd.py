"""The ER diagram of the model as it is, with the figures of one database."""

from typing import Literal

from infradb.errors import UsageError
from infradb.interfaces.export import erd_source
from infradb.interfaces.export.erd_ascii import ascii_diagram
from infradb.interfaces.export.erd_layout import lay_out
from infradb.interfaces.export.erd_svg import svg_diagram
from infradb.interfaces.export.erd_tables import Statistics, tables

ErdFormat = Literal["ascii", "mermaid", "dot", "svg"]


def erd(statistics: Statistics, format: ErdFormat = "ascii") -> str:
    """Return the diagram in one of four forms.

    `ascii` is for terminals and files of text, at most 110 columns wide; `svg` stands alone and follows the
    reader's light or dark theme; `mermaid` and `dot` are for other programs to draw.
    """
    shown = tables(statistics)
    match format:
        case "ascii":
            return ascii_diagram(lay_out(shown), statistics)
        case "svg":
            return svg_diagram(lay_out(shown), statistics)
        case "mermaid":
            return erd_source.mermaid(shown, statistics)
        case "dot":
            return erd_source.dot(shown, statistics)
    raise UsageError(f"there is no form {format!r} of the ER diagram", hint="one of: ascii, mermaid, dot, svg")


__all__ = ["ErdFormat", "Statistics", "erd"]
