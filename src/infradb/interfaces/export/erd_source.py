"""Writes the ER diagram for other programs to draw: Mermaid and Graphviz."""

from collections import defaultdict
from collections.abc import Mapping

from infradb.interfaces.export.erd_layout import BLOCKS, label
from infradb.interfaces.export.erd_tables import Column, Statistics, Table, size_text
from infradb.interfaces.export.svg import escape


def mermaid(tables: Mapping[str, Table], statistics: Statistics) -> str:
    """Return a Mermaid `erDiagram`; row counts are comments, because its boxes have no place for them."""
    lines = ["erDiagram", f"    %% {_facts(statistics)}"]
    lines += [f"    %% {name}: {count} rows" for name, count in statistics.rows.items()]
    for table in tables.values():
        lines.append(f"    {table.name} {{")
        lines += [f"        {c.kind} {c.name}{_mermaid_keys(c)}" for c in table.columns]
        lines.append("    }")
    for table in tables.values():
        for column in table.columns:
            if column.target in tables:
                one = "|o" if column.nullable else "||"
                lines.append(f'    {column.target} {one}--o{{ {table.name} : "{column.name}"')
    return "\n".join(lines) + "\n"


def _mermaid_keys(column: Column) -> str:
    keys = [key for key, has in (("PK", column.primary), ("FK", column.target)) if has]
    return f" {', '.join(keys)}" if keys else ""


def dot(tables: Mapping[str, Table], statistics: Statistics) -> str:
    """Return a Graphviz graph with a cluster for each block."""
    blocks: dict[str, list[Table]] = defaultdict(list)
    block_of = {name: heading for heading, rows in BLOCKS for row in rows for name in row}
    for table in tables.values():
        blocks[block_of.get(table.name, "OTHERS")].append(table)
    lines = [
        "digraph infradb {",
        f"  // {_facts(statistics)}",
        '  graph [rankdir=LR, ranksep=1.2, nodesep=0.35, label="Infrastructure database", labelloc=t];',
        '  graph [fontname="Helvetica"];',
        '  node [shape=plain, fontname="Helvetica", fontsize=10];',
        '  edge [color="#5A6473", arrowhead=crow, arrowsize=0.8];',
    ]
    for number, (heading, members) in enumerate(blocks.items()):
        lines.append(f"  subgraph cluster_{number} {{")
        lines.append(f'    label="{heading}"; color="#E3E7EC"; fontcolor="#5A6473"; fontsize=11;')
        lines += [f'    "{table.name}" [label=<{_dot_label(table)}>];' for table in members]
        lines.append("  }")
    for table in tables.values():
        for column in table.columns:
            if column.target in tables:
                style = " [style=dashed]" if column.nullable else ""
                lines.append(f'  "{column.target}" -> "{table.name}":"{column.name}"{style};')
    return "\n".join([*lines, "}"]) + "\n"


def _dot_label(table: Table) -> str:
    count = "" if table.rows is None else f'  <FONT COLOR="#5A6473">{table.rows}</FONT>'
    rows = [f'<TR><TD BGCOLOR="#F6F7F9" ALIGN="LEFT"><B>{escape(table.name)}</B>{count}</TD></TR>']
    rows += [
        f'<TR><TD PORT="{escape(column.name)}" ALIGN="LEFT">{escape(label(column, table))}</TD></TR>'
        for column in table.columns
    ]
    if table.more:
        rows.append('<TR><TD ALIGN="LEFT">...</TD></TR>')
    return f'<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="0" CELLPADDING="4" COLOR="#7F8A9A">{"".join(rows)}</TABLE>'


def _facts(statistics: Statistics) -> str:
    facts = [f"{statistics.tables} tables", f"{statistics.views} views", size_text(statistics.database_bytes)]
    return ", ".join([*facts, *([f"as of {statistics.generated}"] if statistics.generated else [])])
