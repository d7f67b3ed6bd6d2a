// htmx: the CSRF header, busy buttons, and words for requests that fail.
const words = document.body.dataset;

const csrf = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

const submitters = (element) => {
  if (element.matches("button")) return [element];
  return [...element.querySelectorAll('button[type="submit"], button:not([type])')];
};

const busy = (element, on) => {
  if (!element.matches("button, form")) return;
  for (const button of submitters(element)) {
    if (on) button.setAttribute("aria-busy", "true");
    else button.removeAttribute("aria-busy");
  }
};

const fail = (text, request) => {
  const id = request?.getResponseHeader?.("X-Request-Id");
  document.dispatchEvent(
    new CustomEvent("toast", { detail: { kind: "error", text, note: id ?? "" } }),
  );
};

document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = csrf();
});
document.addEventListener("htmx:beforeRequest", (event) => busy(event.detail.elt, true));
document.addEventListener("htmx:afterRequest", (event) => busy(event.detail.elt, false));
// No answer at all: the banner says so, if it is there.
document.addEventListener("htmx:sendError", () => {
  const lost = new CustomEvent("line:lost", { cancelable: true });
  if (document.dispatchEvent(lost)) fail(words.textOffline);
});
document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  if (xhr.status === 401) window.location.reload();
  else fail(xhr.status === 403 ? words.textForbidden : words.textError, xhr);
});

// allauth's scripts report here when a passkey could not be used.
document.addEventListener("allauth.error", () => fail(words.textKey));

// A plain form shows that it is on its way, and cannot be sent twice.
const plain = (form) =>
  form.getAttribute("method")?.toLowerCase() === "post" && !form.matches("[hx-post]");

document.addEventListener("submit", (event) => {
  const form = event.target;
  // A download leaves the page as it is, and may be wanted again.
  const download = event.submitter?.matches("[data-download]");
  if (event.defaultPrevented || download || !plain(form)) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
  (event.submitter ?? form).setAttribute("aria-busy", "true");
});

// Back from the cache of the browser: everything may be sent again.
window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const button of document.querySelectorAll("button[aria-busy]")) button.removeAttribute("aria-busy");
});

// After a refused form the reader starts at the summary of what is wrong.
document.querySelector(".error-summary")?.focus();
document.addEventListener("htmx:load", (event) => {
  const { elt } = event.detail;
  (elt.matches(".error-summary") ? elt : elt.querySelector(".error-summary"))?.focus();
});
