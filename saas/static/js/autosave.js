// <form data-autosave="url">: posts the form a moment after the last key; 409 means someone else saved.
const PAUSE_MS = 900;

class Autosave {
  constructor(form) {
    this.form = form;
    this.state = form.querySelector("[data-save-state]") ?? document.querySelector("[data-save-state]");
    this.dirty = false;
    form.addEventListener("input", () => this.later());
    window.addEventListener("beforeunload", (event) => this.dirty && event.preventDefault());
  }

  later() {
    this.dirty = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), PAUSE_MS);
  }

  show(state) {
    if (!this.state) return;
    this.state.dataset.state = state;
    this.state.textContent = this.state.dataset[`text${state[0].toUpperCase()}${state.slice(1)}`] ?? "";
  }

  async save() {
    if (this.saving) {
      this.later();
      return;
    }
    this.saving = true;
    this.show("saving");
    const sent = new FormData(this.form);
    this.dirty = false;
    const answer = await this.post(sent);
    this.saving = false;
    if (answer?.ok) await this.accept(answer);
    else this.refuse(answer);
  }

  async post(body) {
    try {
      const headers = {
        "X-CSRFToken": document.querySelector('meta[name="csrf-token"]')?.content ?? "",
        Accept: "application/json",
      };
      return await fetch(this.form.dataset.autosave, { method: "POST", body, headers });
    } catch {
      return null;
    }
  }

  async accept(answer) {
    const json = answer.headers.get("Content-Type")?.includes("json") ? await answer.json() : {};
    const version = this.form.elements.namedItem("version");
    if (version && json.version !== undefined) version.value = json.version;
    this.show("saved");
    this.form.dispatchEvent(new CustomEvent("autosave:saved", { bubbles: true, detail: json }));
  }

  refuse(answer) {
    this.dirty = true;
    this.show(answer?.status === 409 ? "conflict" : "failed");
    // A dropped connection heals by itself; a refused text waits for the next key.
    if (!answer) this.timer = setTimeout(() => this.save(), PAUSE_MS * 5);
  }
}

const started = new WeakSet();

const start = () => {
  for (const form of document.querySelectorAll("form[data-autosave]")) {
    if (started.has(form)) continue;
    started.add(form);
    new Autosave(form);
  }
};

document.addEventListener("htmx:load", start);
start();
