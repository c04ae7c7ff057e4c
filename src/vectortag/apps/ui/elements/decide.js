// Photos to decide about. data: {round, photos: [{key, name, picture, facts: [text]}], each, actions: [{key, label, keys,
// primary}], next: [address]}. `each` is the label of a button below every photo, or null; the digits press it, too.
// Event: answer = {round, key} of the action or the photo. One answer is taken for each round.
const NEEDS_KEYS = "input, textarea, select, [contenteditable], [role=combobox], [role=option], [role=slider]";

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root");
  root.answer = answer; // buttons that stay call the one of the last drawing
  const [photos, actions] = [element("div", "photos"), element("div", "actions")];
  photos.append(...data.photos.map(figure));
  actions.append(...data.actions.map((one) => button(one.label, one.key, one.primary, one.keys)));
  if (root.round !== data.round) root.replaceChildren(photos, actions);
  root.dataset.round = root.round = data.round;
  for (const address of data.next) new Image().src = address; // so that the next one is there at once

  const pressed = (event) => {
    const at = event.composedPath()[0];
    if (!root.isConnected || event.altKey || event.ctrlKey || event.metaKey || at.matches?.(NEEDS_KEYS) || document.querySelector("[role=dialog]")) return;
    const digit = data.each === null ? undefined : data.photos[Number(event.key) - 1]?.key;
    const key = data.actions.find((one) => one.keys.includes(event.key))?.key ?? digit;
    if (key === undefined) return;
    event.preventDefault();
    answer(key);
  };
  document.removeEventListener("keydown", root.pressed);
  root.pressed = pressed;
  document.addEventListener("keydown", pressed);
  return () => document.removeEventListener("keydown", pressed); // its own: the next drawing may be there already

  function answer(key) {
    if (root.answered === data.round) return; // a second press came before the next question
    root.answered = data.round;
    setTriggerValue("answer", { round: data.round, key });
  }

  function figure(one, place) {
    const figure = element("figure", "");
    const picture = element("img", "");
    picture.src = one.picture;
    picture.alt = one.name;
    const text = element("figcaption", "");
    text.append(...one.facts.map((fact) => element("span", "", fact)));
    figure.append(picture, text);
    if (data.each !== null) figure.append(button(data.each, one.key, false, [String(place + 1)], one.name));
    return figure;
  }

  function button(label, key, primary, keys, about) {
    const made = element("button", primary ? "primary" : "", label);
    made.type = "button";
    if (about) made.setAttribute("aria-label", `${label}: ${about}`);
    const shown = keys.filter((one) => one.length === 1).map((one) => one.toUpperCase());
    if (shown.length) made.append(element("kbd", "", shown[0]));
    made.onclick = () => root.answer(key);
    return made;
  }
}

function element(kind, name, text) {
  const made = document.createElement(kind);
  made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}
