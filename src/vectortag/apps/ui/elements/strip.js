// Thumbnails to choose from. data: {thumbs: [{key, name, picture}], chosen, wrap}
// Event: photo = the key of the clicked thumbnail.
export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".root");
  root.classList.toggle("wrap", data.wrap);
  const at = root.scrollLeft;
  root.replaceChildren(...data.thumbs.map(thumb));
  root.scrollLeft = at;
  root.querySelector(".chosen")?.scrollIntoView({ block: "nearest", inline: "nearest" });

  function thumb(one) {
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.testid = "thumb";
    button.title = one.name;
    button.setAttribute("aria-label", one.name);
    button.setAttribute("aria-pressed", String(one.key === data.chosen));
    button.classList.toggle("chosen", one.key === data.chosen);
    const picture = document.createElement("img");
    picture.src = one.picture;
    picture.alt = "";
    const name = document.createElement("span");
    name.textContent = one.name;
    button.append(picture, name);
    button.onclick = () => {
      for (const other of root.children) other.classList.toggle("chosen", other === button);
      setTriggerValue("photo", one.key);
    };
    return button;
  }
}
