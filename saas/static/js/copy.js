// data-copy="#id" copies an element's text; data-copy-text copies the given words.
const wanted = (button) => {
  if (button.dataset.copyText) return button.dataset.copyText;
  const source = document.querySelector(button.dataset.copy);
  return source?.value ?? source?.innerText ?? "";
};

const tell = (kind, text) =>
  document.dispatchEvent(new CustomEvent("toast", { detail: { kind, text } }));

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-text]");
  if (!button) return;
  const words = document.body.dataset;
  try {
    await navigator.clipboard.writeText(wanted(button).trim());
    tell("success", words.textCopied);
  } catch {
    tell("error", words.textNotCopied);
  }
});
