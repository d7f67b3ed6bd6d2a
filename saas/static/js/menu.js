// Menus are <details class="menu">; dialogs are <dialog>, opened by data-dialog-open="id".
const openMenus = () => document.querySelectorAll("details.menu[open]");

const closeMenus = (except) => {
  for (const menu of openMenus()) if (menu !== except) menu.open = false;
};

const items = (menu) => [...menu.querySelectorAll(".menu-item:not([disabled])")];

const step = (menu, by) => {
  const all = items(menu);
  if (!all.length) return;
  const at = all.indexOf(document.activeElement);
  const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : (at + by + all.length) % all.length;
  all[next].focus();
};

const openDialog = (dialog, opener) => {
  if (!dialog || dialog.open) return;
  dialog.showModal();
  dialog.dispatchEvent(new CustomEvent("dialog:open", { bubbles: true, detail: { opener } }));
};

document.addEventListener("click", (event) => {
  const { target } = event;
  closeMenus(target.closest("details.menu"));
  const opener = target.closest("[data-dialog-open]");
  if (opener) {
    closeMenus();
    openDialog(document.getElementById(opener.dataset.dialogOpen), opener);
  }
  if (target.closest("[data-dialog-close]")) target.closest("dialog")?.close();
  // A click on the backdrop lands on the dialog element itself.
  if (target.matches("dialog[data-light]")) target.close();
  if (target.closest(".menu-item")) target.closest("details.menu")?.removeAttribute("open");
});

document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details.menu[open]");
  if (!menu) return;
  if (event.key === "Escape") {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    step(menu, event.key === "ArrowDown" ? 1 : -1);
  }
});

document.addEventListener("focusout", (event) => {
  const menu = event.target.closest?.("details.menu[open]");
  if (menu && event.relatedTarget && !menu.contains(event.relatedTarget)) menu.open = false;
});

// A server may ask for a dialog by the HX-Trigger header {"dialog:show": "id"}.
document.addEventListener("dialog:show", (event) => {
  openDialog(document.getElementById(event.detail?.value ?? event.detail));
});
