// Text as it is written. [data-stream="url"] opens one EventSource; the browser itself sends
// Last-Event-ID when it reconnects. Inside it each [data-stream-card] is one variant; an event's
// "job" names the card by its value, and an event without "job" goes to the first card.
// Event data is JSON: token {text}, section {text}, reset {}, usage {text}, error {text}, done {text}.
const FINAL = new Set(["done", "failed", "picked"]);

class Card {
  constructor(element) {
    this.element = element;
    this.copy = element.querySelector("[data-stream-copy]");
    this.status = element.querySelector("[data-stream-status]");
    this.progress = element.querySelector("[data-stream-progress]");
    this.sections = new Map();
    this.current = "";
    this.waiting = "";
    this.tokens = 0;
    this.finished = false;
  }

  // The place of a named part of the text; made when it is first heard of.
  part(name, title) {
    if (!this.sections.has(name)) {
      const section = document.createElement("section");
      if (title) section.append(Object.assign(document.createElement("h3"), { textContent: title }));
      section.append(document.createElement("p"));
      this.copy.append(section);
      this.sections.set(name, section);
    }
    return this.sections.get(name);
  }

  token({ text, section = "" }) {
    this.state("running");
    if (section !== this.current) this.turn(section);
    // One paint for all the tokens that came since the last one.
    if (!this.waiting) requestAnimationFrame(() => this.flush());
    this.waiting += text;
    this.tokens += 1;
    if (this.progress) this.progress.value = this.progress.max * this.share();
  }

  // The most tokens that may come are known, not how many will: always onward, never at the end.
  share() {
    return 1 - Math.exp((-3 * this.tokens) / this.progress.max);
  }

  flush() {
    if (!this.waiting) return;
    const body = this.copy.parentElement;
    const atEnd = body.scrollHeight - body.scrollTop - body.clientHeight < 48;
    this.part(this.current).lastElementChild.append(this.waiting);
    this.waiting = "";
    if (atEnd) body.scrollTop = body.scrollHeight;
  }

  turn(section, title) {
    this.flush();
    this.current = section;
    return this.part(section, title);
  }

  // A section that comes again is written anew.
  section({ text, section = "" }) {
    this.state("running");
    this.turn(section, text).lastElementChild.textContent = "";
  }

  reset() {
    this.waiting = "";
    this.sections.clear();
    this.copy.replaceChildren();
    this.tokens = 0;
    if (this.progress) this.progress.value = 0;
  }

  usage({ text }) {
    const usage = this.element.querySelector("[data-stream-usage]");
    if (usage && text) usage.textContent = text;
  }

  error({ text }) {
    this.flush();
    this.state("failed", text);
  }

  done({ text }) {
    this.flush();
    this.finished = true;
    if (this.element.dataset.state !== "failed") this.state("done", text);
    this.element.dispatchEvent(new CustomEvent("stream:done", { bubbles: true }));
    const { streamDone: url } = this.element.dataset;
    if (url) window.htmx?.ajax("GET", url, { target: this.element, swap: "outerHTML" });
  }

  state(name, text) {
    if (this.element.dataset.state === name && !text) return;
    this.element.dataset.state = name;
    this.copy.setAttribute("aria-busy", String(name === "running"));
    for (const part of this.element.querySelectorAll("[data-when]")) {
      part.hidden = !part.dataset.when.split(" ").includes(name);
    }
    const said = this.status?.dataset[`text${name[0].toUpperCase()}${name.slice(1)}`];
    if (this.status) this.status.textContent = text || said || "";
  }
}

class Stream {
  constructor(element) {
    const all = element.matches("[data-stream-card]")
      ? [element]
      : [...element.querySelectorAll("[data-stream-card]")];
    const found = all.filter((card) => !FINAL.has(card.dataset.state));
    this.element = element;
    this.cards = new Map(found.map((card) => [card.dataset.streamCard, new Card(card)]));
    this.first = this.cards.values().next().value;
    this.source = new EventSource(element.dataset.stream);
    for (const name of ["token", "section", "reset", "usage", "done"]) this.listen(name);
    this.source.addEventListener("error", (event) => this.error(event));
  }

  listen(name) {
    this.source.addEventListener(name, (event) => this.pass(name, event.data));
  }

  pass(name, data) {
    const detail = JSON.parse(data || "{}");
    const card = detail.job ? this.cards.get(String(detail.job)) : this.first;
    if (!card?.finished) card?.[name](detail);
    if ([...this.cards.values()].every((each) => each.finished)) this.close();
  }

  // "error" is both our event (it has data) and the browser's own (it has none and reconnects).
  error(event) {
    if (event.data) this.pass("error", event.data);
    else if (this.source.readyState === EventSource.CLOSED) this.lost();
  }

  lost() {
    for (const card of this.cards.values()) {
      if (!card.finished) card.error({ text: document.body.dataset.textOffline });
    }
  }

  close() {
    this.source.close();
    this.element.dispatchEvent(new CustomEvent("stream:end", { bubbles: true }));
  }
}

const open = new Map();

const start = () => {
  for (const [element, stream] of open) {
    if (!element.isConnected) {
      stream.source.close();
      open.delete(element);
    }
  }
  for (const element of document.querySelectorAll("[data-stream]")) {
    if (!open.has(element)) open.set(element, new Stream(element));
  }
};

document.addEventListener("htmx:load", start);
window.addEventListener("pagehide", () => {
  for (const stream of open.values()) stream.source.close();
});
start();
