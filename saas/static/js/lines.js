// [data-lines]: a list of short fields. Typing in the last one brings one more, up to data-most.
const lines = (list) => [...list.querySelectorAll("[data-line]")];

const numbered = (value, number) => value.replace(/-\d+$/, `-${number}`);

const renumber = (line, number) => {
  const input = line.querySelector("input, textarea");
  input.name = numbered(input.name, number);
  input.id = numbered(input.id, number);
  const label = line.querySelector("label");
  label.htmlFor = input.id;
  label.textContent = label.textContent.replace(/\d+$/, number + 1);
  const limit = line.querySelector("[data-limit-for]");
  if (limit) limit.dataset.limitFor = input.id;
  return input;
};

const grow = (list) => {
  const all = lines(list);
  if (all.length >= Number(list.dataset.most)) return;
  const line = all.at(-1).cloneNode(true);
  const input = renumber(line, all.length);
  input.value = "";
  input.removeAttribute("value");
  input.removeAttribute("aria-invalid");
  const count = line.querySelector("[data-count]");
  if (count) count.textContent = "0";
  list.append(line);
};

document.addEventListener("input", (event) => {
  const list = event.target.closest?.("[data-lines]");
  if (!list) return;
  const last = lines(list).at(-1);
  if (last.contains(event.target) && event.target.value) grow(list);
});
