// One banner while there is no line, gone when it is back. A browser's own word is taken for a start;
// whether the server answers is what counts.
const EVERY_MS = 3000;
const banner = document.getElementById("offline");
let timer = 0;

const answers = async () => {
  try {
    await fetch(banner.dataset.probe, { cache: "no-store", signal: AbortSignal.timeout(EVERY_MS) });
    return true;
  } catch {
    return false;
  }
};

const look = async () => {
  clearTimeout(timer);
  if (await answers()) banner.hidden = true;
  else timer = setTimeout(look, EVERY_MS);
};

const lost = () => {
  banner.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(look, EVERY_MS);
};

if (banner) {
  window.addEventListener("offline", lost);
  window.addEventListener("online", look);
  document.addEventListener("line:lost", (event) => {
    event.preventDefault();
    lost();
  });
  if (!navigator.onLine) lost();
}
