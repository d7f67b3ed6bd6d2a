// <c-limit>: counts a field's characters against its limit as one types.
// data-wide counts a full-width character as two, the way ad platforms do.
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u;

const length = (text, wide) => {
  let count = 0;
  for (const character of text) count += wide && WIDE.test(character) ? 2 : 1;
  return count;
};

const show = (limit) => {
  const field = document.getElementById(limit.dataset.limitFor);
  if (!field) return;
  const max = Number(limit.dataset.max);
  const count = length(field.value ?? field.textContent, "wide" in limit.dataset);
  limit.querySelector("[data-count]").textContent = count;
  limit.querySelector("meter").value = Math.min(count, max * 1.2);
  limit.toggleAttribute("data-over", count > max);
};

const showAll = (root) => {
  for (const limit of root.querySelectorAll?.("[data-limit-for]") ?? []) show(limit);
};

document.addEventListener("input", (event) => {
  const { id } = event.target;
  if (!id) return;
  for (const limit of document.querySelectorAll(`[data-limit-for="${CSS.escape(id)}"]`)) show(limit);
});
document.addEventListener("htmx:load", (event) => showAll(event.detail.elt));
showAll(document);
