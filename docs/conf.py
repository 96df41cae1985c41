"""Settings of Sphinx, which builds the site out of the pages that build_site.py has laid out."""

from __future__ import annotations

import segkit

project = "segkit"
author = "segkit"
version = segkit.__version__
release = segkit.__version__
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "numpydoc"]
root_doc = "index"
html_theme = "furo"
html_title = "segkit"
html_static_path = ["theme"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0b5484",
        "color-brand-content": "#0b6aa2",
        "color-brand-visited": "#0b5484",
    },
    "dark_css_variables": {
        "color-brand-primary": "#8dbcd9",
        "color-brand-content": "#8dbcd9",
        "color-brand-visited": "#a9cde4",
    },
}

# A link to a heading is checked like one to a page.
myst_heading_anchors = 3
# A definition list's colon, and no sign of a text turned into another.
myst_enable_extensions = ["deflist"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
# One backtick is a name in code, and a link where the site has that name.
default_role = "py:obj"
numpydoc_show_class_members = False
# Words of a type are told as they stand and lead nowhere.
numpydoc_xref_param_type = False
maximum_signature_line_length = 120
toc_object_entries_show_parents = "hide"
# Code that names no language is a terminal or a plan.
highlight_language = "none"
pygments_style = "a11y-high-contrast-light"
pygments_dark_style = "a11y-high-contrast-dark"
