// Keys: "g" then a letter goes to a room, "c" creates, "/" searches, "?" helps, Ctrl/Cmd+Enter sends.
const CHORD_MS = 1200;
let chord = 0;

const typing = (target) =>
  target.isContentEditable || target.matches?.("input, textarea, select, [role='textbox']");

const press = (selector) => {
  const element = document.querySelector(selector);
  element?.click();
  return Boolean(element);
};

const focusSearch = () => {
  const field = document.querySelector("main input[type='search']");
  field?.focus();
  field?.select();
  return Boolean(field);
};

// The form that has the focus; with the focus nowhere, the page's one form that says it is meant.
const send = (event) => {
  const form =
    event.target.form ??
    event.target.closest?.("form") ??
    document.querySelector("main [data-submit-default]")?.form;
  form?.requestSubmit(form.querySelector("[data-submit-default]"));
  return Boolean(form);
};

const go = (key) => press(`[data-go="${CSS.escape(key)}"]`);

const plain = (key) => {
  if (key === "g") {
    chord = Date.now();
    return true;
  }
  if (key === "c") return press("[data-create]") || go("w");
  if (key === "/") return focusSearch() || press("[data-dialog-open='palette']");
  if (key === "?") return press("[data-dialog-open='shortcuts']");
  return false;
};

const act = (event) => {
  const command = event.metaKey || event.ctrlKey;
  if (command && event.key === "Enter") return send(event);
  if (command && event.key.toLowerCase() === "k") return press("[data-dialog-open='palette']");
  if (command || event.altKey || typing(event.target)) return false;
  if (document.querySelector("dialog[open]")) return false;
  if (Date.now() - chord < CHORD_MS) {
    chord = 0;
    return go(event.key);
  }
  return plain(event.key);
};

document.addEventListener("keydown", (event) => {
  if (!event.isComposing && !event.defaultPrevented && act(event)) event.preventDefault();
});
