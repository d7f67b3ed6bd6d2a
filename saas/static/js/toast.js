// Short notes in the corner. Any module: dispatch "toast" on document with {text, kind, note}.
const HOLD_MS = 6000;
// What can be undone stays for as long as somebody needs to think of it.
const HOLD_UNDO_MS = 20000;
const box = document.getElementById("toasts");

const hold = (toast) => {
  let timer;
  const start = () => {
    timer = setTimeout(() => toast.remove(), "toastUndo" in toast.dataset ? HOLD_UNDO_MS : HOLD_MS);
  };
  const stop = () => clearTimeout(timer);
  toast.addEventListener("mouseenter", stop);
  toast.addEventListener("focusin", stop);
  toast.addEventListener("mouseleave", start);
  toast.addEventListener("focusout", start);
  start();
};

const add = ({ text, kind = "info", note = "" }) => {
  const template = document.getElementById(`toast-${kind}`) ?? document.getElementById("toast-info");
  const toast = template.content.firstElementChild.cloneNode(true);
  toast.querySelector("[data-toast-text]").textContent = text;
  const small = toast.querySelector("[data-toast-note]");
  if (note) small.textContent = note;
  else small.remove();
  box.append(toast);
  if (kind !== "error") hold(toast);
};

if (box) {
  for (const toast of box.querySelectorAll(".toast:not(.toast-error)")) hold(toast);
  box.addEventListener("click", (event) => {
    if (event.target.closest("[data-toast-close]")) event.target.closest(".toast").remove();
  });
  // Also reached by the HX-Trigger header: {"toast": {"text": "Saved", "kind": "success"}}.
  document.addEventListener("toast", (event) => event.detail?.text && add(event.detail));
}
