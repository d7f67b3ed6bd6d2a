// Underlines findings in the fields they are about, and leads to them.
// A list with data-findings tells each one's part, place (in characters) and words. An underlay of
// the same text lies over the field and lets clicks through.
const COPIED = [
  "fontFamily", "fontSize", "fontWeight", "fontStyle", "lineHeight", "letterSpacing", "textAlign", "textIndent",
  "tabSize", "paddingTop", "paddingRight", "paddingBottom", "paddingLeft", "borderTopWidth", "borderRightWidth",
  "borderBottomWidth", "borderLeftWidth",
];

const units = (characters) => characters.join("").length;

// Where the words stand in a value, which may have changed since; null where they are gone.
const place = (value, { start, end, words }) => {
  const characters = [...value];
  const from = units(characters.slice(0, Number(start)));
  const to = from + units(characters.slice(Number(start), Number(end)));
  if (value.slice(from, to) === words) return [from, to];
  const found = value.indexOf(words);
  return found < 0 ? null : [found, found + words.length];
};

const fieldsOf = (part) => {
  const [name, number] = part.split(".");
  const all = [...document.querySelectorAll(`[id^="id_${CSS.escape(name)}-"], #id_markdown`)];
  const own = document.getElementById(`id_${name}-${number ?? 0}`);
  return own ? [own, ...all.filter((each) => each !== own)] : all;
};

// The field and the place of a finding; null where it stands in none.
const locate = (finding) => {
  if (!finding.words) return null;
  for (const field of fieldsOf(finding.part)) {
    const found = place(field.value, finding);
    if (found) return { field, from: found[0], to: found[1] };
  }
  return null;
};

const clear = (field) => {
  if (field.nextElementSibling?.matches(".underlay")) field.nextElementSibling.remove();
};

const fit = (field, layer) => {
  const style = getComputedStyle(field);
  for (const name of COPIED) layer.style[name] = style[name];
  layer.style.whiteSpace = field.matches("textarea") ? "pre-wrap" : "pre";
  layer.style.left = `${field.offsetLeft}px`;
  layer.style.top = `${field.offsetTop}px`;
  const borders = parseFloat(style.borderLeftWidth) + parseFloat(style.borderRightWidth);
  layer.style.width = `${field.clientWidth + borders}px`;
  layer.style.height = `${field.offsetHeight}px`;
  layer.scrollTop = field.scrollTop;
  layer.scrollLeft = field.scrollLeft;
};

const draw = (field, spans) => {
  const layer = document.createElement("div");
  layer.className = "underlay";
  layer.setAttribute("aria-hidden", "true");
  let at = 0;
  for (const { from, to, severity } of spans.sort((a, b) => a.from - b.from)) {
    if (from < at) continue;
    const mark = document.createElement("mark");
    mark.className = `found found-${severity === "error" ? "error" : "warning"}`;
    mark.textContent = field.value.slice(from, to);
    layer.append(field.value.slice(at, from), mark);
    at = to;
  }
  layer.append(field.value.slice(at), "\n");
  field.parentElement.classList.add("underlaid");
  field.after(layer);
  fit(field, layer);
};

const drawAll = () => {
  for (const layer of document.querySelectorAll(".underlay")) layer.remove();
  const spans = new Map();
  for (const item of document.querySelectorAll("[data-findings] [data-part]")) {
    const found = locate(item.dataset);
    if (!found) continue;
    const known = spans.get(found.field) ?? [];
    spans.set(found.field, [...known, { ...found, severity: item.dataset.severity }]);
  }
  for (const [field, found] of spans) draw(field, found);
};

// What is typed moves the words: their marks come back with the next check.
document.addEventListener("input", (event) => clear(event.target));
document.addEventListener("scroll", ({ target }) => {
  const layer = target.nextElementSibling;
  if (layer?.matches?.(".underlay")) layer.scrollTo(target.scrollLeft, target.scrollTop);
}, true);
window.addEventListener("resize", drawAll);
document.addEventListener("htmx:load", drawAll);
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-finding]");
  const found = button && locate(button.closest("[data-part]").dataset);
  if (!found) return;
  found.field.focus();
  found.field.setSelectionRange(found.from, found.to);
  found.field.scrollIntoView({ block: "center" });
});
drawAll();
