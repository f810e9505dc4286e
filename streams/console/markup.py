"""HTML of the console's pages: one style, no script, nothing from elsewhere. Every text goes through ``escape``."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

_STYLE = """
:root{color-scheme:light dark;--ink:#1d2733;--soft:#5b6876;--line:#dde3ea;--page:#f6f8fa;--card:#fff;--link:#0b62b8;
--good:#1b6e3c;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--ink:#e4e9ef;--soft:#9aa7b5;--line:#2c3742;--page:#11171d;--card:#19212a;
--link:#7db7f5;--good:#7bd39a;--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0;font:16px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--page);overflow-wrap:anywhere}
header,main,footer{max-width:70rem;margin:0 auto;padding:1rem}
h1{font-size:1.25rem;margin:0}
h2{font-size:1rem;margin:1.5rem 0 .5rem}
p,footer{color:var(--soft);margin:.25rem 0}
footer{font-size:.85rem;margin:0 auto}
a{color:var(--link)}
code{font-size:.9em}
ul{margin:.25rem 0;padding-left:1.25rem}
dl.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(8.5rem,1fr));gap:.75rem;margin:1rem 0 0}
dl.figures div{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.5rem .75rem}
dl.figures dt{color:var(--soft);font-size:.8rem}
dl.figures dd{margin:0;font-size:1.3rem;font-variant-numeric:tabular-nums}
form{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;margin:.75rem 0 0}
input,button{font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:.4rem;
padding:.4rem .6rem}
input{flex:1 1 12rem;min-width:0;max-width:26rem}
.good{color:var(--good)}
.bad{color:var(--bad)}
table{width:100%;border-collapse:collapse;background:var(--card);border:1px solid var(--line)}
th,td{text-align:left;padding:.4rem .6rem;border-top:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-size:.8rem;font-weight:600}
td{font-variant-numeric:tabular-nums}
@media(max-width:40rem){thead{display:none}tr{display:block;border-top:1px solid var(--line);padding:.4rem 0}
td{display:block;border:0;padding:.1rem .6rem}td::before{content:attr(data-name) " ";color:var(--soft);
font-size:.8rem}}
"""


@dataclass(frozen=True, slots=True)
class Html:
    """Text that is markup already."""

    text: str


Cell = str | int | None | Html


def html_of(cell: Cell) -> str:
    """Markup of a value; a dash where there is none."""
    if isinstance(cell, Html):
        return cell.text
    return "–" if cell is None or cell == "" else escape(str(cell))


def tag(name: str, content: Cell, css: str | None = None) -> Html:
    styled = f' class="{css}"' if css else ""
    return Html(f"<{name}{styled}>{html_of(content)}</{name}>")


def link(address: str, text: str) -> Html:
    return Html(f'<a href="{escape(address)}">{escape(text)}</a>')


def join(parts: Iterable[Cell], between: str = "") -> Html:
    return Html(between.join(html_of(part) for part in parts))


def section(title: str, *content: Cell) -> Html:
    return Html(f"<section><h2>{escape(title)}</h2>{''.join(map(html_of, content))}</section>")


def items(entries: Iterable[Cell]) -> Html:
    return tag("ul", join(tag("li", entry) for entry in entries))


def figures(values: Mapping[str, Cell]) -> Html:
    """Names and their figures, as cards."""
    cards = (f"<div><dt>{escape(name)}</dt><dd>{html_of(value)}</dd></div>" for name, value in values.items())
    return Html(f'<dl class="figures">{"".join(cards)}</dl>')


def table(names: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Html:
    """On a narrow screen each row is a block, and each cell carries its column's name."""
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>"
        + "".join(f'<td data-name="{escape(name)}">{html_of(cell)}</td>' for name, cell in zip(names, row, strict=True))
        + "</tr>"
        for row in rows
    )
    return Html(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")


def document(title: str, header: Html, main: Iterable[Html], footer: Html, *, refresh_seconds: int | None) -> str:
    refresh = f'<meta http-equiv="refresh" content="{refresh_seconds}">' if refresh_seconds else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1">{refresh}'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f"<header>{header.text}</header><main>{join(main).text}</main><footer>{footer.text}</footer></body></html>"
    )
