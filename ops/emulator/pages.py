"""The emulator's page: counts and newest tickets, and one ticket with its revisions.

Written on the server and escaped throughout; the script fetches the same markup again and replaces it only
when it has changed. A policy header forbids every script but that one, should an escape ever be forgotten.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import quote

import orjson

from ops.emulator.lists import Listed
from ops.emulator.tickets import Revision, Ticket

_STYLE = """
:root{color-scheme:light dark;--ink:#1d2733;--soft:#5b6876;--line:#dde3ea;--page:#f6f8fa;--card:#fff;
--link:#0b62b8;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--ink:#e4e9ef;--soft:#9aa7b5;--line:#2c3742;--page:#11171d;
--card:#19212a;--link:#7db7f5;--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0;font:16px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--page)}
header,main{max-width:70rem;margin:0 auto;padding:1rem}
h1{font-size:1.25rem;margin:0}
h2{font-size:1rem;margin:1.5rem 0 .5rem}
p{color:var(--soft);margin:.25rem 0}
a{color:var(--link)}
dl.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(7.5rem,1fr));gap:.75rem;margin:0}
dl.figures div{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.5rem .75rem}
dl.figures dt{color:var(--soft);font-size:.8rem}
dl.figures dd{margin:0;font-size:1.4rem;font-variant-numeric:tabular-nums}
.bad{color:var(--bad)}
table{width:100%;border-collapse:collapse;background:var(--card);border:1px solid var(--line)}
th,td{text-align:left;padding:.45rem .6rem;border-top:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-size:.8rem;font-weight:600}
td[data-name=Summary],td[data-name=Value],td[data-name=Set]{overflow-wrap:anywhere}
th,td[data-name="External id"],td[data-name=Status],td[data-name="Last write"],td[data-name=Time]{white-space:nowrap}
.dot{display:inline-block;width:.65em;height:.65em;border-radius:50%;margin-right:.4em}
#away{display:none;color:var(--bad)}
.away #away{display:block}
@media(max-width:40rem){thead{display:none}tr{display:block;border-top:1px solid var(--line);padding:.4rem 0}
td{display:block;border:0;padding:.1rem .6rem}td::before{
content:attr(data-name) " ";color:var(--soft);font-size:.8rem}}
"""

_SCRIPT = """
const main=document.querySelector("main");let last=null;
async function refresh(){
  try{
    const answer=await fetch(location.pathname+"?part",{cache:"no-store"});
    const text=await answer.text();
    document.body.classList.toggle("away",!answer.ok);
    if(answer.ok&&text!==last){
      const focus=main.contains(document.activeElement)&&document.activeElement.getAttribute("href");
      last=text;main.innerHTML=text;
      if(focus)[...main.querySelectorAll("a")].find(a=>a.getAttribute("href")===focus)?.focus({preventScroll:true});
    }
  }catch{document.body.classList.add("away")}
  setTimeout(refresh,document.hidden?5000:1000);
}
setTimeout(refresh,1000);
"""

_HASH = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
HTML_HEADERS: Mapping[str, str] = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_HASH}'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'",
}


@dataclass(frozen=True, slots=True)
class Figures:
    """``duplicates`` counts external ids that more than one ticket has; ``refused`` answers of 400 and up."""

    started_at: str
    requests: int
    in_flight: int
    refused: int
    tickets: int
    updates: int
    duplicates: int


def front_page(figures: Figures, tickets: Iterable[tuple[Ticket, Listed]], *, part: bool) -> str:
    """``part``: only what the script replaces."""
    rows = "".join(_row(ticket, status) for ticket, status in tickets)
    table = (
        "<table><thead><tr><th>External id<th>Summary<th>Status<th>Twin<th>Updates<th>Last write</thead>"
        f"<tbody>{rows}</tbody></table>"
        if rows
        else "<p>No ticket yet. Tickets appear here as they are created.</p>"
    )
    return _page("Willow emulator", f"{_cards(figures)}<h2>Newest tickets</h2>{table}", part=part)


def detail_page(ticket: Ticket, status: Listed, *, part: bool) -> str:
    name = ticket.external_id or ticket.id
    fields = "".join(
        f'<tr><td data-name="Field">{escape(field)}<td data-name="Value">{_value(value)}'
        for field, value in ticket.fields.items()
    )
    revisions = "".join(_revision(number, revision) for number, revision in enumerate(ticket.revisions))
    return _page(
        f"Ticket {name}",
        f'<p><a href="/">All tickets</a></p><p>{escape(ticket.id)} · {_status(status)} · created '
        f"{escape(ticket.created)} · updated {escape(ticket.updated)}</p>"
        f"<h2>Fields</h2><table><thead><tr><th>Field<th>Value</thead><tbody>{fields}</tbody></table>"
        "<h2>Revisions</h2><table><thead><tr><th>No.<th>Time<th>Request<th>Set</thead>"
        f"<tbody>{revisions}</tbody></table>",
        part=part,
    )


def _page(title: str, body: str, *, part: bool) -> str:
    if part:
        return body
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
        f'<header><h1>{escape(title)}</h1><p id="away" role="status">The emulator does not answer; '
        f"what you see is its last state.</p></header><main>{body}</main><script>{_SCRIPT}</script>"
        "</body></html>"
    )


def _cards(figures: Figures) -> str:
    shown = (
        ("Tickets", figures.tickets, False),
        ("Updates", figures.updates, False),
        ("Requests", figures.requests, False),
        ("In flight", figures.in_flight, False),
        ("Refused", figures.refused, False),
        ("Ids with two tickets", figures.duplicates, figures.duplicates > 0),
    )
    cards = "".join(
        f"<div><dt>{name}</dt><dd{' class=bad' if bad else ''}>{value:,}</dd></div>" for name, value, bad in shown
    )
    return f'<dl class="figures">{cards}</dl><p>Since {escape(figures.started_at)}</p>'


def _row(ticket: Ticket, status: Listed) -> str:
    cells = (
        (
            "External id",
            f'<a href="/ticket/{quote(ticket.id)}">{escape(ticket.external_id or ticket.id)}</a>',
        ),
        ("Summary", escape(str(ticket.fields.get("summary")))),
        ("Status", _status(status)),
        ("Twin", escape(str(ticket.fields.get("twinId")))),
        ("Updates", str(len(ticket.revisions) - 1)),
        ("Last write", escape(ticket.updated)),
    )
    return "<tr>" + "".join(f'<td data-name="{name}">{cell}' for name, cell in cells)


def _status(status: Listed) -> str:
    color = status.details.get("color")
    dot = f'<span class="dot" style="background:{escape(color)}"></span>' if color else ""
    return dot + escape(status.name)


def _revision(number: int, revision: Revision) -> str:
    changed = "".join(f"<div>{escape(name)}: {_value(value)}</div>" for name, value in revision.changed.items())
    return (
        f'<tr><td data-name="No.">{number}<td data-name="Time">{escape(revision.at)}'
        f'<td data-name="Request">{revision.request}<td data-name="Set">{changed}'
    )


def _value(value: Any) -> str:
    if isinstance(value, str):
        return escape(value)
    return f"<code>{escape(orjson.dumps(value).decode())}</code>"
