// <form data-selection>: ticks for all, a count, and a bar that shows with the first tick.
const boxes = (form) => [...form.querySelectorAll('input[name="content"]')];

const show = (form) => {
  const all = boxes(form);
  const ticked = all.filter((box) => box.checked);
  const every = form.querySelector("[data-select-all]");
  every.checked = ticked.length > 0 && ticked.length === all.length;
  every.indeterminate = ticked.length > 0 && ticked.length < all.length;
  const count = form.querySelector("[data-bulk-count]");
  count.textContent = `${ticked.length} ${count.dataset.text}`;
  form.querySelector("[data-bulk]").hidden = ticked.length === 0;
};

const showAll = () => {
  for (const form of document.querySelectorAll("form[data-selection]")) show(form);
};

document.addEventListener("change", (event) => {
  const form = event.target.closest?.("form[data-selection]");
  if (!form) return;
  if (event.target.matches("[data-select-all]")) {
    for (const box of boxes(form)) box.checked = event.target.checked;
  }
  show(form);
});
document.addEventListener("htmx:load", showAll);
window.addEventListener("pageshow", showAll);
showAll();
