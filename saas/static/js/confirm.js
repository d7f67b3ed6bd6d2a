// data-confirm (forms, buttons, links) and hx-confirm ask through one shared <dialog>.
const dialog = document.getElementById("confirm-dialog");
const sure = new WeakSet();

const ask = ({ text, action, danger }) =>
  new Promise((resolve) => {
    const yes = dialog.querySelector("[data-confirm-yes]");
    dialog.querySelector("[data-confirm-text]").textContent = text;
    yes.textContent = action || yes.dataset.default;
    yes.classList.toggle("btn-danger-fill", danger);
    yes.classList.toggle("btn-primary", !danger);
    dialog.returnValue = "";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
  });

const question = (element) => ({
  text: element.dataset.confirm,
  action: element.dataset.confirmAction,
  danger: element.dataset.confirmKind !== "plain",
});

document.addEventListener(
  "click",
  async (event) => {
    const element = event.target.closest("[data-confirm]:not(form)");
    if (!element || !dialog) return;
    if (sure.has(element)) {
      sure.delete(element);
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    if (await ask(question(element))) {
      sure.add(element);
      element.click();
    }
  },
  true,
);

document.addEventListener(
  "submit",
  async (event) => {
    const form = event.target;
    if (!form.matches("[data-confirm]") || !dialog || sure.delete(form)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const { submitter } = event;
    if (await ask(question(form))) {
      sure.add(form);
      form.requestSubmit(submitter);
    }
  },
  true,
);

document.addEventListener("htmx:confirm", async (event) => {
  const { question: text, elt, issueRequest } = event.detail;
  if (!text || !dialog) return;
  event.preventDefault();
  const { confirmAction: action, confirmKind } = elt.dataset;
  if (await ask({ text, action, danger: confirmKind !== "plain" })) issueRequest(true);
});
