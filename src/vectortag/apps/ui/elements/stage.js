// A photo under its heat map, or beside it. data: {photo, ratio, layer, layers, opacity, beside, alt}
// Listens to clicks in scores.js, and shows the tag's layer before the server answers.
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".root");
  if (!root.firstChild) {
    root.innerHTML = `
      <figure class="plain"><img class="photo"></figure>
      <figure class="heat" data-testid="heat"><img class="photo"><img class="layer" alt=""></figure>`;
  }
  root.layers = data.layers;
  root.classList.toggle("beside", data.beside);
  root.style.setProperty("--ratio", data.ratio);
  for (const photo of root.querySelectorAll(".photo")) set(photo, data.photo);
  root.querySelector(".plain .photo").alt = "";
  root.querySelector(".heat .photo").alt = data.alt;
  const layer = root.querySelector(".layer");
  layer.hidden = !data.layer;
  if (data.layer) set(layer, data.layer);
  layer.style.opacity = data.opacity;

  const show = (event) => {
    const address = root.layers[event.detail];
    if (!address) return;
    layer.hidden = false;
    set(layer, address);
  };
  window.addEventListener("vectortag-tag", show);
  return () => window.removeEventListener("vectortag-tag", show);
}

function set(image, address) {
  if (image.getAttribute("src") !== address) image.src = address;
}
