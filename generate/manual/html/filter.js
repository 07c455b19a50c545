// Shows the pages whose name, purpose or subject contains every word that has
// been typed; Enter opens the first of them.
const field = document.getElementById("filter");
const input = field.querySelector("input");
const count = field.querySelector("output");
const groups = Array.from(document.querySelectorAll("main section"), (section) => ({
  section,
  items: Array.from(section.querySelectorAll("li"), (item) => ({
    item,
    text: (item.textContent + " " + section.firstElementChild.textContent).toLowerCase(),
  })),
}));
const titles = document.querySelectorAll("main > h2");

function filter() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const { section, items } of groups) {
    let here = 0;
    for (const { item, text } of items) {
      item.hidden = !words.every((word) => text.includes(word));
      here += !item.hidden;
    }
    section.hidden = here === 0;
    found += here;
  }
  for (const title of titles) title.hidden = words.length > 0;
  count.textContent = words.length > 0 ? `${found} found` : "";
}

input.addEventListener("input", filter);
input.addEventListener("keydown", (event) => {
  const first = document.querySelector("li:not([hidden]) a");
  if (event.key === "Enter" && input.value && first) location = first.href;
});
field.hidden = false;
filter();
