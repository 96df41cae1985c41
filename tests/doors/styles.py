"""How a table is written: marks, dates, quoting, delimiter, encoding, names, and the container."""

from __future__ import annotations

import csv
import datetime
import gzip
import io
import random
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pandas as pd

ZONE = ZoneInfo("Europe/Helsinki")
# By name: the format, and the finest part of a time that it writes.
DATES = {
    "iso day": ("%Y-%m-%d", "day"),
    "iso time": ("%Y-%m-%d %H:%M:%S", "second"),
    "iso T": ("%Y-%m-%dT%H:%M:%S", "second"),
    "iso offset": ("%Y-%m-%dT%H:%M:%S%z", "second"),
    "day first, stroke": ("%d/%m/%Y", "day"),
    "day first, dot": ("%d.%m.%Y", "day"),
    "day first, dot, time": ("%d.%m.%Y %H:%M", "minute"),
    "day first, stroke, time": ("%d/%m/%Y %H:%M:%S", "second"),
    "month first, stroke": ("%m/%d/%Y", "day"),
    "month first, am and pm": ("%m/%d/%Y %I:%M %p", "minute"),
    "named month": ("%d %b %Y", "day"),
    "named month, hyphens": ("%d-%b-%Y", "day"),
    "named month first": ("%B %d, %Y", "day"),
    "compact": ("%Y%m%d", "day"),
}
TRUTHS = (("yes", "no"), ("true", "false"), ("1", "0"), ("Y", "N"), ("TRUE", "FALSE"))
# Names of the contract's columns as systems spell them; the first word of each is the contract's.
NAMES = {
    "order_id": ("Order No", "OrderId", "Bestellnummer", "N° commande"),
    "customer_id": ("Customer", "CustomerId", "Kundennummer", "N° client"),
    "product_id": ("SKU", "ProductId", "Artikelnummer", "Référence"),
    "ordered_at": ("Order Date", "OrderedAt", "Bestelldatum", "Date de commande"),
    "quantity": ("Qty", "Quantity", "Menge", "Quantité"),
    "unit_price": ("Price", "UnitPrice", "Preis", "Prix unitaire"),
    "line_amount": ("Line Total", "LineTotal", "Betrag", "Montant"),
    "description": ("Item", "ItemName", "Bezeichnung", "Désignation"),
    "currency": ("Currency", "CurrencyCode", "Währung", "Devise"),
    "status": ("Order Status", "StatusName", "Bestellstatus", "État"),
    "shipping_amount": ("Shipping", "ShippingFee", "Versandkosten", "Frais de port"),
    "country": ("Country", "CountryName", "Land", "Pays"),
    "city": ("City", "CityName", "Ort", "Ville"),
    "income": ("Yearly Income", "IncomeAmount", "Einkommen", "Revenu"),
    "birth_year": ("Born", "BirthYear", "Geburtsjahr", "Année de naissance"),
    "child_count": ("Children", "ChildCount", "Kinder", "Enfants"),
    "signed_up_on": ("Member Since", "SignupDate", "Angemeldet am", "Inscrit le"),
    "consent": ("Opt-in", "MayContact", "Einwilligung", "Accord"),
    "category": ("Product Group", "CategoryName", "Warengruppe", "Catégorie"),
    "name": ("Full Name", "DisplayName", "Name", "Nom"),
    "list_price": ("List Price", "ListPrice", "Listenpreis", "Prix public"),
    "sent_at": ("Sent On", "SentAt", "Gesendet am", "Envoyé le"),
    "opened": ("Opens", "IsOpened", "Geöffnet", "Ouvert"),
    "clicked": ("Clicks", "IsClicked", "Geklickt", "Cliqué"),
    "ticket_id": ("Ticket No", "TicketId", "Vorgang", "N° ticket"),
    "opened_at": ("Opened On", "OpenedAt", "Eröffnet am", "Ouvert le"),
    "resolved_at": ("Solved On", "SolvedAt", "Gelöst am", "Résolu le"),
    "topic": ("Subject", "TopicName", "Thema", "Sujet"),
    "satisfaction": ("Rating", "SatisfactionScore", "Zufriedenheit", "Note"),
    "question": ("Question Text", "QuestionText", "Frage", "Intitulé"),
    "answer": ("Answer Value", "AnswerValue", "Antwort", "Réponse"),
    "answered_at": ("Answered On", "AnsweredAt", "Beantwortet am", "Répondu le"),
}
SPELLINGS = ("contract", "capitals", "words", "joined", "German", "French")


@dataclass(frozen=True)
class Style:
    """One way to write a table; ``declared`` are the settings that the plan tells of it."""

    container: str = "csv"  # csv, gz, xlsx or parquet
    typed: bool = False  # a workbook's or Parquet file's numbers and times are such, not text
    mark: str = "."
    thousands: str = ""
    date: str = "iso day"
    truths: tuple[str, str] = ("yes", "no")
    missing: str = ""
    delimiter: str = ","
    quoting: int = csv.QUOTE_MINIMAL
    encoding: str = "utf-8"
    line_end: str = "\n"
    last_end: bool = True
    spelling: str = "contract"
    declared: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        """Whether every cell is a text in the file."""
        return not self.typed

    def describe(self) -> str:
        """Return the style in a few words, for a list of what went wrong."""
        kind = f"{self.container}{', typed' if self.typed else ''}"
        return (
            f"{kind}; mark {self.mark!r}, thousands {self.thousands!r}; {self.date}; "
            f"{self.delimiter!r}; {self.encoding}; {self.spelling}; declared: "
            f"{', '.join(self.declared) or 'nothing'}"
        )


