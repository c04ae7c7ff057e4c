// Thumbnails to choose from. data: {thumbs: [{key, name, picture}], chosen, wrap}
// Event: photo = the key of the clicked thumbnail. In a strip with a chosen one, the arrow keys choose its neighbours,
// wherever the focus is, unless something there needs them itself.
const NEEDS_ARROWS =
  "input, textarea, select, [contenteditable], [role=slider], [role=radio], [role=tab], [role=combobox], [role=option]";

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root");
  root.classList.toggle("wrap", data.wrap);
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Photos");
  const known = new Map([...root.children].map((button) => [button.dataset.photo, button]));
  const wanted = data.thumbs.map((one) => update(known.get(one.key) ?? made(one), one));
  if (wanted.length !== root.children.length || wanted.some((button, place) => button !== root.children[place])) {
    const at = root.scrollLeft;
    root.replaceChildren(...wanted);
    root.scrollLeft = at;
  }
  if (root.shown !== data.chosen) intoSight(root.querySelector(".chosen"));
  root.shown = data.chosen;

  const turn = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const at = event.composedPath()[0];
    if (!step || !root.isConnected || data.chosen === null || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (at.matches?.(NEEDS_ARROWS) || document.querySelector("[role=dialog]")) return;
    const buttons = [...root.children];
    const next = buttons[buttons.findIndex((button) => button.classList.contains("chosen")) + step];
    if (!next) return;
    event.preventDefault();
    choose(next);
  };
  document.removeEventListener("keydown", root.turn); // of the drawing before
  root.turn = turn;
  document.addEventListener("keydown", turn);
  return () => document.removeEventListener("keydown", turn); // its own: the next drawing may be there already

  function made(one) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.testid = "thumb";
    button.dataset.photo = one.key;
    const picture = document.createElement("img");
    picture.alt = "";
    button.append(picture, document.createElement("span"));
    return button;
  }

  function update(button, one) {
    const [picture, name] = button.children;
    button.title = one.name;
    button.setAttribute("aria-label", one.name);
    button.setAttribute("aria-pressed", String(one.key === data.chosen));
    button.classList.toggle("chosen", one.key === data.chosen);
    if (picture.getAttribute("src") !== one.picture) picture.src = one.picture;
    name.textContent = one.name;
    button.onclick = () => choose(button);
    return button;
  }

  function choose(button) {
    for (const other of root.children) other.classList.toggle("chosen", other === button);
    intoSight(button);
    setTriggerValue("photo", button.dataset.photo);
  }

  // Along the strip only: the page itself stays where it is.
  function intoSight(button) {
    if (!button || data.wrap) return;
    const [strip, box] = [root.getBoundingClientRect(), button.getBoundingClientRect()];
    if (box.left < strip.left) root.scrollLeft += box.left - strip.left;
    else if (box.right > strip.right) root.scrollLeft += box.right - strip.right;
  }
}
