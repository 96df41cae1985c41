"""Build the site: lay the pages out, let Sphinx write HTML, and look at what came out.

Nothing is fetched. A broken link, a page that no menu reaches, a chart without a page or a picture
from elsewhere ends the build with what was found.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from check_site import find_site_faults
from site_pages import PageError, lay_out_pages
from sphinx.cmd.build import build_main

DOCS = Path(__file__).parent
SITE = DOCS.parent / "site"


def build_site(target: Path) -> list[str]:
    """Write the site under ``target`` and return what is wrong with it; nothing where all is well.

    ``target/source`` holds the pages in Markdown as they were laid out, ``target/html`` the site.
    """
    shutil.rmtree(target / "source", ignore_errors=True)
    try:
        lay_out_pages(target / "source")
    except PageError as error:
        return [str(error)]
    return write_html(target)


def write_html(target: Path) -> list[str]:
    """Write ``target/html`` from the pages in ``target/source``; return what is wrong with it."""
    html = target / "html"
    shutil.rmtree(html, ignore_errors=True)
    # A warning of Sphinx, of a link or of a page in no menu, is an error.
    options = ["-b", "html", "-c", str(DOCS), "-d", str(target / "doctrees"), "--fresh-env"]
    options += ["--fail-on-warning", "--keep-going", "--quiet"]
    if build_main([*options, str(target / "source"), str(html)]):
        return ["Sphinx warned, see above"]
    return find_site_faults(html)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--target", type=Path, default=SITE, help="the folder to write")
    target = parser.parse_args().target
    faults = build_site(target.resolve())
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        return 1
    print(target / "html" / "index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
