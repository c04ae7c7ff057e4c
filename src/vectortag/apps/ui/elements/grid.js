// Photos of a library. data: {photos: [{key, name, picture}], selectable, selected: [key]}
// Events: photo = the key of the clicked one; state: selected = the keys that are ticked. With the shift key, a tick
// takes all from the last one on.
export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector(".root");
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Photos found");
  root.events = { setStateValue, setTriggerValue };
  const content = JSON.stringify([data.photos, data.selectable]);
  if (root.content === content) return; // drawn again after a tick: the photos stay, and so does the focus
  root.content = content;
  const selected = new Set(data.selected);
  let last = -1;
  root.replaceChildren(...data.photos.map(photo));

  function photo(one, place) {
    const box = document.createElement("div");
    box.className = "photo";
    box.classList.toggle("selected", selected.has(one.key));
    const button = document.createElement("button");
    button.type = "button";
    button.className = "open";
    button.dataset.testid = "library-photo";
    button.title = one.name;
    button.setAttribute("aria-label", `Open ${one.name}`);
    const picture = document.createElement("img");
    picture.loading = "lazy";
    picture.alt = "";
    picture.src = one.picture;
    const name = document.createElement("span");
    name.textContent = one.name;
    button.append(picture, name);
    button.onclick = () => root.events.setTriggerValue("photo", one.key);
    box.append(button);
    if (data.selectable) box.append(tick(one, place));
    return box;
  }

  function tick(one, place) {
    const input = document.createElement("input");
    input.type = "checkbox";
    input.checked = selected.has(one.key);
    input.setAttribute("aria-label", `Select ${one.name}`);
    input.onclick = (event) => {
      const from = event.shiftKey && last >= 0 ? last : place;
      for (let at = Math.min(from, place); at <= Math.max(from, place); at++) mark(at, input.checked);
      last = place;
      root.events.setStateValue("selected", [...selected]);
    };
    return input;
  }

  function mark(place, chosen) {
    const box = root.children[place];
    if (chosen) selected.add(data.photos[place].key);
    else selected.delete(data.photos[place].key);
    box.classList.toggle("selected", chosen);
    box.querySelector("input").checked = chosen;
  }
}
