// [data-most-bytes] on a file input: a file that is too large is not sent, but said to be so.
document.addEventListener("change", ({ target }) => {
  if (!target.dataset?.mostBytes) return;
  const over = [...target.files].some((file) => file.size > Number(target.dataset.mostBytes));
  target.setCustomValidity(over ? target.dataset.tooLarge : "");
  if (over) target.reportValidity();
});

document.addEventListener("submit", (event) => {
  const refused = event.target.querySelector("[data-most-bytes]:invalid");
  if (!refused?.validity.customError) return;
  event.preventDefault();
  refused.reportValidity();
});
