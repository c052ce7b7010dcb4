"""One thing: what is known of it, who says so, what it belongs to and what belongs to it, and what changed."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from infradb.interfaces.web.changes import change_list
from infradb.interfaces.web.html import Content, Html, link, tag
from infradb.interfaces.web.page import ago, mark, page, section
from infradb.interfaces.web.site import site_of
from infradb.interfaces.web.values import kind_title, kind_word, plain, whole
from infradb.model.catalog import BY_TABLE
from infradb.model.describe import EntityType
from infradb.operations.databases import Connection
from infradb.queries import entities, history, naming, overview

SHOWN_BELOW = 50
SHOWN_CHANGES = 20
_LONG = 400
"""Characters beyond which a value is folded."""


def thing(request: Request) -> Response:
    """Return the page of one thing, by uid, id or name."""
    site = site_of(request)
    wanted = request.path_params["name"]
    with site.database.read() as connection:
        named = naming.find(connection, wanted)
        row = entities.by_ids(connection, named.table, [named.id])[0]
        if row["uid"] != wanted:
            return RedirectResponse(f"/thing/{row['uid']}", 303)
        kind = BY_TABLE[named.table]
        says = _says(overview.claims_about(connection, named.id))
        facts = _facts(connection, kind, row)
        below = _below(connection, named.id, named.table, named.name)
        found = history.changes(connection, entity_ids=[named.id], limit=SHOWN_CHANGES)
        changed = change_list(connection, found, named=False)
    last = kind.fields[kind.named_by[-1]]
    own = named.name if last.references else str(row[last.name])
    state = mark(row["status"], row.get("exit_code")) if row.get("status") else None
    gone = (
        tag("p", "Nobody sees this any more; it went ", ago(row["retired_at"]), ".", class_="notice")
        if named.retired
        else None
    )
    path = tag(
        "p", link(f"/list/{named.table}", kind_title(named.table)), " / ", kind_word(named.table), class_="dim crumbs"
    )
    return page(
        request,
        named.name,
        path,
        tag("div", tag("h1", own), state, class_="head"),
        gone,
        tag(
            "div",
            tag("div", section("What is known", facts), below, class_="wide"),
            tag(
                "div",
                section("Changes", changed if found else tag("p", "None yet.", class_="dim")),
                section("Who says what", says),
                class_="side",
            ),
            class_="columns",
        ),
    )


def _facts(connection: Connection, kind: EntityType, row: dict[str, Any]) -> Html:
    references = {row[f.name] for f in kind.references if row.get(f.name)}
    places = overview.uids(connection, references)
    names = naming.labels(connection, references) if references else {}
    pairs: list[Content] = []
    for spec in kind.fields.values():
        value = row.get(spec.name)
        if value is None or value in ("", [], {}):
            continue
        if spec.references and value in places:
            shown: Content = link(f"/thing/{places[value][1]}", names.get(value, str(value)))
        else:
            shown = whole(spec, value)
            if len(plain(value)) > _LONG:
                shown = tag("details", tag("summary", f"{len(plain(value)):,} characters"), shown)
        pairs.append(tag("div", tag("dt", spec.noun.replace("_", " "), title=spec.doc), tag("dd", shown)))
    ends = [("known since", row["created_at"]), ("last changed", row["updated_at"]), ("gone since", row["retired_at"])]
    pairs += [tag("div", tag("dt", word), tag("dd", ago(at))) for word, at in ends if at]
    pairs.append(tag("div", tag("dt", "uid"), tag("dd", tag("span", row["uid"], class_="mono"))))
    return tag("dl", pairs, class_="facts")


def _below(connection: Connection, id_: int, table: str, name: str) -> list[Html]:
    """Return what points at a thing, by kind, the kinds that people ask for first."""
    parts = []
    order = {kind: n for n, kind in enumerate(overview.NOUNS)}
    found = sorted(entities.children(connection, id_, table).items(), key=lambda f: order.get(f[0][0], len(order)))
    for (child, field), ids in found:
        shown = ids[:SHOWN_BELOW]
        names, places = naming.labels(connection, shown), overview.uids(connection, shown)
        items = sorted((names[i].removeprefix(f"{name}/"), places[i][1]) for i in shown)
        spec = BY_TABLE[child].fields[field]
        title = kind_title(child) + (
            "" if spec.owns or spec.noun.endswith(("host", "container")) else f" ({spec.noun.replace('_', ' ')})"
        )
        more = tag("p", f"and {len(ids) - SHOWN_BELOW:,} more", class_="dim") if len(ids) > SHOWN_BELOW else None
        head = f"{title} · {len(ids)}"
        parts.append(
            section(head, tag("ul", [tag("li", link(f"/thing/{u}", n)) for n, u in items], class_="chips"), more)
        )
    return parts


def _says(claims: list[dict[str, Any]]) -> Content:
    if not claims:
        return tag("p", "No source says anything about it.", class_="dim")
    parts = []
    for claim in claims:
        note = "took it back " if claim["withdrawn_at"] else "missed it since " if claim["missing_since"] else None
        when = tag("span", note, ago(claim["withdrawn_at"] or claim["missing_since"]), class_="dim") if note else None
        head = tag(
            "summary",
            tag("strong", claim["source"]),
            " ",
            tag("span", claim["native_key"], class_="mono dim"),
            " ",
            when,
        )
        said = [
            Html(tag("dt", k.replace("_", " ")) + tag("dd", plain(v)))
            for k, v in claim["said"].items()
            if v is not None
        ]
        how = tag("p", f"found by the rule “{claim['rule']}”", class_="dim")
        parts.append(tag("details", head, how, tag("dl", said, class_="pairs")))
    return tag("div", parts, class_="claims")
