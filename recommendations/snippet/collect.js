// Tells Kindling what visitors see and choose. Nothing is sent or stored under Do Not Track or
// Global Privacy Control, nor before a consent that is required.
(() => {
  const tag = document.currentScript, at = tag.dataset, page = at.item;
  const off = navigator.doNotTrack === "1" || navigator.globalPrivacyControl;
  const ids = {}, queue = [], seen = new Set();
  let agreed = at.consent !== "required", began, opened, timer, spent = 0;
  const store = (area, step) => {
    try { return step(window[area]); } catch { /* storage is switched off */ }
  };
  const id = (area) => ids[area] ||= store(area, (kept) => {
    kept.kindling ||= crypto.getRandomValues(new Uint32Array(4)).join("-");
    return kept.kindling;
  }) || "visit-" + Date.now() + Math.random();
  const flush = () => {
    timer = clearTimeout(timer);
    if (off || !agreed || !queue.length) return;
    const events = queue.splice(0, 50);
    const person = at.person || id("localStorage"), session = id("sessionStorage");
    const body = JSON.stringify({ person, session, sent: Date.now(), events });
    const url = new URL("./?key=" + at.key, tag.src);
    fetch(url, { method: "POST", body, keepalive: true, credentials: "omit" }).catch(() => {});
    flush();
  };
  const track = (type, item, more) => {
    if (off || !item || queue.length > 499) return;
    queue.push({ type, item, at: Date.now(), ...more });
    timer ||= setTimeout(flush, 500);
  };
  const pause = () => {
    if (began) spent += Date.now() - began;
    began = 0;
    if (opened) track("dwell", page, { at: opened, seconds: spent / 1000 });
    flush();
  };
  const told = (type, { kindlingItem, kindlingRecomm: recomm_id }) => {
    const name = kindlingItem + " " + recomm_id;
    if (type === "click" || !seen.has(name)) track(type, kindlingItem, { recomm_id });
    seen.add(name);
  };
  const half = new IntersectionObserver((found) => {
    for (const each of found)
      if (each.intersectionRatio >= 0.5) told("impression", each.target.dataset);
  }, { threshold: 0.5 });
  const mark = "[data-kindling-item]";
  const scan = () => document.querySelectorAll(mark).forEach((node) => half.observe(node));
  const start = () => {
    scan();
    new MutationObserver(scan).observe(document.body, { childList: true, subtree: true });
    addEventListener("click", ({ target }) => {
      const card = target.closest(mark);
      if (card) told("click", card.dataset);
    }, true);
    addEventListener("pagehide", pause);
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) pause();
      else began = Date.now();
    });
    if (page) began = opened = Date.now();
    track("view", page, { at: opened, recomm_id: at.recomm });
  };
  window.kindling = {
    track,
    person(name) { flush(); at.person = name; },
    consent(yes) {
      agreed = yes;
      if (yes) return flush();
      queue.length = 0;
      for (const area of ["localStorage", "sessionStorage"]) {
        delete ids[area];
        store(area, (kept) => kept.removeItem("kindling"));
      }
    },
  };
  if (off) return;
  if (document.body) start();
  else addEventListener("DOMContentLoaded", start);
})();