def draw_style(rng: random.Random, **fixed: object) -> Style:
    """Draw a style; what is ``fixed`` is not drawn."""
    container = rng.choice(["csv"] * 6 + ["gz", "xlsx", "parquet"])
    container = fixed.get("container", container)
    mark = fixed.get("mark", rng.choice(".,"))
    thousands = rng.choice(["", "", ".", " ", "\xa0"] if mark == "," else ["", "", ",", "'"])
    encodings = ["utf-8"] * 3 + ["utf-8-sig", "cp1252", "utf-16"]
    declared = [key for key in ("decimal", "date_format", "encoding") if rng.random() < 0.4]
    drawn = Style(
        container=container,
        typed=container in ("xlsx", "parquet") and rng.random() < 0.7,
        mark=mark,
        thousands=thousands,
        date=rng.choice(list(DATES)),
        truths=rng.choice(TRUTHS),
        missing=rng.choice(["", "", "NA", "NULL"]),
        delimiter=rng.choice([",", ";", "\t", "|"]),
        quoting=rng.choice([csv.QUOTE_MINIMAL] * 2 + [csv.QUOTE_ALL]),
        encoding=rng.choice(encodings),
        line_end=rng.choice(["\n", "\r\n"]),
        last_end=rng.random() < 0.8,
        spelling=rng.choice(SPELLINGS),
        declared=tuple(declared),
    )
    return replace(drawn, **fixed)


def spell(column: str, style: Style) -> str:
    """Return the user's name of one of the contract's columns, or of one's own."""
    if style.spelling == "contract" or column not in NAMES:
        return column
    if style.spelling == "capitals":
        return column.upper()
    return NAMES[column][SPELLINGS.index(style.spelling) - 2]


def write_number(value: float, style: Style, *, decimals: int = 2) -> str:
    """Write a number with the style's marks."""
    text = f"{value:,.{decimals}f}"
    whole, _, part = text.partition(".")
    whole = whole.replace(",", style.thousands)
    return f"{whole}{style.mark}{part}" if part else whole


def write_time(value: datetime.datetime, style: Style) -> str:
    """Write a time of the local clock in the style's format."""
    return write_format(value, DATES[style.date][0])


def write_format(value: datetime.datetime, date_format: str) -> str:
    """Write a time of the local clock; an offset is that of the zone, as +02:00."""
    if "%z" not in date_format:
        return value.strftime(date_format)
    text = value.replace(tzinfo=ZONE).strftime(date_format)
    return f"{text[:-2]}:{text[-2:]}"


def cut_time(value: pd.Timestamp, style: Style) -> pd.Timestamp:
    """Return as much of a time as the style writes; a typed one is written whole."""
    return (
        value if style.typed else value.floor({"day": "D", "minute": "min"}.get(_part(style), "s"))
    )


def _part(style: Style) -> str:
    return DATES[style.date][1]


def write_cell(value: object, style: Style) -> str:
    """Write a cell as text: a text stays what it is, for a fault may have put it there."""
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return style.missing
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return style.truths[0 if value else 1]
    if isinstance(value, datetime.datetime):
        return write_time(value, style)
    return str(value) if isinstance(value, int) else write_number(value, style)


Grid = list[list[object]]


def make_grid(table: pd.DataFrame, style: Style) -> Grid:
    """Return a table's rows with the header first, all as text unless the style is typed."""
    header = [spell(column, style) for column in table]
    rows = []
    for row in table.astype(object).itertuples(index=False, name=None):
        rows.append([_keep_typed(cell) if style.typed else write_cell(cell, style) for cell in row])
    return [header, *rows]


def _keep_typed(cell: object) -> object:
    if cell is None or cell is pd.NaT or (isinstance(cell, float) and cell != cell):
        return None
    return cell.to_pydatetime() if isinstance(cell, pd.Timestamp) else cell


def write_text(grid: Grid, style: Style) -> bytes:
    """Return a grid as the bytes of a text table."""
    stream = io.StringIO(newline="")
    writer = csv.writer(
        stream, delimiter=style.delimiter, quoting=style.quoting, lineterminator=style.line_end
    )
    writer.writerows(grid)
    text = stream.getvalue()
    if not style.last_end:
        text = text.removesuffix(style.line_end)
    return text.encode(style.encoding)


def write_file(
    grid: Grid, style: Style, path: Path, *, sheets: dict[str, Grid] | None = None
) -> None:
    """Write a grid in the style's container; a workbook may have further ``sheets``."""
    if style.container == "xlsx":
        _write_workbook({"Data": grid, **(sheets or {})}, path)
    elif style.container == "parquet":
        header, *rows = grid
        table = pd.DataFrame(rows, columns=header)
        if not style.typed:
            table = table.astype("str")
        table.to_parquet(path, index=False)
    else:
        content = write_text(grid, style)
        path.write_bytes(gzip.compress(content) if style.container == "gz" else content)


def _write_workbook(sheets: dict[str, Grid], path: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    for name, grid in sheets.items():
        sheet = book.create_sheet(name)
        for row in grid:
            sheet.append(row)
    book.save(path)
