// The command palette: a combobox over places (data-href) and the page's own buttons (data-press).
const dialog = document.getElementById("palette");
const input = dialog?.querySelector("input");
const list = dialog?.querySelector("[role='listbox']");
const none = dialog?.querySelector("[data-palette-none]");

const options = () => [...list.children].filter((option) => !option.hidden);

const select = (option) => {
  for (const each of list.children) each.setAttribute("aria-selected", String(each === option));
  if (option) {
    input.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  } else {
    input.removeAttribute("aria-activedescendant");
  }
};

const filter = () => {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const option of list.children) {
    const text = option.textContent.toLowerCase();
    option.hidden = !words.every((word) => text.includes(word));
  }
  none.hidden = options().length > 0;
  select(options()[0]);
};

const selected = () => options().find((each) => each.getAttribute("aria-selected") === "true");

const move = (by) => {
  const shown = options();
  const at = shown.indexOf(selected());
  if (shown.length) select(shown[(at + by + shown.length) % shown.length]);
};

const run = (option) => {
  if (!option) return;
  dialog.close();
  const { href, press } = option.dataset;
  if (href) window.location.assign(href);
  else document.querySelector(press)?.click();
};

if (dialog) {
  dialog.addEventListener("dialog:open", () => {
    input.value = "";
    filter();
    input.focus();
  });
  input.addEventListener("input", filter);
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key === "Enter") run(selected());
    else return;
    event.preventDefault();
  });
  list.addEventListener("click", (event) => run(event.target.closest("[role='option']")));
}
