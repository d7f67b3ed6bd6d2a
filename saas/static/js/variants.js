// The keys 1 to 8 go to a variant; "e" edits and "p" picks the one that has the focus.
const typing = (target) => target.isContentEditable || target.matches?.("input, textarea, select");

const go = (number) => {
  const card = document.querySelector(`[data-variant="${number}"]`);
  card?.focus();
  card?.scrollIntoView({ block: "nearest" });
  return Boolean(card);
};

const press = (target, key) => {
  const button = target.closest?.("[data-variant]")?.querySelector(`[data-key="${key}"]`);
  button?.click();
  return Boolean(button);
};

const act = ({ key, target }) => {
  if (/^[1-8]$/.test(key)) return go(key);
  return (key === "e" || key === "p") && press(target, key);
};

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.metaKey || event.ctrlKey || event.altKey) return;
  if (typing(event.target) || document.querySelector("dialog[open]")) return;
  if (act(event)) event.preventDefault();
});

// What replaces a card is that card still: whoever was in it stays there.
let inside = "";
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const card = detail.target.closest?.("[data-variant]");
  inside = card?.contains(document.activeElement) ? card.id : "";
});
document.addEventListener("htmx:afterSettle", () => {
  const card = inside && document.getElementById(inside);
  if (card && !card.contains(document.activeElement)) card.focus();
  inside = "";
});
