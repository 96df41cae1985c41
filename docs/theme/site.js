// What the theme leaves out for those who use a keyboard or have the page read to them.
document.addEventListener("DOMContentLoaded", () => {
  for (const caption of document.querySelectorAll("p.caption[role=heading]")) {
    caption.setAttribute("aria-level", "2");
  }
  document.querySelector("aside.sidebar-drawer")?.setAttribute("aria-label", "Menu");
  document.querySelector("aside.toc-drawer")?.setAttribute("aria-label", "On this page");
  for (const code of document.querySelectorAll("pre, .table-wrapper")) {
    if (code.scrollWidth > code.clientWidth) {
      code.tabIndex = 0;
    }
  }
});
