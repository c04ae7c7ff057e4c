// Photos of a library. data: {photos: [{key, name, picture}], following: [address], page, selectable, selected: [key],
// revision}. The pictures of the next page are fetched when those of this one are there.
// Events: photo = the key of the clicked one; state: ticks = {shown: [key], ticked: [key]} of this page. With the shift
// key, a tick takes all from the last one on. `selected` counts when photos or revision are others than before.
export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector(".root");
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", "Photos found");
  root.events = { setStateValue, setTriggerValue };
  const content = JSON.stringify([data.photos, data.selectable]);
  const asKnown = root.content === content;
  if (asKnown && root.revision === data.revision) return; // drawn again after a tick: the photos stay, and so does the focus
  root.content = content;
  root.revision = data.revision;
  root.selected = new Set(data.selected);
  if (asKnown) {
    for (let at = 0; at < root.children.length; at++) mark(at, root.selected.has(data.photos[at].key));
    return;
  }
  root.last = -1;
  root.replaceChildren(...data.photos.map(photo));
  if (root.page !== undefined && root.page !== data.page) root.scrollIntoView({ block: "start" });
  else if (root.page === undefined) root.children[data.photos.findIndex(({ key }) => key === window.vectortagOpened)]?.scrollIntoView({ block: "center" });
  root.page = data.page;
  clearTimeout(root.ahead);
  root.ahead = setTimeout(fetchAhead, 500);

  function fetchAhead() {
    if (document.hidden || navigator.connection?.saveData) return;
    for (const address of data.following) Object.assign(new Image(), { fetchPriority: "low", src: address });
  }

  function photo(one, place) {
    const box = document.createElement("div");
    box.className = "photo";
    box.classList.toggle("selected", root.selected.has(one.key));
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
    button.onclick = () => {
      window.vectortagOpened = one.key;
      document.querySelector('[data-testid="stMain"]')?.scrollTo({ top: 0 }); // the photo is shown from its top on
      root.events.setTriggerValue("photo", one.key);
    };
    box.append(button);
    if (data.selectable) box.append(tick(one, place));
    return box;
  }

  function tick(one, place) {
    const label = document.createElement("label"); // larger than the box: a thumb must hit it
    const input = document.createElement("input");
    input.type = "checkbox";
    input.checked = root.selected.has(one.key);
    input.setAttribute("aria-label", `Select ${one.name}`);
    input.onclick = (event) => {
      const from = event.shiftKey && root.last >= 0 ? root.last : place;
      for (let at = Math.min(from, place); at <= Math.max(from, place); at++) mark(at, input.checked);
      root.last = place;
      const shown = data.photos.map((photo) => photo.key);
      root.events.setStateValue("ticks", { shown, ticked: shown.filter((key) => root.selected.has(key)) });
    };
    label.append(input);
    return label;
  }

  function mark(place, chosen) {
    const box = root.children[place];
    if (chosen) root.selected.add(data.photos[place].key);
    else root.selected.delete(data.photos[place].key);
    box.classList.toggle("selected", chosen);
    box.querySelector("input").checked = chosen;
  }
}
