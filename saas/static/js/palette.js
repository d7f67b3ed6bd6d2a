// The command palette: a combobox over places (data-href) and the page's own buttons (data-press).
const dialog = document.getElementById("palette");
const input = dialog?.querySelector("input");
const list = dialog?.querySelector("[role='listbox']");
const none = dialog?.querySelector("[data-palette-none]");
const count = dialog?.querySelector("[data-palette-count]");

// Without capitals, accents and kinds of quotation marks, as the server compares.
const folded = (text) =>
  text.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").replace(/[‘’‚‛′`´]/g, "'").replace(/[“”„‟″«»]/g, '"')
    .normalize("NFKC").toLowerCase();

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
  const words = folded(input.value).split(/\s+/).filter(Boolean);
  for (const option of list.children) {
    if ("found" in option.dataset) continue;
    const text = folded(option.textContent);
    option.hidden = !words.every((word) => text.includes(word));
  }
  show();
};

const show = () => {
  const shown = options();
  none.hidden = shown.length > 0;
  if (count) count.textContent = input.value ? `${shown.length} ${count.dataset.text}` : "";
  if (!shown.includes(selected())) select(shown[0]);
};

// What the workspace has comes from the server, a moment after the last key.
let asked = 0;
const search = async () => {
  const number = ++asked;
  const words = input.value.trim();
  await new Promise((resolve) => setTimeout(resolve, words ? 150 : 0));
  if (number !== asked) return;
  let found = "";
  if (words && dialog.dataset.search) {
    try {
      const answer = await fetch(`${dialog.dataset.search}?q=${encodeURIComponent(words)}`);
      found = answer.ok ? await answer.text() : "";
    } catch {
      return; // the banner tells that there is no line
    }
  }
  if (number !== asked) return;
  for (const option of list.querySelectorAll("[data-found]")) option.remove();
  list.insertAdjacentHTML("beforeend", found);
  show();
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
    search();
    input.focus();
  });
  input.addEventListener("input", () => {
    filter();
    search();
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key === "Enter") run(selected());
    else return;
    event.preventDefault();
  });
  list.addEventListener("click", (event) => run(event.target.closest("[role='option']")));
}
