// <form data-unsaved>: says that a change is not saved yet, and asks before it is lost.
// [data-needs-saved] forms act on the saved text, so they wait until it is.
const form = document.querySelector("form[data-unsaved]");
const note = form?.querySelector("[data-unsaved-note]");
let dirty = false;

const show = (now) => {
  dirty = now;
  note.textContent = now ? note.dataset.text : "";
  for (const other of document.querySelectorAll("[data-needs-saved] button")) other.disabled = now;
};

if (form) {
  form.addEventListener("input", () => show(true));
  form.addEventListener("submit", () => {
    dirty = false;
  });
  window.addEventListener("beforeunload", (event) => {
    if (dirty) event.preventDefault();
  });
}
